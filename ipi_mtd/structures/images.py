"""Periodic images: i-PI may fold atoms into the cell (``pbc="True"`` of the ffsocket).

An atom that crosses the border then jumps by a lattice vector, and one that lies on the border may
be sent on either side of it. Whether two structures are the same, or one step apart, must not
depend on that.
"""

from __future__ import annotations

import numpy as np

from ipi_mtd.arrays import FloatArray

ISOLATED = np.zeros((3, 3))
"""The cell of a system that is not periodic."""


def displacements(positions: FloatArray, origins: FloatArray, cell: FloatArray) -> FloatArray:
    """The way of each atom, on which it did not jump by a lattice vector.

    Exact for ways that are short compared with the cell, as those of a step of dynamics are.

    Parameters
    ----------
    positions, origins : (n_atoms, 3) array, bohr
        Where the atoms are, and where they were.
    cell : (3, 3) array, bohr
        Lattice vectors as rows; zero for a direction that is not periodic.

    Returns
    -------
    (n_atoms, 3) array, bohr
    """
    way = positions - origins
    if cell.any():
        way -= np.round(way @ np.linalg.pinv(cell)) @ cell
    return way


def wound(positions: FloatArray, cell: FloatArray) -> FloatArray:
    """Numbers that are the same for all periodic images of the atoms, and for nothing else.

    Each periodic direction is wound up on a circle as long as its lattice vector, so that what is
    close in space is as close here.

    Parameters
    ----------
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr

    Returns
    -------
    (3 n_atoms,) array, bohr, the positions themselves, if nothing is periodic; else (9 n_atoms,)
    """
    if not cell.any():
        return positions.ravel()
    fractional = positions @ np.linalg.pinv(cell)
    angle, radii = 2 * np.pi * fractional, cell / (2 * np.pi)
    free = positions - fractional @ cell
    return np.concatenate((free, np.cos(angle) @ radii, np.sin(angle) @ radii), axis=None)
