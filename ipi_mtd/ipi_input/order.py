"""Whether two lists of positions are the same but for their order, or for their unit."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ipi_mtd import units
from ipi_mtd.structure import FloatArray

NEAR = 0.02
"""Bohr; a file may be written with few digits."""


def first_misplaced(
    one: FloatArray, other: FloatArray, cells: tuple[FloatArray, FloatArray] | None = None
) -> tuple[int, int] | None:
    """The first atom that is where another one is in the other list, if all are the same points.

    Parameters
    ----------
    one, other : (n_atoms, 3) arrays, bohr
        Where they have their origin does not matter, unless they are periodic.
    cells : two (3, 3) arrays, bohr, optional
        If the positions are periodic, the lattice vectors of each, as rows.

    Returns
    -------
    tuple of int, optional
        The index of the atom, and that of the point in the other list where it is. None if each
        atom is in its place, or if these are not the same points.
    """
    if cells is None:
        box, near = None, NEAR
        points, others = one - one.mean(axis=0), other - other.mean(axis=0)
    else:
        to_fractions = [np.linalg.inv(cell) for cell in cells]
        box, near = 1.0, NEAR * float(np.linalg.norm(to_fractions[0], axis=0).max())
        # the second remainder is of what the first one rounds to 1
        points, others = one @ to_fractions[0] % 1.0 % 1.0, other @ to_fractions[1] % 1.0 % 1.0
    distances, places = cKDTree(others, boxsize=box).query(points)
    if distances.max() > near or len(np.unique(places)) < len(places):
        return None
    wrong = np.flatnonzero(places != np.arange(len(places)))
    return (int(wrong[0]), int(places[wrong[0]])) if len(wrong) else None


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
