"""Periodic collective variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Period: TypeAlias = tuple[float, float] | None
"""The (lower, upper) bounds of a periodic CV, in its units; None for one that is not periodic."""

_ROUNDING = 1e-6
"""Of the length of a period: how exactly people write pi."""


def period_lengths(periods: Sequence[Period]) -> tuple[float, ...]:
    """The length of each period, infinite for a CV that is not periodic.

    ``math.remainder(a - b, length)`` is then the shortest way from b to a for every CV.

    Raises
    ------
    ValueError
        If there is no CV, or an upper bound is not above the lower.
    """
    if not periods:
        raise ValueError("a bias needs at least one collective variable")
    lengths = tuple(math.inf if p is None else float(p[1]) - float(p[0]) for p in periods)
    if not all(length > 0.0 for length in lengths):
        raise ValueError(f"the upper bound of a period must be above the lower, got {periods}")
    return lengths


def same_period(one: Period, other: Period) -> bool:
    """Whether two periods have the same bounds, but for the rounding of whoever wrote them."""
    if one is None or other is None:
        return one is other
    tolerance = _ROUNDING * (one[1] - one[0])
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))
