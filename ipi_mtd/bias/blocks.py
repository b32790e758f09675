"""Storage for a lattice without bounds."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.fixed_point import FixedPoint


class Blocks:
    """A d-dimensional array with any integers as indices, kept where something was added to it.

    What it holds does not depend on the order in which it was added, and not on what was added
    and taken back.

    Each block covers `cells` cells a side and holds the nodes at both of its ends, so
    neighboring blocks share nodes and every cell lies in exactly one block. A periodic side is
    one block, whose last node repeats the first; indices on it count modulo `cells`.

    Parameters
    ----------
    cells : d integers
        The cells along each side of a block; for a periodic side, the cells of the period.
    is_periodic : d booleans
    n_values : int
        How many numbers a node holds.
    height : float
        A typical size of what is added, see FixedPoint.
    """

    def __init__(
        self, cells: Sequence[int], is_periodic: Sequence[bool], n_values: int, height: float
    ) -> None:
        self._sides = tuple(zip(cells, is_periodic, strict=True))
        self._shape = (*(n + 1 for n in cells), n_values)
        self._fixed_point = FixedPoint(height)
        # The sums, as they are read, and the coarse and the fine parts that they are made of.
        self._blocks: dict[tuple[int, ...], FloatArray] = {}
        # No coarse and no fine part of a sum is larger.
        self._largest = (0.0, 0.0)
        # Bytes from a node of a block to the next one along each side.
        d = len(self._sides)
        self._byte_steps = tuple(8 * math.prod(self._shape[j + 1 :]) for j in range(d))
        self._corners = tuple(
            sum(c * step for c, step in zip(corner, self._byte_steps, strict=True))
            for corner in itertools.product((0, 1), repeat=d)
        )
        # Reads the numbers of one node as Python floats, much faster than indexing an array.
        self._node = struct.Struct(f"{n_values}d").unpack_from

    def corners(self, index: Sequence[int]) -> list[tuple[float, ...]] | None:
        """The nodes at the 2^d corners of a cell, last side fastest; None if nothing is there.

        Parameters
        ----------
        index : d integers
            The lowest corner.
        """
        key = []
        byte = 0
        for i, step, (cells, is_periodic) in zip(index, self._byte_steps, self._sides, strict=True):
            k, cell = divmod(i, cells)
            key.append(0 if is_periodic else k)
            byte += cell * step
        block = self._blocks.get(tuple(key))
        if block is None:
            return None
        node, sums = self._node, block.data
        return [node(sums, byte + corner) for corner in self._corners]

    def add(self, first: Sequence[int], values: FloatArray) -> None:
        """Add to the nodes from index `first` on; at most once around a periodic side.

        Parameters
        ----------
        first : d integers
        values : array of d + 2 dimensions
            All along the first one is added to the same nodes; the last one has the `n_values`
            numbers of a node.

        Raises
        ------
        ValueError
            If the sum could overflow, or is not a number; then nothing is added.
        """
        self._make_sure_of_room(values)
        parts = self._fixed_point.split(values)
        parts = parts[:, 0] if len(values) == 1 else parts.sum(axis=1)
        for pieces in itertools.product(*map(_pieces, first, values.shape[1:], self._sides)):
            key, target, source = zip(*pieces, strict=True)
            if key not in self._blocks:
                self._blocks[key] = np.zeros((3, *self._shape))
            nodes = self._blocks[key][(slice(None), *target)]
            nodes[1:] += parts[(slice(None), *source)]
            np.add(nodes[1], nodes[2], out=nodes[0])

    def read(self, indices: Sequence[npt.NDArray[np.int64]]) -> FloatArray:
        """The first value of every node of the product of `indices`, zero where there is none."""
        values = np.zeros([len(i) for i in indices])
        for pieces in itertools.product(*map(_places, indices, self._sides)):
            key, places, nodes = zip(*pieces, strict=True)
            if key in self._blocks:
                values[np.ix_(*places)] = self._blocks[key][0][np.ix_(*nodes)][..., 0]
        return values

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._largest = (0.0, 0.0)

    @property
    def n_nodes(self) -> int:
        """How many nodes are kept."""
        return len(self._blocks) * math.prod(self._shape[:-1])

    def _make_sure_of_room(self, values: FloatArray) -> None:
        """Raise unless every sum stays exact when these values are added."""
        more = self._fixed_point.largest(values)
        if not self._has_room(more):
            self._measure()
        if not self._has_room(more):
            raise ValueError(
                f"the sum may reach {self._largest[0] + more[0]:.3g} somewhere, and what is made "
                f"for {self._fixed_point.height:.3g} at a time holds up to "
                f"{self._fixed_point.limits[0]:.3g}"
            )
        self._largest = (self._largest[0] + more[0], self._largest[1] + more[1])

    def _has_room(self, more: tuple[float, float]) -> bool:
        there, limits = self._largest, self._fixed_point.limits
        return there[0] + more[0] <= limits[0] and there[1] + more[1] <= limits[1]

    def _measure(self) -> None:
        """Replace the bounds on the parts, which only grow, by how large these really are."""
        blocks = self._blocks.values()
        self._largest = (
            max((float(np.abs(block[1]).max()) for block in blocks), default=0.0),
            max((float(np.abs(block[2]).max()) for block in blocks), default=0.0),
        )


def _pieces(first: int, n: int, side: tuple[int, bool]) -> list[tuple[int, slice, slice]]:
    """Split a run of n nodes by block: its number, where in the block, where in the run."""
    cells, is_periodic = side
    last = first + n - 1
    pieces = []
    for k in range(-(-first // cells) - 1, last // cells + 1):
        lo, hi = max(first, k * cells), min(last, k * cells + cells)
        target = slice(lo - k * cells, hi - k * cells + 1)
        pieces.append((0 if is_periodic else k, target, slice(lo - first, hi - first + 1)))
    return pieces


def _places(
    indices: npt.NDArray[np.int64], side: tuple[int, bool]
) -> list[tuple[int, npt.NDArray[np.intp], npt.NDArray[np.int64]]]:
    """Sort indices by block: its number, the places in `indices`, the nodes in the block."""
    cells, is_periodic = side
    k, nodes = np.divmod(indices, cells)
    k = np.zeros_like(k) if is_periodic else k
    return [(int(b), np.flatnonzero(k == b), nodes[k == b]) for b in np.unique(k)]
