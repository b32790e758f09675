"""The `fes` command: from the files of a run to a table and a picture."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ipi_mtd import units
from ipi_mtd.analysis.axis import axes_of, did_you_mean
from ipi_mtd.analysis.fes_file import write_fes
from ipi_mtd.analysis.free_energy import FreeEnergy, free_energy
from ipi_mtd.analysis.plots import save_free_energy
from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import Hills, read_hills

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is not in the files of a run.

    Parameters
    ----------
    energy_unit : of HILLS; what the file itself says by default
    default_unit : of HILLS, if it does not say it
    temperature : kelvin; for an error bar and a projection
    bounds, bins : of the axes, by the name of the CV
    onto : the CVs to project on; all by default
    marks : known structures and their CVs, to be shown in the picture
    visited : a COLVAR file of CVs to be shown faintly
    labels : what the CVs are, by their names
    highest : the top of the axis or of the color scale, in the unit of HILLS
    cvs : CVs that a mark can have a value of although the hills are not on them
    """

    energy_unit: str | None = None
    default_unit: str | None = None
    temperature: float | None = None
    bounds: Mapping[str, tuple[float, float]] | None = None
    bins: Mapping[str, int] | None = None
    onto: Sequence[str] | None = None
    marks: Sequence[tuple[str, Mapping[str, float]]] = ()
    visited: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    highest: float | None = None
    cvs: Sequence[str] = ()


def report(hills_file: Path, table: Path, picture: Path, settings: Settings) -> str:
    """Sum the hills of a run, write F(s) as a table and draw it; return some lines on it.

    Raises
    ------
    UserError
        If a file cannot be read or has no hills of any height, the energy unit is not known, a
        projection has no temperature, or the settings name a CV or a range that the hills do not
        have.
    """
    hills = read_hills(hills_file)
    unit = settings.energy_unit or hills.identity.get("energy_unit") or settings.default_unit
    if unit is None:
        raise UserError(f"{hills_file}: does not say its energy unit; give --energy-unit")
    kT = None
    if settings.temperature is not None:
        kT = settings.temperature * units.boltzmann(unit)
    if settings.onto is not None and kT is None:
        raise UserError(
            f"{hills_file}: a projection of the free energy needs the temperature; give "
            "--temperature or --config"
        )
    if len(hills) and not hills.heights.any():
        raise UserError(f"{hills_file}: all its hills have height 0, so there is nothing to sum")
    try:
        axes = axes_of(hills, settings.bounds, settings.bins)
        F = free_energy(hills, axes, kT, settings.onto)
    except UserError as error:
        raise UserError(f"{hills_file}: {error}") from error
    marks = [
        (name, _along(F, name, s, {*hills.names, *settings.cvs})) for name, s in settings.marks
    ]
    for name, s in marks:
        _say_if_outside(F, name, s)
    write_fes(table, F)
    written = str(table)
    if len(F.axes) > 2:
        written += "; no picture of more than two CVs, see --onto"
    else:
        save_free_energy(
            picture,
            F,
            unit,
            highest=settings.highest,
            labels=[settings.labels.get(axis.name, axis.name) for axis in F.axes],
            references=marks,
            visited=_visited(F, settings.visited, hills),
        )
        written += f" and {picture}"
    lines = [f"{len(hills)} hills, F up to {F.values.max():.3g} {unit}: {written}"]
    if len(F.states) > 1:
        names = [axis.name for axis in F.axes]
        lines += [f"state at {state.say(names)}" for state in F.states]
    return "\n".join(lines)


def _along(
    F: FreeEnergy, mark: str, s: Mapping[str, float], known: AbstractSet[str]
) -> list[float]:
    for name in s:
        if name not in known:
            raise UserError(f"--mark {mark}: there is no CV {name!r}{did_you_mean(name, known)}")
    missing = [axis.name for axis in F.axes if axis.name not in s]
    if missing:
        raise UserError(f"--mark {mark}: a mark needs a value of {', '.join(missing)}")
    return [s[axis.name] for axis in F.axes]


def _say_if_outside(F: FreeEnergy, mark: str, s: Sequence[float]) -> None:
    """Say that a mark is not in the picture."""
    for axis, x in zip(F.axes, s, strict=True):
        if axis.wrapped(x) is None:
            log.warning(
                "--mark %s: %s = %g is outside of the picture (%g to %g), see --range",
                mark,
                axis.name,
                x,
                axis.lower,
                axis.upper,
            )


def _visited(F: FreeEnergy, colvar: Path | None, hills: Hills) -> FloatArray:
    """(n, d) array: where the run has been."""
    if colvar is None:
        columns = dict(zip(hills.names, hills.centers.T, strict=True))
    else:
        columns = read_colvar(colvar)
    missing = [axis.name for axis in F.axes if axis.name not in columns]
    if missing:
        raise UserError(f"{colvar}: has no column {', '.join(missing)}")
    return np.column_stack([columns[axis.name] for axis in F.axes])
