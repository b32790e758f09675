"""The grid that a free energy is given on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.kernel import REACH
from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import format_bound
from ipi_mtd.files.hills import Hills
from ipi_mtd.periods import same_period

_POINTS_PER_SIGMA = 5
_MOST_BINS = {1: 1000, 2: 300, 3: 100}
_MOST_POINTS = 100_000_000


@dataclass(frozen=True, slots=True)
class Axis:
    """The points along one CV, as PLUMED counts them.

    Parameters
    ----------
    name : str
    lower, upper : float, units of the CV
        For a periodic CV the whole period.
    bins : int
        How often the range is divided: that many points if the CV is periodic, where the upper
        bound is the lower one again, otherwise one more.
    periodic : bool
    """

    name: str
    lower: float
    upper: float
    bins: int
    periodic: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise UserError(f"{self.name}: the bounds of the grid must be finite")
        if not self.lower < self.upper:
            raise UserError(
                f"{self.name}: the lower bound of the grid must be below the upper,"
                f" got {self.lower:g} and {self.upper:g}"
            )
        if self.bins < 1:
            raise UserError(f"{self.name}: the grid needs at least one bin, got {self.bins}")

    @property
    def spacing(self) -> float:
        return (self.upper - self.lower) / self.bins

    @property
    def n_points(self) -> int:
        return self.bins if self.periodic else self.bins + 1

    @property
    def points(self) -> FloatArray:
        """(n_points,) array, units of the CV."""
        return self.lower + self.spacing * np.arange(self.n_points, dtype=np.float64)

    def wrapped(self, x: float) -> float | None:
        """The place of x on the axis, moved by whole periods if it has one; None outside."""
        if self.periodic:
            return self.lower + (x - self.lower) % (self.upper - self.lower)
        return x if self.lower <= x <= self.upper else None


def axes_of(
    hills: Hills,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    bins: Mapping[str, int] | None = None,
) -> tuple[Axis, ...]:
    """Return one axis for each CV of a run.

    Parameters
    ----------
    hills : Hills
    bounds : mapping of str to (lower, upper), units of the CVs, optional
        For some of the CVs; by default an axis spans everything that a hill reaches, and that of
        a periodic CV always spans the period, which may be given.
    bins : mapping of str to int, optional
        For some of the CVs; by default there are five to the narrowest hill, if that does not make
        more than 1000, 300 or 100 with one, two or three CVs.

    Raises
    ------
    UserError
        If there are no hills, no such CV, more than three CVs, a range is empty or not that of a
        periodic CV, or the points do not fit into memory.
    """
    bounds, bins = bounds or {}, bins or {}
    if not len(hills):
        raise UserError("there are no hills to sum: has the run deposited none yet?")
    if len(hills.names) not in _MOST_BINS:
        raise UserError(
            f"a grid can have one to three CVs, got {len(hills.names)} ({', '.join(hills.names)}); "
            "for fewer of them reweight COLVAR with its bias"
        )
    for name in (*bounds, *bins):
        if name not in hills.names:
            raise UserError(f"there is no CV {name!r}{did_you_mean(name, hills.names)}")
    axes = []
    for name, period, center, sigma in zip(
        hills.names, hills.periods, hills.centers.T, hills.sigmas.T, strict=True
    ):
        if period is not None:
            _require_whole(name, period, bounds.get(name, period))
        reach = REACH * sigma
        extent = float((center - reach).min()), float((center + reach).max())
        lower, upper = period or bounds.get(name, extent)
        enough = _POINTS_PER_SIGMA * (upper - lower) / float(sigma.min())
        n_bins = bins.get(name, max(1, math.ceil(min(_MOST_BINS[len(hills.names)], enough))))
        axes.append(Axis(name, lower, upper, n_bins, periodic=period is not None))
    if math.prod(axis.n_points for axis in axes) > _MOST_POINTS:
        counts = " x ".join(str(axis.n_points) for axis in axes)
        raise UserError(f"a grid of {counts} points is too large; ask for fewer bins")
    return tuple(axes)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a sentence on a CV that there is not."""
    guess = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {guess[0]}?" if guess else ""
    return f"; the CVs are {', '.join(sorted(known))}{hint}"


def _require_whole(name: str, period: tuple[float, float], bounds: tuple[float, float]) -> None:
    if not same_period(period, bounds):
        whole = ":".join(map(format_bound, period))
        raise UserError(
            f"{name} is periodic, so its axis is the whole period: leave the range out, or say "
            f"{name}={whole}:BINS for the number of bins; got {bounds[0]:g}:{bounds[1]:g}"
        )
