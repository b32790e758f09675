"""The shapes that hills have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from ipi_mtd.arrays import FloatArray

CUTOFF = 6.25
"""The half squared distance, in widths, at which a hill ends."""

REACH = math.sqrt(2.0 * CUTOFF)
"""How many widths a hill reaches along one CV."""


class Kernel:
    """The shape of a hill of height one: ``K(d) = A exp(-d) + B for d < 6.25, else 0``.

    ``A = 1/(1 - floor)`` and ``B = -A floor``, so that the height is one whatever the floor is.

    Parameters
    ----------
    name : as in HILLS
    floor : float
        What is taken off ``exp(-d)``.
    """

    def __init__(self, name: str, floor: float) -> None:
        self.name = name
        self.floor = floor
        self._scale = 1.0 / (1.0 - floor)
        self._shift = -self._scale * floor

    def __call__(self, d: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The kernel and its derivative.

        Parameters
        ----------
        d : array of any shape
            ``0.5 sum_j ((s_j - c_j)/sigma_j)**2``

        Returns
        -------
        K, dK_dd : arrays of the same shape
        """
        inside = d < CUTOFF
        scaled = np.where(inside, self._scale * np.exp(-d), 0.0)
        return np.where(inside, scaled + self._shift, 0.0), -scaled


stretched_gaussian = Kernel("stretched-gaussian", math.exp(-CUTOFF))
"""PLUMED's since version 2.8, and ours: it ends at zero. The slope still jumps at the cutoff, by
0.2 % of the one at the center."""

gaussian = Kernel("gaussian", 0.0)
"""PLUMED's before 2.8: it jumps at the cutoff, from 0.2 % of the height to zero."""

KERNELS = {kernel.name: kernel for kernel in (stretched_gaussian, gaussian)}

HillInBias: TypeAlias = tuple[Sequence[float], Sequence[float], float, Kernel]
"""A hill as the bias sums it: center, sigma, height in the bias, kernel."""
