"""Whether two lists of positions are the same but for their order, or for their unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray

NEAR = 0.02
"""Bohr; a file may be written with few digits."""


def first_misplaced(
    one: FloatArray,
    other: FloatArray,
    cells: tuple[FloatArray, FloatArray],
    pbc: npt.NDArray[np.bool_],
) -> tuple[int, int] | None:
    """The first atom that is where another one is in the other list, if all are the same points.

    Parameters
    ----------
    one, other : (n_atoms, 3) arrays, bohr
    cells : two (3, 3) arrays, bohr
        The lattice vectors of each, as rows; a unit vector where there is none.
    pbc : (3,) array
        The directions that are periodic. In the others, the origin does not matter.

    Returns
    -------
    tuple of int, optional
        The index of the atom, and that of the point in the other list where it is. None if each
        atom is in its place, or if these are not the same points.
    """
    to_fractions = [np.linalg.inv(cell) for cell in cells]
    pairs = zip((one, other), to_fractions, strict=True)
    points, others = (_folded(positions @ inverse, pbc) for positions, inverse in pairs)
    near = NEAR * float(np.linalg.norm(to_fractions[0], axis=0).max())
    distances, places = cKDTree(others, boxsize=np.where(pbc, 1.0, 0.0)).query(points)
    if distances.max() > near or len(np.unique(places)) < len(places):
        return None
    wrong = np.flatnonzero(places != np.arange(len(places)))
    return (int(wrong[0]), int(places[wrong[0]])) if len(wrong) else None


def _folded(fractions: FloatArray, pbc: npt.NDArray[np.bool_]) -> FloatArray:
    # the second remainder is of what the first one rounds to 1
    return np.where(pbc, fractions % 1.0 % 1.0, fractions - fractions.mean(axis=0))


def bohr_for_angstrom(one: FloatArray, other: FloatArray) -> str | None:
    """Whether one is the other with bohr taken for angstrom, or the reverse.

    Parameters
    ----------
    one, other : arrays of the same shape

    Returns
    -------
    str, optional
        How many times the other it is, in words.
    """
    bohr = units.factor("angstrom", "bohr")
    largest = float(np.abs(other).max())
    for ratio in (bohr, 1 / bohr):
        if largest > 0 and np.abs(one - ratio * other).max() < 1e-3 * ratio * largest:
            return f"{ratio:.4f} times"
    return None
