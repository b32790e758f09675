"""The states of a free energy, and how often a run has been in each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.arrays import FloatArray

BARRIER = 2.0
"""In kT: basins with less between them are one state."""

CORE = 0.5
"""A visit begins when the run is below this part of the barrier that parts a state from others, so
that to and fro across the barrier's top is no visit."""

Labels = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class State:
    """A basin of the free energy that is separated from the others by more than 2 kT.

    Parameters
    ----------
    s : d floats, units of the CVs
        Its lowest point.
    F : float, energy
    error : float, energy
        Of F; NaN if it is not known.
    visits : int
        How often the run has come into it, its start included.
    """

    s: tuple[float, ...]
    F: float
    error: float
    visits: int

    def say(self, names: Sequence[str]) -> str:
        """One line on it.

        Parameters
        ----------
        names : of the d CVs
        """
        place = ", ".join(f"{name} = {x:.4g}" for name, x in zip(names, self.s, strict=True))
        if self.F == 0.0:
            return f"{place}: the lowest state, {_times(self.visits)}"
        if not math.isnan(self.error):
            return f"{place}: F = {self.F:.3g} +- {self.error:.2g}, {_times(self.visits)}"
        if self.visits < 2:
            return f"{place}: F = {self.F:.3g}, {_times(self.visits)}: no error known"
        return (
            f"{place}: F = {self.F:.3g}, {_times(self.visits)}, but one to the lowest state: no "
            "error known"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Basins:
    """The plane of the CVs cut into states.

    Parameters
    ----------
    labels : array of d dimensions
        The number of the state that each point belongs to; -1 where there is no hill.
    lowest : tuple of d-tuples
        The indices of the lowest point of each state; the lowest of all first.
    rims : floats, energy
        The height of the lowest way out of each state; infinite if there is one state only.
    """

    labels: Labels
    lowest: tuple[tuple[int, ...], ...]
    rims: tuple[float, ...]


def find_basins(
    axes: Sequence[Axis], F: FloatArray, reached: npt.NDArray[np.bool_], kT: float
) -> Basins:
    """Flood the landscape from below; where two lakes meet, the shallow one is swallowed.

    Parameters
    ----------
    axes : d axes
    F : array of d dimensions, energy
    reached : array of d dimensions
        Where F is known.
    kT : float, energy
    """
    flat = np.where(reached, F, np.inf).ravel()
    order = np.argsort(flat, kind="stable")
    order = order[: int(np.count_nonzero(reached))].tolist()
    height = flat.tolist()
    neighbors = _neighbors(axes)
    owner: dict[int, int] = {}  # of each flooded point, a point of its lake
    lakes: dict[int, tuple[int, float]] = {}  # of each lake: its lowest point, and its lowest rim
    into: dict[int, int] = {}  # which lake has swallowed a lake

    def root(lake: int) -> int:
        while lake in into:
            lake = into[lake]
        return lake

    for point in order:
        found = sorted(
            {root(owner[n]) for n in neighbors(point) if n in owner}, key=lambda k: height[k]
        )
        if not found:
            owner[point] = point
            lakes[point] = (point, np.inf)
            continue
        deepest, *others = found
        owner[point] = deepest
        for lake in others:
            if height[point] - height[lake] < BARRIER * kT:
                into[lake] = deepest
                _, rim = lakes.pop(lake)
                lakes[deepest] = (deepest, min(rim, lakes[deepest][1]))
            else:
                for k in (lake, deepest):
                    lakes[k] = (k, min(height[point], lakes[k][1]))
    states = sorted(lakes, key=lambda k: height[k])
    number = {lake: k for k, lake in enumerate(states)}
    labels = np.full(len(flat), -1, dtype=np.intp)
    for point, lake in owner.items():
        labels[point] = number[root(lake)]
    return Basins(
        labels.reshape(F.shape),
        tuple(tuple(int(i) for i in np.unravel_index(k, F.shape)) for k in states),
        tuple(lakes[k][1] for k in states),
    )


def count_visits(
    axes: Sequence[Axis], F: FloatArray, basins: Basins, centers: FloatArray
) -> tuple[int, ...]:
    """How often the run has come into each state, its start included.

    Parameters
    ----------
    axes : d axes
    F : array of d dimensions, energy
    basins : of F
    centers : (n, d) array, units of the CVs
        The run.
    """
    index = tuple(_nearest(axis, s) for axis, s in zip(axes, centers.T, strict=True))
    state = basins.labels[index]
    bottoms = np.array([F[lowest] for lowest in basins.lowest])
    shores = bottoms + CORE * (np.array(basins.rims) - bottoms)
    inside = state[(state >= 0) & (F[index] <= shores[state])]
    entered = inside[np.flatnonzero(np.diff(inside, prepend=-1))]
    return tuple(np.bincount(entered, minlength=len(bottoms)).tolist())


def _times(visits: int) -> str:
    return "one visit" if visits == 1 else f"{visits} visits"


def _nearest(axis: Axis, s: FloatArray) -> Labels:
    """The number of the point next to s."""
    index = np.rint((s - axis.lower) / axis.spacing).astype(np.intp)
    return index % axis.n_points if axis.periodic else index.clip(0, axis.n_points - 1)


def _neighbors(axes: Sequence[Axis]) -> Callable[[int], list[int]]:
    """A function that gives the points next to a point along each axis, by their flat indices."""
    # how far apart neighbors along an axis are in the flat array
    distances = [int(np.prod([a.n_points for a in axes[j + 1 :]])) for j in range(len(axes))]
    sides = [(s, axis.n_points, axis.periodic) for s, axis in zip(distances, axes, strict=True)]

    def around(point: int) -> list[int]:
        found = []
        for apart, n, periodic in sides:
            i = point // apart % n
            for step in (-1, 1):
                j = i + step
                if periodic:
                    j %= n
                if 0 <= j < n:
                    found.append(point + (j - i) * apart)
        return found

    return around
