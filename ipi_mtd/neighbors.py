"""Neighbor lists that depend on nothing but the structure.

`vesin <https://luthaf.fr/vesin>`_ finds the pairs within the cutoff plus a skin; as long as no atom
has moved by more than half the skin these candidates hold every pair within the cutoff, and a call
costs two gathers and a mask. The candidates are kept sorted by atom and cell shift, so that the
pairs come in the same order whichever earlier structure the candidates were made for: a sum over
pairs then has the same bits after a restart.
"""

from __future__ import annotations

import numpy as np
import vesin

from ipi_mtd.structure import FloatArray, IntArray


class NeighborList:
    """Pairs of atoms within a cutoff, of one sequence of similar structures.

    Parameters
    ----------
    cutoff : float
        In the unit of the positions.
    full_list : bool
        Whether each pair appears twice, as i-j and j-i.
    skin : float, optional
        In the unit of the positions; a tenth of the cutoff by default.
    """

    def __init__(self, cutoff: float, *, full_list: bool, skin: float | None = None) -> None:
        self.cutoff = cutoff
        self.skin = 0.1 * cutoff if skin is None else skin
        self._vesin = vesin.NeighborList(
            cutoff=cutoff + self.skin, full_list=full_list, n_threads=1
        )
        self._reference: tuple[FloatArray, FloatArray] | None = None

    def compute(self, positions: FloatArray, cell: FloatArray) -> tuple[IntArray, FloatArray]:
        """Find the pairs.

        Parameters
        ----------
        positions : (n_atoms, 3) array
        cell : (3, 3) array
            Lattice vectors as rows, a zero row for a direction that is not periodic.

        Returns
        -------
        pairs : (n_pairs, 5) array
            First atom, second atom and the three cell shifts of the second atom.
        vectors : (n_pairs, 3) array
            From the first atom to the second one, in the unit of the positions.
        """
        if self._moved_too_far(positions, cell):
            self._find_candidates(positions, cell)
        vectors = positions.take(self._second, axis=0)
        vectors -= positions.take(self._first, axis=0)
        if self._shifts is not None:
            vectors += self._shifts
        # the same definition of a pair whichever candidates there are: r < cutoff
        within = np.einsum("ij,ij->i", vectors, vectors) < self.cutoff**2
        return self._pairs.compress(within, axis=0), vectors.compress(within, axis=0)

    def _moved_too_far(self, positions: FloatArray, cell: FloatArray) -> bool:
        if self._reference is None:
            return True
        old_positions, old_cell = self._reference
        if positions.shape != old_positions.shape or (cell != old_cell).any():
            return True
        moved = positions - old_positions
        # written so that a NaN asks for new candidates instead of hiding
        return not np.einsum("ij,ij->i", moved, moved).max(initial=0.0) < (0.5 * self.skin) ** 2

    def _find_candidates(self, positions: FloatArray, cell: FloatArray) -> None:
        pbc = cell.any(axis=1)
        atoms, shifts = self._vesin.compute(positions, cell, pbc, "PS")
        pairs = np.column_stack([atoms, shifts]).astype(np.int32)
        pairs = pairs[np.lexsort(pairs.T[::-1])]
        self._pairs = pairs
        self._first = pairs[:, 0].astype(np.intp)
        self._second = pairs[:, 1].astype(np.intp)
        self._shifts = pairs[:, 2:] @ cell if pbc.any() else None
        self._reference = positions.copy(), cell.copy()
