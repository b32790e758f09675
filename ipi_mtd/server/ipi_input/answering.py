"""i-PI's own reading of its input, for :func:`ipi_mtd.server.ipi_input.asking.interpret`.

This runs in a process of its own, in the directory that i-PI would be started in. No force field is
made: that could load a potential, or run PLUMED.
"""

from __future__ import annotations

import contextlib
import difflib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input.elements import (
    Checkpoint,
    Extras,
    Force,
    ForceField,
    Motion,
    System,
)
from ipi_mtd.server.ipi_input.interpretation import Interpretation


def answer(path: str) -> None:
    """Write to stdout, as a pickle, what the input on stdin means, or what i-PI says of it."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            found: object = read(Path(path), sys.stdin.buffer.read())
        except UserError as error:
            found = str(error)
        except (Exception, SystemExit) as error:
            # the text of a KeyError comes in quotes, its argument does not
            said = str(error.args[0]) if isinstance(error, KeyError) else str(error)
            found = f"i-PI says: {said.strip() or type(error).__name__}"
    sys.stdout.buffer.write(pickle.dumps(found))


def read(path: Path, text: bytes) -> Interpretation:
    """What i-PI makes of a text, in this process and directory.

    Parameters
    ----------
    path : where the text comes from
    text : the XML

    Raises
    ------
    UserError
        If an output has no name that i-PI knows; whatever i-PI raises if it finds a mistake.
    """
    from ipi.inputs.simulation import InputSimulation
    from ipi.utils.io.inputs.io_xml import xml_parse_string

    parsed = InputSimulation()
    parsed.parse(xml_parse_string(text).fields[0][1])
    prefix = parsed.sockets_prefix.fetch()
    prng = parsed.prng.fetch()
    systems = []
    for tag, element in parsed.extra:
        if tag in ("system", "system_template"):
            made = element.fetch()
            systems += made if isinstance(made, list) else [made]
    outputs = parsed.output.fetch()
    return Interpretation(
        path=path,
        step=parsed.step.fetch(),
        total_steps=parsed.total_steps.fetch(),
        systems=tuple(_system(system, prng) for system in systems),
        forcefields=tuple(
            forcefield
            for tag, element in parsed.extra
            if tag.startswith("ff")
            for forcefield in _forcefields(tag, element, prefix)
        ),
        prefix=outputs.prefix,
        quantities=tuple(_quantities(outputs)),
        extras=tuple(_extras(outputs)),
        checkpoints=tuple(_checkpoints(outputs)),
        super_motions=tuple(
            part.mode.fetch() for part in (parsed.smotion, *(s for _, s in parsed.smotion.extra))
        ),
    )


def _system(system: Any, prng: Any) -> System:
    from ipi.utils.nmtransform import nm_rescale
    from ipi.utils.units import unit_to_user

    system.prng = prng
    try:
        system.init.init_stage1(system)
    except ValueError as error:
        if "masses" not in str(error):
            raise
        unknown = [n for n, m in zip(system.beads.names, system.beads.m, strict=True) if m <= 0]
        raise UserError(
            f"<initialize>: i-PI knows no mass of '{unknown[0]}': give <masses>"
        ) from error
    beads, ensemble = system.beads, system.ensemble
    to_centroid = nm_rescale(beads.nbeads, 1, open_paths=system.nm.open_paths)
    for name, mass in zip(beads.names, beads.m, strict=True):
        if not (np.isfinite(mass) and mass > 0):  # i-PI takes what is not a number
            raise UserError(f"<masses>: that of {name} is {mass:g}")
    centroid = np.array(to_centroid.b1tob2(np.array(beads.q))[0])
    folded = centroid.copy()
    system.cell.array_pbc(folded)
    temperature = float(unit_to_user("temperature", "kelvin", ensemble.temp))
    return System(
        names=tuple(str(name) for name in beads.names),
        masses=np.array(beads.m),
        positions=centroid.reshape(-1, 3),
        folded=folded.reshape(-1, 3),
        cell=np.array(system.cell.h).T.copy(),
        nbeads=int(beads.nbeads),
        temperature=temperature if temperature >= 0 else None,
        motion=_motion(system.motion),
        forces=_forces(system.fcomp),
        biases=_forces(ensemble.bcomp),
        bias_weights=tuple(float(weight) for weight in ensemble.bweights),
        hamiltonian_weights=tuple(float(weight) for weight in ensemble.hweights),
    )


def _forces(components: list[Any]) -> tuple[Force, ...]:
    return tuple(
        Force(
            forcefield=force.ffield,
            nbeads=int(force.nbeads),
            weight=float(force.weight),
            mts_weights=tuple(float(weight) for weight in force.mts_weights),
        )
        for force in components
    )


def _motion(motion: Any) -> Motion:
    from ipi.inputs.motion import InputMotion
    from ipi.utils.units import unit_to_user

    described = InputMotion()
    described.store(motion)
    has_timestep = not hasattr(motion, "mlist") and motion.dt > 0
    return Motion(
        mode=described.mode.fetch(),
        ensemble=getattr(motion, "enstype", ""),
        timestep=float(unit_to_user("time", "picosecond", motion.dt)) if has_timestep else None,
        nmts=tuple(int(n) for n in getattr(motion, "nmts", (1,))),
        motions=tuple(_motion(part) for part in getattr(motion, "mlist", ())),
    )


def _forcefields(
    tag: str, element: Any, prefix: str, wrapped_by: str | None = None
) -> Iterator[ForceField]:
    name = element.name.fetch()
    is_socket = hasattr(element, "address")
    address = None
    if is_socket:
        port = element.port.fetch() if element.mode.fetch() == "inet" else None
        address = Address(element.address.fetch(), port, prefix)
    yield ForceField(
        kind=tag,
        name=name,
        pbc=element.pbc.fetch(),
        active=tuple(int(atom) for atom in element.activelist.fetch()),
        wrapped_by=wrapped_by,
        address=address,
        mode=element.mode.fetch() if is_socket else "",
        # i-PI before 3.3 sends no batches
        batch_size=element.batch_size.fetch() if hasattr(element, "batch_size") else 1,
    )
    # the parts of an <ffcommittee>, and of an <ffrotations> those that the input names
    parts = [*element.extra, *((t, getattr(element, t, None)) for t in ("ffsocket", "ffdirect"))]
    for part_tag, part in parts:
        if part is not None and part.name.fetch() != "__DUMMY__":
            yield from _forcefields(part_tag, part, prefix, wrapped_by=name)


def _quantities(outputs: Any) -> Iterator[str]:
    from ipi.engine.outputs import PropertyOutput, TrajectoryOutput
    from ipi.engine.properties import Properties, Trajectories

    for output in outputs:
        if isinstance(output, PropertyOutput):
            for name in output.outlist:
                yield _known(str(name), "properties", Properties().property_dict)
        elif isinstance(output, TrajectoryOutput):
            yield _known(output.what, "trajectory", Trajectories().traj_dict)


def _extras(outputs: Any) -> Iterator[Extras]:
    from ipi.engine.outputs import TrajectoryOutput
    from ipi.engine.properties import getkey

    for output in outputs:
        if isinstance(output, TrajectoryOutput):
            quantity = getkey(output.what)
            if quantity in ("extras", "extras_bias"):
                keys = tuple(key.strip() for key in output.extra_type.split(","))
                yield Extras(quantity == "extras_bias", keys)


def _known(what: str, tag: str, known: dict[str, dict[str, Any]]) -> str:
    """A quantity, after a look whether i-PI has it, in its unit."""
    from ipi.engine.properties import getall
    from ipi.utils.units import unit_to_user

    name, unit, _, _ = getall(what)
    if name not in known:
        guesses = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean '{guesses[0]}'?" if guesses else ""
        raise UserError(f"<{tag}>: i-PI has no '{name}'{meant}")
    dimension = known[name].get("dimension", "")
    try:
        if dimension and unit:
            unit_to_user(dimension, unit, 1.0)
    except (TypeError, ValueError) as error:
        raise UserError(f"<{tag}>: {what}: i-PI says: {error}") from error
    return what.strip()


def _checkpoints(outputs: Any) -> Iterator[Checkpoint]:
    from ipi.engine.outputs import CheckpointOutput

    for output in outputs:
        if isinstance(output, CheckpointOutput):
            prefix = f"{outputs.prefix}." if outputs.prefix else ""
            yield Checkpoint(prefix + output.filename, output.stride, output.overwrite)
