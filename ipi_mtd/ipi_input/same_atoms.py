"""Whether what i-PI sends first is the structure of the driver's configuration."""

from __future__ import annotations

import logging

import numpy as np

from ipi_mtd import units
from ipi_mtd.atoms import read_atoms
from ipi_mtd.config import Config
from ipi_mtd.ipi_input.elements import Sent, System
from ipi_mtd.ipi_input.interpretation import Interpretation
from ipi_mtd.ipi_input.order import bohr_for_angstrom, first_misplaced
from ipi_mtd.structure import FloatArray

log = logging.getLogger(__name__)

SAME_CELL = 1e-3
"""A relative difference of lengths that comes from how they are written."""

VARIABLE_CELL = ("npt", "nst", "scnpt")
"""Ensembles of i-PI in which the cell moves."""

GAP = 8.0
"""Angstrom between a molecule and its image: with less, nobody would call it isolated."""


def require_same_atoms(ipi: Interpretation, config: Config, system: System, sent: Sent) -> None:
    """Refuse other atoms, an order that is not that of the configuration, and another cell.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    config : the driver's configuration
    system : i-PI's system that the driver serves
    sent : what it sends first

    Raises
    ------
    UserError
        Which names the first atom that differs.
    """
    path = config.system.structure
    atoms = read_atoms(path)
    structure = f"`system.structure` of the driver's configuration ({path})"
    bohr = units.factor("angstrom", "bohr")
    positions, cell = np.array(atoms.positions) * bohr, np.array(atoms.cell) * bohr
    if len(sent.names) != len(atoms):
        raise ipi.error(f"i-PI has {len(sent.names)} atoms, but {structure} has {len(atoms)}")
    periodic = config.system.periodic
    if sent.folded and not periodic:
        raise ipi.error(
            'pbc="True" of the <ffsocket> folds the atoms into the cell, which tears a molecule '
            'that the driver takes as isolated to pieces: write pbc="False", or make the run '
            "periodic with `system.periodic`",
        )
    for k, (name, number) in enumerate(zip(sent.names, atoms.numbers.tolist(), strict=True)):
        if not _may_be(name, number):
            raise ipi.error(
                f"atom {k + 1} is {name} in i-PI, but {atoms[k].symbol} in {structure}: the atoms "
                "must be the same, in the same order",
            )
    if ipi.step == 0:
        cells = (sent.cell, cell) if periodic else None
        _compare_positions(ipi, structure, sent.positions, positions, cells)
    if periodic:
        _compare_cells(ipi, structure, system, sent.cell, cell)
    else:
        _warn_of_images(ipi, sent)


def _may_be(name: str, number: int) -> bool:
    """Whether a label of i-PI is one of an element; a name that means none may be any."""
    from ase.data import atomic_numbers

    isotopes = {"D": 1, "T": 1}
    named = isotopes.get(name, atomic_numbers.get(name, 0))
    return 0 in (named, number) or named == number


def _compare_positions(
    ipi: Interpretation,
    structure: str,
    theirs: FloatArray,
    ours: FloatArray,
    cells: tuple[FloatArray, FloatArray] | None,
) -> None:
    if (k := first_misplaced(theirs, ours, cells)) is not None:
        raise ipi.error(
            f"atom {k[0] + 1} is where atom {k[1] + 1} is in {structure}: the same atoms, but not "
            "in the same order",
        )
    centered = theirs - theirs.mean(axis=0), ours - ours.mean(axis=0)
    if (ratio := bohr_for_angstrom(*centered)) is not None:
        raise ipi.error(
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
        raise ipi.error(f"{found} of {structure}{meant}")


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
