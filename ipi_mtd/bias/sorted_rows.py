"""Rows of numbers in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray


class SortedRows:
    """Rows of numbers, sorted as tuples are, in whatever order they came; some may be equal.

    Parameters
    ----------
    width : int
        How many numbers a row has.
    """

    def __init__(self, width: int) -> None:
        self._n = 0
        self._columns = np.empty((width, 8))  # the first n are used

    @property
    def columns(self) -> FloatArray:
        """The (width, n) numbers: a row each column. A view, not to be changed."""
        return self._columns[:, : self._n]

    def __contains__(self, row: Sequence[float]) -> bool:
        first, behind = self._find(row)
        return first < behind

    def insert(self, row: Sequence[float]) -> None:
        """Put a row in its place."""
        if self._n == self._columns.shape[1]:
            roomier = np.empty((len(self._columns), max(8, 2 * self._n)))
            roomier[:, : self._n] = self._columns
            self._columns = roomier
        place, _ = self._find(row)
        self._columns[:, place + 1 : self._n + 1] = self._columns[:, place : self._n]
        self._columns[:, place] = row
        self._n += 1

    def extend(self, rows: FloatArray) -> None:
        """Put (n, width) rows in their places."""
        columns = np.concatenate([self.columns, rows.T], axis=1)
        # Not columns[:, order], which is in another order in memory: sums would round otherwise.
        self._columns = columns.take(np.lexsort(columns[::-1]), axis=1)
        self._n = self._columns.shape[1]

    def remove(self, row: Sequence[float]) -> None:
        """Take out one row that is there."""
        place, _ = self._find(row)
        self._columns[:, place : self._n - 1] = self._columns[:, place + 1 : self._n]
        self._n -= 1

    def _find(self, row: Sequence[float]) -> tuple[int, int]:
        """Where the rows equal to this one begin and end; both its place if there are none."""
        first, behind = 0, self._n
        for column, x in zip(self._columns, row, strict=True):
            if first == behind:
                break
            part = column[first:behind]
            behind = first + int(part.searchsorted(x, "right"))
            first += int(part.searchsorted(x, "left"))
        return first, behind
