"""Neighbor lists that depend on nothing but the structure.

`vesin <https://luthaf.fr/vesin>`_ finds the pairs within the cutoff plus a skin; as long as no atom
has moved by half the skin these candidates hold every pair within the cutoff, and a call costs two
gathers and a mask. The candidates are kept sorted by atom and cell shift, so that the pairs come in
the same order whichever earlier structure the candidates were made for: a sum over pairs then has
the same bits after a restart.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
import vesin

from ipi_mtd.arrays import FloatArray, IntArray
from ipi_mtd.errors import UserError


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
        self._found: tuple[npt.NDArray[np.bool_], IntArray] | None = None

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
            First atom, second atom and the three cell shifts of the second atom. As long as the
            pairs are the same, the array is the same object, which must not be changed.
        vectors : (n_pairs, 3) array
            From the first atom to the second one, in the unit of the positions.

        Raises
        ------
        UserError
            If a number is not finite or an atom absurdly far away, or if the cell has no volume.
        """
        if self._moved_too_far(positions, cell):
            self._find_candidates(positions, cell)
        vectors = positions.take(self._second, axis=0)
        vectors -= positions.take(self._first, axis=0)
        if self._shifts is not None:
            vectors += self._shifts
        # the same definition of a pair whichever candidates there are: r < cutoff
        within = np.einsum("ij,ij->i", vectors, vectors) < self.cutoff**2
        if self._found is None or not np.array_equal(self._found[0], within):
            self._found = within, self._pairs.compress(within, axis=0)
        return self._found[1], vectors.compress(within, axis=0)

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
        self._reference = self._found = None  # in case this fails
        reach = 1.001 * self.cutoff + self.skin  # a little more, for rounding
        if not (np.abs(positions) < 1e7 * reach).all() or not np.isfinite(cell).all():
            raise UserError(
                "the positions or the cell are not finite numbers, or absurdly large: the "
                "simulation has blown up"
            )
        points, wraps, sides = _gather(positions, cell, reach)
        self._vesin.cutoff = _safe_cutoff(sides, reach)
        atoms, shifts = self._vesin.compute(points, cell, cell.any(axis=1), "PS", copy=False)

        # One integer that sorts like the five numbers of a pair, in a tenth of the time. Of wrapped
        # atoms there are few different shifts, which leaves room for all the pairs there can be.
        first, second = atoms.astype(np.intp).T
        key = first * len(positions) + second
        for shift in shifts.T:
            lowest = int(shift.min(initial=0))
            key *= int(shift.max(initial=0)) - lowest + 1
            key += shift - lowest
        order = key.argsort()

        self._first, self._second = first.take(order), second.take(order)
        S = shifts.take(order, axis=0)
        self._shifts = None
        if wraps is not None:
            S += wraps.take(self._first, axis=0)
            S -= wraps.take(self._second, axis=0)
            # term by term: how a matrix product rounds may depend on the number of its rows
            self._shifts = S[:, :1] * cell[0]
            self._shifts += S[:, 1:2] * cell[1]
            self._shifts += S[:, 2:] * cell[2]
        self._pairs = np.empty((len(order), 5), dtype=np.int32)
        self._pairs[:, 0], self._pairs[:, 1] = self._first, self._second
        self._pairs[:, 2:] = S
        self._reference = positions.copy(), cell.copy()


class Neighborhood:
    """The neighbor lists of one trajectory, each kept from a structure to the next."""

    def __init__(self) -> None:
        self._lists: dict[Hashable, NeighborList] = {}

    def list_of(self, key: Hashable, cutoff: float, *, full_list: bool) -> NeighborList:
        """The list that is kept under a key, made when it is first asked for.

        Parameters
        ----------
        key : of whoever wants the list; other structures, in other units, need another key
        cutoff : float
            In the unit of the positions.
        full_list : bool
            Whether each pair appears twice, as i-j and j-i.
        """
        if key not in self._lists:
            self._lists[key] = NeighborList(cutoff, full_list=full_list)
        return self._lists[key]


def _gather(
    positions: FloatArray, cell: FloatArray, reach: float
) -> tuple[FloatArray, IntArray | None, FloatArray]:
    """Bring atoms from far away near the others, without making or breaking a pair.

    An atom that has left a cluster or a slab would have vesin divide the void into cells, in the
    end more than it can. A gap that no pair can span is as good when it is narrow.

    Returns
    -------
    points : (n_atoms, 3) array
        Wrapped into the cell in the periodic directions, wide gaps narrowed in the others.
    wraps : (n_atoms, 3) array
        The lattice vectors that the wrapping took away, None if nothing is periodic.
    sides : (3,) array
        Of the box around the points: between the faces of the cell, or of the points themselves.
    """
    points, wraps = positions, None
    directions = np.eye(3)
    pbc = cell.any(axis=1)
    if pbc.any():
        n_periodic = np.count_nonzero(pbc)
        _, singular_values, basis = np.linalg.svd(cell)
        if singular_values[n_periodic - 1] < 0.01 * reach:
            raise UserError(
                f"the cell has no volume, or is much thinner than the cutoff: {cell.tolist()}"
            )
        directions = basis[n_periodic:]  # perpendicular to all lattice vectors
        reciprocal = np.linalg.pinv(cell)
        reciprocal[:, ~pbc] = 0.0  # exactly
        wraps = np.floor(positions @ reciprocal).astype(np.int32)
        points = positions - wraps @ cell
    for direction in directions:
        x = points @ direction
        order = x.argsort()
        gaps = np.diff(x[order])
        if gaps.max(initial=0.0) > 2 * reach:
            narrowed = np.zeros_like(x)
            narrowed[order[1:]] = np.minimum(gaps, 2 * reach).cumsum()
            points = points + np.outer(narrowed - x, direction)
    sides = np.ptp(points, axis=0) if len(points) else np.ones(3)
    if wraps is not None:
        sides[pbc] = 1 / np.linalg.norm(reciprocal[:, pbc], axis=0)
    return points, wraps, sides


def _safe_cutoff(sides: FloatArray, reach: float) -> float:
    """The cutoff, or a larger one where vesin would divide by zero and kill the process.

    vesin divides the box into at most 10^5 cells of about the size of the cutoff. If there would
    be more it makes all sides of the box coarser by the same factor, a thin one too, which may
    leave less than one cell across it.
    """
    while True:
        n_cells = np.maximum(sides / reach, 1.0)
        coarser = (1e5 / n_cells.prod()) ** (1 / 3)
        if coarser >= 1.0 or n_cells.min() * coarser >= 4.0:
            return reach
        reach *= 2.0
