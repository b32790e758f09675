"""Whether what i-PI sends first is the structure of the driver's configuration."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from ipi_mtd.arrays import FloatArray
from ipi_mtd.server.ipi_input.elements import Sent, System
from ipi_mtd.server.ipi_input.interpretation import Interpretation
from ipi_mtd.server.ipi_input.order import bohr_for_angstrom, first_misplaced
from ipi_mtd.structures import say_cell, say_pbc, vacuum
from ipi_mtd.structures.snapshot import atomic_number
from ipi_mtd.structures.structure import Structure

log = logging.getLogger(__name__)

SAME_CELL = 1e-3
"""A relative difference of lengths that comes from how they are written."""

GAP = 8.0
"""Angstrom between a molecule and its image: with less, nobody would call it isolated."""


def require_same_atoms(
    ipi: Interpretation, system: System, sent: Sent, structure: Structure, path: Path
) -> None:
    """Refuse other atoms, an order that is not that of the configuration, and another cell.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    system : i-PI's system that the driver serves
    sent : what it sends first
    structure : that of the driver's configuration
    path : its file

    Raises
    ------
    UserError
        If the atoms, their order or the cell differ; the message has the first atom that does.
    """
    ours = f"`system.structure` of the driver's configuration ({path})"
    _compare_atoms(ipi, sent, structure, ours)
    if sent.folded and not structure.pbc.all():
        raise ipi.error(
            'pbc="True" of the <ffsocket> folds the atoms into the cell, in all directions, which '
            f"tears to pieces what the driver takes as {say_pbc(structure.pbc)}: write "
            'pbc="False", or see `system.periodic`'
        )
    if ipi.step == 0:
        _compare_positions(ipi, sent, structure, ours)
        _compare_cells(ipi, system, sent, structure, ours)
    _warn_of_images(ipi, sent, structure)


def _compare_atoms(ipi: Interpretation, sent: Sent, structure: Structure, ours: str) -> None:
    numbers = structure.types.tolist()
    if len(sent.names) != len(numbers):
        raise ipi.error(f"i-PI has {len(sent.names)} atoms, but {ours} has {len(numbers)}")
    for k, (name, number) in enumerate(zip(sent.names, numbers, strict=True)):
        # a label that is no element may stand for any
        if number not in (0, atomic_number(name)) and atomic_number(name) != 0:
            raise ipi.error(
                f"atom {k + 1} is {name} in i-PI, but {chemical_symbols[number]} in {ours}: the "
                "atoms must be the same, in the same order"
            )


def _compare_positions(ipi: Interpretation, sent: Sent, structure: Structure, ours: str) -> None:
    pbc = structure.pbc[:, None]
    cells = (np.where(pbc, sent.cell, np.eye(3)), np.where(pbc, structure.cell, np.eye(3)))
    misplaced = first_misplaced(sent.positions, structure.positions, cells, structure.pbc)
    if misplaced is not None:
        there, here = misplaced
        raise ipi.error(
            f"atom {there + 1} is where atom {here + 1} is in {ours}: the same atoms, but not in "
            "the same order"
        )
    centered = (R - R.mean(axis=0) for R in (sent.positions, structure.positions))
    if (ratio := bohr_for_angstrom(*centered)) is not None:
        raise ipi.error(
            f"the positions are {ratio} those in {ours}: without a unit i-PI takes a length for "
            'bohr; say which it is, as in units="angstrom"'
        )


def _compare_cells(
    ipi: Interpretation, system: System, sent: Sent, structure: Structure, ours: str
) -> None:
    """The lattice vectors of the periodic directions."""
    theirs, expected = sent.cell[structure.pbc], structure.cell[structure.pbc]
    if _same_shape(theirs, expected):
        return
    found = f"the cell is {say_cell(theirs)}, but {say_cell(expected)} in {ours}"
    sides = (np.linalg.norm(cell, axis=1) for cell in (theirs, expected))
    if ratio := bohr_for_angstrom(*sides):
        found += f", which is {ratio} that: see `cell_units`, or `units`, in i-PI's input"
    if any(motion.moves_cell for motion in system.motion.parts):
        log.warning("%s: %s", ipi.path, found)
    else:
        raise ipi.error(found)


def _same_shape(one: FloatArray, other: FloatArray) -> bool:
    """Whether lattice vectors have the same products, whatever way they are turned."""
    tolerance = 2 * SAME_CELL * np.abs(other @ other.T).max(initial=0.0)
    return bool(np.allclose(one @ one.T, other @ other.T, rtol=0, atol=tolerance))


def _warn_of_images(ipi: Interpretation, sent: Sent, structure: Structure) -> None:
    """What is isolated in a cell that fits it closely is probably not."""
    gaps = vacuum(sent.positions, sent.cell)[~structure.pbc]
    if gaps.min(initial=GAP) < GAP:
        log.warning(
            "%s: in i-PI's cell the atoms come as near as %.3g angstrom to their images, which the "
            "driver ignores, as its run is %s: see `system.periodic`",
            *(ipi.path, max(gaps.min(), 0.0), say_pbc(structure.pbc)),
        )
