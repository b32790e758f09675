"""What a walker keeps for its biases, as one array for the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Bias
from ipi_mtd.biased_system import BiasTerm


class OwnNumbers:
    """Packs the numbers of all biases into one array, and back.

    Parameters
    ----------
    terms : the biases

    Attributes
    ----------
    counts : how many numbers each bias asks for, of those that ask for some
    """

    def __init__(self, terms: Sequence[BiasTerm[Bias]]) -> None:
        sizes = {term.name: len(term.bias.first_own()) for term in terms}
        self.counts = {name: n for name, n in sizes.items() if n}

    def pack(self, own: Mapping[str, FloatArray]) -> FloatArray:
        """(n,) array of what is kept for each bias."""
        if not self.counts:
            return _NONE
        return np.concatenate([own[name] for name in self.counts])

    def unpack(self, numbers: FloatArray) -> dict[str, FloatArray]:
        """What is kept for each bias, from an array that `pack` made."""
        bounds = np.cumsum([0, *self.counts.values()])
        return {
            name: numbers[start:stop].copy()
            for name, start, stop in zip(self.counts, bounds[:-1], bounds[1:], strict=True)
        }


_NONE: FloatArray = np.zeros(0)
