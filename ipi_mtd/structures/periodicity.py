"""Which directions of a run are periodic."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.structures.snapshot import Snapshot

log = logging.getLogger(__name__)

WIDE = 10.0
"""Angstrom; a cluster with so much vacuum around it may well be meant as isolated."""


def periodic_directions(
    snapshot: Snapshot, stated: bool | Sequence[bool] | None, *, needs_isolation: bool
) -> npt.NDArray[np.bool_]:
    """(3,) array: the directions in which a run on this structure is periodic.

    What is stated holds; if nothing is, the structure decides. But i-PI writes a periodic cell
    around every cluster, so a file of its own with vacuum around the atoms does not overrule a
    potential that only an isolated cluster can have.

    Parameters
    ----------
    snapshot : the structure
    stated : ``system.periodic`` of the configuration, for all directions or for each
    needs_isolation : whether the potential has no cutoff

    Raises
    ------
    UserError
        If a direction is to be periodic in which the structure has no lattice vector.
    """
    path, pbc = snapshot.path, snapshot.pbc
    if stated is None:
        wide = pbc.any() and float(vacuum(snapshot.positions, snapshot.cell).min()) >= WIDE
        if needs_isolation and snapshot.by_ipi and wide:
            log.warning(
                "%s: has a cell, as all files of i-PI, but the potential has no cutoff: the run is "
                "isolated; say `system.periodic = false` if that is right",
                path,
            )
            return np.zeros(3, dtype=bool)
        return pbc
    directions = np.broadcast_to(np.array(stated, dtype=bool), 3).copy()
    if (directions & ~snapshot.cell.any(axis=1)).any():
        raise UserError(
            f"{path}: the structure has no cell, but the run is {say_pbc(directions)}: see "
            "`system.periodic`"
        )
    if (pbc != directions).any():
        log.warning(
            "%s: is %s, with a cell of %s, but the run is %s: see `system.periodic`",
            *(path, say_pbc(pbc), say_cell(snapshot.cell), say_pbc(directions)),
        )
    return directions


def vacuum(positions: FloatArray, cell: FloatArray) -> FloatArray:
    """(n,) array, angstrom: the gap between the atoms and their image along each lattice vector.

    Measured between planes parallel to the two other vectors, for atoms that are not folded into
    the cell.

    Parameters
    ----------
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
        The lattice vectors as rows; of a direction without one there is no gap.
    """
    to_fractions = np.linalg.pinv(cell)  # of a slab, within its plane
    there = cell.any(axis=1)
    heights = 1.0 / np.linalg.norm(to_fractions[:, there], axis=0)
    fractions = positions @ to_fractions[:, there]
    gap: FloatArray = heights * (1.0 - np.ptp(fractions, axis=0)) * units.factor("bohr", "angstrom")
    return gap


def say_cell(cell: FloatArray) -> str:
    """Lengths, and angles unless they are right, of the lattice vectors that there are.

    Parameters
    ----------
    cell : (3, 3) array, bohr
        The lattice vectors as rows.
    """
    vectors = cell[cell.any(axis=1)] * units.factor("bohr", "angstrom")
    lengths = np.linalg.norm(vectors, axis=1)
    said = " x ".join(f"{length:.5g}" for length in lengths) + " angstrom"
    cosines = vectors @ vectors.T / np.outer(lengths, lengths)
    pairs = [pair for pair in ((1, 2), (0, 2), (0, 1)) if max(pair) < len(vectors)]
    if all(abs(cosines[pair]) < 1e-6 for pair in pairs):
        return said
    angles = (float(np.degrees(np.arccos(cosines[pair]))) for pair in pairs)
    return f"{said}, {', '.join(f'{angle:.5g}' for angle in angles)} degrees"


def say_pbc(pbc: npt.NDArray[np.bool_]) -> str:
    """In words which directions are periodic."""
    if pbc.all() or not pbc.any():
        return "periodic" if pbc.all() else "isolated"
    return "periodic along " + " and ".join(np.array(["a", "b", "c"])[pbc].tolist())
