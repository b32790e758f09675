"""What the bias sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from ipi_mtd.bias.kernel import Kernel

HillInBias: TypeAlias = tuple[Sequence[float], Sequence[float], float, Kernel]
"""A hill as a Grid or a HillSum takes it: center, sigma, height in the bias, and kernel."""


def check_hill(center: Sequence[float], sigma: Sequence[float], height: float) -> None:
    """Refuse numbers that would spoil a sum, or that could not be found in it again.

    Raises
    ------
    ValueError
        If a number is not finite, or a width not positive.
    """
    if not all(map(math.isfinite, (*center, height))):
        raise ValueError(f"a hill needs finite numbers, got {height} at {tuple(center)}")
    if not all(0.0 < width < math.inf for width in sigma):
        raise ValueError(f"the widths of a hill must be positive, got {tuple(sigma)}")
