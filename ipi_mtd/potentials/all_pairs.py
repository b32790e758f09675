"""All pairs of the atoms of an isolated cluster, as the matrix of their distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ipi_mtd.arrays import FloatArray

BLOCK = 2**14
"""Rows of the matrix are treated together until they hold this many numbers: they then stay in the
cache, and the memory does not grow with the square of the atoms."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of the matrix.

    Parameters
    ----------
    rows : which
    r_ij : (3, n_rows, n_atoms) array
        From the atom of the column to that of the row.
    r2 : (n_rows, n_atoms) array
        The squared distances; of an atom to itself, infinity.
    work : two (n_rows, n_atoms) arrays
        Room for whatever is made of the distances.
    """

    rows: slice
    r_ij: FloatArray
    r2: FloatArray
    work: tuple[FloatArray, FloatArray]


class DistanceMatrix:
    """The distances between all atoms of one cluster after another.

    Each pair is met twice, which up to a hundred atoms is faster than any way that was found to
    meet it once, and beyond not much slower. The memory is kept: to be given new pages by the
    operating system at each structure takes several times as long as to fill them.

    Parameters
    ----------
    n_atoms : of each cluster

    Attributes
    ----------
    x : (3, n_atoms) array
        The coordinates of the atoms of the last one.
    """

    def __init__(self, n_atoms: int) -> None:
        self.n_atoms = n_atoms
        n_rows = max(1, min(n_atoms, BLOCK // max(1, n_atoms)))
        self.x = np.empty((3, n_atoms))
        r_ij, memory = np.empty((3, n_rows, n_atoms)), np.empty((3, n_rows, n_atoms))
        starts = range(0, n_atoms, n_rows)
        self._blocks = [
            Block(
                slice(start, start + n_rows),
                r_ij[:, : n_atoms - start],
                memory[0, : n_atoms - start],
                (memory[1, : n_atoms - start], memory[2, : n_atoms - start]),
            )
            for start in starts
        ]

    def blocks(self, positions: FloatArray) -> Iterator[Block]:
        """The rows of the matrix, some at a time; the next ones take the memory of the last.

        Parameters
        ----------
        positions : (n_atoms, 3) array
        """
        x = self.x
        np.copyto(x, positions.T)
        for block in self._blocks:
            np.subtract(x[:, block.rows, None], x[:, None, :], out=block.r_ij)
            np.einsum("kij,kij->ij", block.r_ij, block.r_ij, out=block.r2)
            block.r2.reshape(-1)[block.rows.start :: self.n_atoms + 1] = np.inf
            yield block
