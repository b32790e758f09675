"""What i-PI's input and the driver's configuration say of the same thing, compared."""

from __future__ import annotations

import difflib
import logging
import math
from typing import NoReturn

import numpy as np

from ipi_mtd import units
from ipi_mtd.address import Address
from ipi_mtd.atoms import read_atoms
from ipi_mtd.config import Config
from ipi_mtd.errors import UserError
from ipi_mtd.ipi_input.interpretation import Interpretation, Motion, Sent, System, Use
from ipi_mtd.ipi_input.order import bohr_for_angstrom, first_misplaced
from ipi_mtd.ipi_input.serving import require_served
from ipi_mtd.structure import FloatArray

log = logging.getLogger(__name__)

SAME_TIMESTEP = 1e-6
SAME_TEMPERATURE = 1e-4
SAME_CELL = 1e-3
"""Relative differences that come from how numbers are written and units converted."""

VARIABLE_CELL = ("npt", "nst", "scnpt")
"""Ensembles of i-PI in which the cell moves."""

GAP = 8.0
"""Angstrom between a molecule and its image: with less, nobody would call it isolated."""


def require_agreement(ipi: Interpretation, config: Config, address: Address) -> None:
    """Refuse an i-PI input that the driver cannot serve, or that contradicts the configuration.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    config : the driver's configuration
    address : where the driver connects

    Raises
    ------
    UserError
        Which names the element and both values.
    """
    require_served(ipi, address)
    (use,) = ipi.uses_of(ipi.socket_at(address))
    system = use.system
    for motion in system.motion.parts:
        _compare_timesteps(ipi, config, motion)
    _compare_temperatures(ipi, config, system)
    _compare_structures(ipi, config, system, ipi.sent_to(address))
    _compare_extras(ipi, config, use)


def _compare_timesteps(ipi: Interpretation, config: Config, motion: Motion) -> None:
    ours, theirs = config.system.timestep, motion.timestep
    if theirs is None or math.isclose(theirs, ours, rel_tol=SAME_TIMESTEP):
        return
    atomic = units.factor("2.4188843265864e-5*ps", "ps")
    meant = ": a time without `units` is in atomic units"
    _refuse(
        ipi,
        f"<timestep> is {1e3 * theirs:.8g} fs, but `system.timestep` of the driver's "
        f"configuration is {1e3 * ours:.8g} fs"
        + (meant if math.isclose(theirs / atomic, 1e3 * ours, rel_tol=1e-4) else ""),
    )


def _compare_temperatures(ipi: Interpretation, config: Config, system: System) -> None:
    ours, theirs = config.system.temperature, system.temperature
    needing = [bias for bias in config.metad if bias.bias_factor is not None or bias.rct]
    if any(motion.mode == "t_ramp" for motion in system.motion.parts):
        if ours is not None or needing:
            _refuse(
                ipi,
                '<motion mode="t_ramp"> changes the temperature, and the driver is not told: only '
                "biases without `bias_factor` and `rct`, and no `system.temperature`, are possible",
            )
        return
    if theirs is None:
        return
    if ours is not None and not math.isclose(ours, theirs, rel_tol=SAME_TEMPERATURE):
        _refuse(
            ipi,
            f"<temperature> is {theirs:.8g} K, but `system.temperature` of the driver's "
            f"configuration is {ours:.8g} K; for a bias at another temperature, give it its own "
            "`metad.temperature`",
        )
    for bias in needing:
        said = bias.temperature
        if said is not None and not math.isclose(said, theirs, rel_tol=SAME_TEMPERATURE):
            log.warning(
                "%s: <temperature> is %.8g K; the bias %s is for %.8g K, as its input says",
                *(ipi.path, theirs, bias.name, said),
            )


def _compare_structures(ipi: Interpretation, config: Config, system: System, sent: Sent) -> None:
    path = config.system.structure
    atoms = read_atoms(path)
    structure = f"`system.structure` of the driver's configuration ({path})"
    bohr = units.factor("angstrom", "bohr")
    positions, cell = np.array(atoms.positions) * bohr, np.array(atoms.cell) * bohr
    if len(sent.names) != len(atoms):
        _refuse(ipi, f"i-PI has {len(sent.names)} atoms, but {structure} has {len(atoms)}")
    periodic = config.system.periodic
    if sent.folded and not periodic:
        _refuse(
            ipi,
            'pbc="True" of the <ffsocket> folds the atoms into the cell, which tears a molecule '
            'that the driver takes as isolated to pieces: write pbc="False", or make the run '
            "periodic with `system.periodic`",
        )
    for k, (name, number) in enumerate(zip(sent.names, atoms.numbers.tolist(), strict=True)):
        if not _may_be(name, number):
            _refuse(
                ipi,
                f"atom {k + 1} is {name} in i-PI, but {atoms[k].symbol} in {structure}: the atoms "
                "must be the same, in the same order",
            )
    if ipi.step == 0:
        frame = sent.cell if periodic else None
        _compare_positions(ipi, structure, sent.positions, positions, frame)
    if periodic:
        _compare_cells(ipi, structure, system, sent.cell, cell)
    else:
        _warn_of_images(ipi, sent)


def _may_be(name: str, number: int) -> bool:
    """Whether a label of i-PI is one of an element; a name that means none may be any."""
    from ase.data import atomic_numbers

    isotopes = {"D": 1, "T": 1}
    named = isotopes.get(name, atomic_numbers.get(name.capitalize(), 0))
    return 0 in (named, number) or named == number


def _compare_positions(
    ipi: Interpretation,
    structure: str,
    theirs: FloatArray,
    ours: FloatArray,
    cell: FloatArray | None,
) -> None:
    if (k := first_misplaced(theirs, ours, cell)) is not None:
        _refuse(
            ipi,
            f"atom {k[0] + 1} is where atom {k[1] + 1} is in {structure}: the same atoms, but not "
            "in the same order",
        )
    centered = theirs - theirs.mean(axis=0), ours - ours.mean(axis=0)
    if (ratio := bohr_for_angstrom(*centered)) is not None:
        _refuse(
            ipi,
            f"the positions are {ratio} those in {structure}: with i-PI a length without a unit is "
            'in bohr; say which it is, as in units="angstrom"',
        )


def _compare_cells(
    ipi: Interpretation, structure: str, system: System, theirs: FloatArray, ours: FloatArray
) -> None:
    is_variable = any(motion.ensemble in VARIABLE_CELL for motion in system.motion.parts)
    if ipi.step > 0 or np.allclose(_metric(theirs), _metric(ours), rtol=0, atol=_tolerance(ours)):
        return
    sides, expected = np.linalg.norm(theirs, axis=1), np.linalg.norm(ours, axis=1)
    a, b, c = sides / units.factor("angstrom", "bohr")
    found = f"the cell has sides of {a:.6g}, {b:.6g}, {c:.6g} angstrom, which is not that"
    ratio = bohr_for_angstrom(sides, expected)
    meant = f", but {ratio} it: see `cell_units`, or `units`, in i-PI's input" if ratio else ""
    if is_variable:
        log.warning("%s: %s of %s%s", ipi.path, found, structure, meant)
    else:
        _refuse(ipi, f"{found} of {structure}{meant}")


def _compare_extras(ipi: Interpretation, config: Config, use: Use) -> None:
    """i-PI stops where it is to print what it was not told."""
    told = ["raw", "bias", "potential", *(cv.name for cv in config.cv)]
    if len(use.system.biases if use.is_bias else use.system.forces) > 1:
        return  # the other drivers may tell more
    for extras in ipi.extras:
        for key in extras.keys if extras.of_bias == use.is_bias else ():
            if key not in told:
                guesses = difflib.get_close_matches(key, told, n=1)
                meant = f"; did you mean '{guesses[0]}'?" if guesses else ""
                _refuse(
                    ipi,
                    f'extra_type="{",".join(extras.keys)}" of a <trajectory>: the driver tells '
                    f"{', '.join(told[1:])}, not '{key}'{meant}",
                )


def _metric(cell: FloatArray) -> FloatArray:
    """The products of the lattice vectors, whatever way the cell is turned."""
    product: FloatArray = cell @ cell.T
    return product


def _tolerance(cell: FloatArray) -> float:
    return 2 * SAME_CELL * float(np.abs(_metric(cell)).max())


def _warn_of_images(ipi: Interpretation, sent: Sent) -> None:
    """An isolated molecule in a cell that fits it closely is probably none."""
    heights = 1 / np.linalg.norm(np.linalg.inv(sent.cell), axis=0)
    fractional = sent.positions @ np.linalg.inv(sent.cell)
    gaps = (1 - np.ptp(fractional, axis=0)) * heights / units.factor("angstrom", "bohr")
    if gaps.min() < GAP:
        log.warning(
            "%s: the atoms come as near as %.3g angstrom to their images in i-PI's cell, which the "
            "driver ignores: if the run is periodic, say so with `system.periodic`",
            ipi.path,
            max(gaps.min(), 0.0),
        )


def _refuse(ipi: Interpretation, what: str) -> NoReturn:
    raise UserError(f"{ipi.path}: {what}")
