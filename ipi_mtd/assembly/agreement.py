"""What i-PI's input and the driver's configuration say of the same thing, compared."""

from __future__ import annotations

import difflib
import logging
import math
from pathlib import Path

from ipi_mtd import units
from ipi_mtd.assembly.address import address_of
from ipi_mtd.config import RunConfig
from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import interpret
from ipi_mtd.server.ipi_input.elements import Motion, System, Use
from ipi_mtd.server.ipi_input.interpretation import Interpretation
from ipi_mtd.server.ipi_input.paths import NoSuchFile
from ipi_mtd.server.ipi_input.same_atoms import require_same_atoms
from ipi_mtd.server.ipi_input.serving import require_served
from ipi_mtd.structures.structure import Structure

log = logging.getLogger(__name__)

SAME_TIMESTEP = 1e-6
SAME_TEMPERATURE = 1e-4
"""Relative differences that come from how numbers are written and units converted."""


def require_agreement(
    ipi: Interpretation, config: RunConfig, structure: Structure, address: Address
) -> None:
    """Refuse an i-PI input that the driver cannot serve, or that contradicts the configuration.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    config : the driver's configuration
    structure : its structure
    address : where the driver connects

    Raises
    ------
    UserError
        If an element of the input and a key of the configuration differ, or the driver could not
        serve the input; the message has both values.
    """
    require_served(ipi, address)
    (use,) = ipi.uses_of(ipi.socket_at(address))
    system = use.system
    for motion in system.motion.parts:
        _compare_timesteps(ipi, config, motion)
    _compare_temperatures(ipi, config, system)
    require_same_atoms(ipi, system, ipi.sent_to(address), structure, config.system.structure)
    _compare_extras(ipi, config, use)
    _warn_of_potential(ipi, config, use)


def _compare_timesteps(ipi: Interpretation, config: RunConfig, motion: Motion) -> None:
    ours, theirs = config.system.timestep, motion.timestep
    if theirs is None or math.isclose(theirs, ours, rel_tol=SAME_TIMESTEP):
        return
    atomic = units.factor("2.4188843265864e-5*ps", "ps")
    meant = ": a time without `units` is in atomic units"
    raise ipi.error(
        f"<timestep> is {1e3 * theirs:.8g} fs, but `system.timestep` of the driver's "
        f"configuration is {1e3 * ours:.8g} fs"
        + (meant if math.isclose(theirs / atomic, 1e3 * ours, rel_tol=1e-4) else ""),
    )


def _compare_temperatures(ipi: Interpretation, config: RunConfig, system: System) -> None:
    ours, theirs = config.system.temperature, system.temperature
    needing = [bias for bias in config.each_bias() if bias.needs_temperature()]
    if any(motion.mode == "t_ramp" for motion in system.motion.parts):
        if ours is not None or needing:
            raise ipi.error(
                '<motion mode="t_ramp"> changes the temperature, and the driver is not told: '
                "leave out `system.temperature`, and `bias_factor` and `rct` of every bias",
            )
        return
    if theirs is None:
        return
    if ours is not None and not math.isclose(ours, theirs, rel_tol=SAME_TEMPERATURE):
        raise ipi.error(
            f"<temperature> is {theirs:.8g} K, but `system.temperature` of the driver's "
            f"configuration is {ours:.8g} K; for a bias at another temperature, give it its own "
            "`metad.temperature`",
        )
    for bias in needing:
        said = bias.own_temperature()
        if said is not None and not math.isclose(said, theirs, rel_tol=SAME_TEMPERATURE):
            log.warning(
                "%s: <temperature> is %.8g K; the bias %s is for %.8g K, as its input says",
                *(ipi.path, theirs, bias.name, said),
            )


def _compare_extras(ipi: Interpretation, config: RunConfig, use: Use) -> None:
    """i-PI stops where it is to print what it was not told."""
    told = ["raw", "bias", "potential", *(cv.name for cv in config.cv)]
    if len(use.system.biases if use.is_bias else use.system.forces) > 1:
        return  # the other drivers may tell more
    for extras in ipi.extras:
        for key in extras.keys if extras.of_bias == use.is_bias else ():
            if key not in told:
                guesses = difflib.get_close_matches(key, told, n=1)
                meant = f"; did you mean '{guesses[0]}'?" if guesses else ""
                raise ipi.error(
                    f'extra_type="{",".join(extras.keys)}" of a <trajectory>: the driver tells '
                    f"{', '.join(told[1:])}, not '{key}'{meant}",
                )


def _warn_of_potential(ipi: Interpretation, config: RunConfig, use: Use) -> None:
    """The physical forces should come once: from the driver, or from another one."""
    if config.potential.kind == "none":
        if not use.is_bias and len(use.system.forces) == 1:
            log.warning(
                '%s: no other force than that of "%s" is under <forces>, and the driver has no '
                "potential: the atoms feel the bias alone",
                *(ipi.path, use.force.forcefield),
            )
    elif use.is_bias:
        log.warning(
            '%s: "%s" is under <ensemble><bias>, so the %s potential of the driver\'s '
            "configuration is added to the forces of the others as a bias: for the bias alone, "
            'take kind = "none"',
            *(ipi.path, use.force.forcefield, config.potential.kind),
        )


def find_barostat(ipi: Interpretation, address: Address) -> str | None:
    """Where i-PI's input has the barostat, if there is one, of the system that a driver serves."""
    use, *_ = ipi.uses_of(ipi.socket_at(address))
    for motion in use.system.motion.parts:
        if motion.moves_cell:
            return f'{ipi.path}: <{motion.mode} mode="{motion.ensemble}">'
    return None


def require_virial(barostat: str | None, missing: str | None) -> None:
    """Refuse a barostat if the potential has no virial.

    Of the two, i-PI's input is known to whoever starts i-PI, and the other one only where the
    potential is loaded.

    Parameters
    ----------
    barostat : where it is, if there is one; see :func:`find_barostat`
    missing : why the virial is missing, if it is; see :meth:`.Potential.missing_virial`

    Raises
    ------
    UserError
        If both are.
    """
    if barostat is not None and missing is not None:
        raise UserError(f"{barostat} moves the cell by the virial, but {missing}")


def compare_with_input(
    config: RunConfig, structure: Structure, missing_virial: str | None
) -> str | None:
    """Compare the configuration with i-PI's input, if it names one and it is the one in use.

    Parameters
    ----------
    config : the configuration
    structure : its structure
    missing_virial : why the virial of its potential is missing, if it is

    Returns
    -------
    str, optional
        What came of it.

    Raises
    ------
    UserError
        If they contradict each other, or the input asks for what the driver cannot serve.
    """
    address, path = address_of(config), config.socket.input
    if path is None:
        return None
    if not path.exists():
        return f"{path}: there is no such i-PI input, so it is not checked"
    try:
        ipi = interpret(path, Path.cwd())
    except NoSuchFile as error:  # i-PI may be started elsewhere
        return f"{error}, so it is not checked"
    if not any(socket.is_at(address) for socket in ipi.sockets):
        return f"{path}: no ffsocket listens at {address}, so it is not checked"
    require_agreement(ipi, config, structure, address)
    require_virial(find_barostat(ipi, address), missing_virial)
    return f"{path} agrees"
