"""Arrays of numbers, and when two of them are the same."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int32]

ROUNDING = 1e-13
"""A relative difference of coordinates that is none."""


def is_finite(numbers: FloatArray) -> bool:
    """Whether all are finite, and below 1e154: a fraction of the time of ``np.isfinite``."""
    return math.isfinite(np.vdot(numbers, numbers))


def coincide(one: FloatArray, other: FloatArray) -> bool:
    """Whether two sets of positions are the same but for rounding.

    i-PI scales the coordinates of a classical system by one for some properties, which may change
    their last bits; a step of dynamics moves them a million million times farther.
    """
    x = one.item(0)
    if abs(x - other.item(0)) > ROUNDING * max(1.0, abs(x)):
        return False  # as at any other step, found out at once
    tolerance = ROUNDING * max(1.0, float(np.abs(one).max()))
    return float(np.abs(one - other).max()) <= tolerance
