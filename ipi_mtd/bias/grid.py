"""The bias on a grid that grows with it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.blocks import Blocks
from ipi_mtd.bias.kernel import REACH, Kernel, stretched_gaussian
from ipi_mtd.bias.spline import hermite, interpolate_1, interpolate_2, interpolate_3
from ipi_mtd.periods import Period, period_lengths

_CELLS = {1: 128, 2: 32, 3: 16}
"""Cells along one side of a block by the number of CVs: about the support of a hill."""

_SPLINES: dict[int, Callable[..., tuple[float, list[float]]]] = {
    1: interpolate_1,
    2: interpolate_2,
    3: interpolate_3,
}


class Grid:
    """A sum of hills, kept with its first derivatives at the nodes of a lattice.

    The nodes are at ``origin + i * spacing`` for every integer i: the grid has no bounds, and
    takes memory only where hills are. Where no hill has been the bias is zero. What a node holds
    is the sum of the hills in the order they were added, whatever else is on the grid.

    Between the nodes the bias is interpolated as PLUMED does it. With V and V_j the value and
    the derivatives at a corner c of the cell, h_j the spacing, t_j in [0, 1] the distance from
    the corner in spacings, and the upper sign where s_j is above the corner::

        V(s) = sum_c V prod_j [p(t_j) +- h_j (V_j/V) q(t_j)]
        p(t) = 1 - 3 t^2 + 2 t^3,  q(t) = t - 2 t^2 + t^3

    with V_j/V replaced by zero where ``|V| < tiny``. No mixed derivative is stored; the product
    implies V_i V_j/V. The forces are the exact derivatives of this interpolant, which is
    continuously differentiable, so they conserve energy whatever the spacing.

    Parameters
    ----------
    origin : d floats, units of the CVs
        The position of one node.
    spacing : d floats, units of the CVs
        A fifth of the sigma of the hills or less, see Notes.
    periods : d entries, units of the CVs
        The (lower, upper) bounds of a periodic CV, a whole number of spacings apart; or None.
    tiny : float, energy
        PLUMED's value, 1e-7, holds in PLUMED's energy unit, kJ/mol unless chosen otherwise:
        convert it to have PLUMED's numbers, or see Notes for a better one.

    Raises
    ------
    ValueError
        If a spacing is not positive or does not divide the period.

    Notes
    -----
    Largest errors of V in heights h, and of dV/ds in h/sigma, against the exact sum: for 200
    well-tempered hills where these have been (V up to 40 h), and for a single hill anywhere,
    with ``tiny = 1e-4 h`` and with 1e-7 h.

    ======= === =============== =============== ==================
    spacing CVs 200 hills       one, tiny 1e-4  one, tiny 1e-7
    ======= === =============== =============== ==================
    sigma/5   1 3e-4  8e-3      1e-4  4e-3      1e-4  4e-3
    sigma/5   2 2e-3  1e-1      3e-4  6e-3      4e-3  1e-1
    sigma/5   3 5e-3  2e-1      3e-4  7e-3      2e-1  3e+0
    sigma/10  1 1e-4  9e-3      1e-4  4e-3      1e-4  4e-3
    sigma/10  2 5e-4  5e-2      1e-4  6e-3      1e-3  6e-2
    sigma/10  3 9e-4  6e-2      1e-4  6e-3      7e-1  1e+2
    ======= === =============== =============== ==================

    The last column is a weakness of the formula, in PLUMED too: with two or more CVs the implied
    V_i V_j/V is a spike at the rare node that a hill only just reaches, where V is nearly zero
    and the slope is not. Only the rim of the explored region has such nodes. A `tiny` of 1e-4
    heights removes them and costs nothing elsewhere.

    If a hill is wider than the period of its CV, a node takes its nearest image once. PLUMED's
    grid then counts some nodes twice; PLUMED's sum without a grid agrees with this one.
    """

    def __init__(
        self,
        origin: Sequence[float],
        spacing: Sequence[float],
        periods: Sequence[Period],
        tiny: float = 1e-7,
    ) -> None:
        self.lengths = period_lengths(periods)
        d = len(self.lengths)
        if d not in _SPLINES:
            raise ValueError(f"a grid is for one to three CVs, got {d}; take the sum of the hills")
        if not len(origin) == len(spacing) == d:
            raise ValueError(
                f"a grid of {d} CVs needs {d} coordinates of the origin and {d} spacings, "
                f"got {len(origin)} and {len(spacing)}"
            )
        if not all(map(math.isfinite, origin)):
            raise ValueError(f"the origin of the grid must be finite, got {tuple(origin)}")
        self.origin = tuple(map(float, origin))
        n_cells, self.spacing = zip(*map(_divide, self.lengths, spacing), strict=True)
        self.n_cells: tuple[int, ...] = n_cells  # of the period, 0 if there is none
        self.tiny = tiny
        self._axes = tuple(zip(self.origin, self.spacing, strict=True))
        self._blocks = self._no_blocks()
        self._interpolate = _SPLINES[d]

    def evaluate(self, s: Sequence[float] | FloatArray) -> tuple[float, FloatArray]:
        """V and dV/ds at s, in a time that does not depend on the number of hills.

        Parameters
        ----------
        s : d floats, units of the CVs

        Returns
        -------
        V : float, energy
        dV_ds : (d,) array, energy per unit of the CVs
        """
        # For so few numbers Python's floats are several times faster than arrays.
        index = []
        weights = []
        for x, (origin, h) in zip(np.asarray(s, dtype=float).tolist(), self._axes, strict=True):
            t = (x - origin) / h
            i = math.floor(t)
            index.append(i)
            weights.append(hermite(t - i, h))
        corners = self._blocks.corners(index)
        if corners is None:
            return 0.0, np.zeros(len(index))
        V, dV_ds = self._interpolate(corners, self.tiny, *weights)
        return V, np.array(dV_ds)

    def add(
        self,
        center: Sequence[float],
        sigma: Sequence[float],
        height: float,
        kernel: Kernel = stretched_gaussian,
    ) -> None:
        """Add a hill to the nodes that it reaches.

        Parameters
        ----------
        center, sigma : d floats, units of the CVs
        height : float, energy
            The height in the bias, which in a well-tempered run is not the HILLS column.
        kernel : Kernel
        """
        first = []
        widths_away = []
        for c, width, h, origin, n, length in zip(
            center, sigma, self.spacing, self.origin, self.n_cells, self.lengths, strict=True
        ):
            # Of the images of a hill a node feels the nearest.
            reach = min(REACH * width, 0.5 * length)
            lo = math.ceil((c - reach - origin) / h)
            hi = math.floor((c + reach - origin) / h)
            nodes = np.arange(lo, min(hi, lo + n - 1) + 1 if n else hi + 1)
            first.append(lo)
            widths_away.append((origin + nodes * h - c) / width)
        u = np.ix_(*widths_away)
        K, dK_dd = kernel(np.asarray(0.5 * sum(u_j * u_j for u_j in u)))
        hill = np.empty((*K.shape, 1 + len(first)))
        hill[..., 0] = height * K
        for j, (u_j, width) in enumerate(zip(u, sigma, strict=True)):
            hill[..., 1 + j] = height * dK_dd * u_j / width
        self._blocks.add(first, hill)

    def on(self, lower: Sequence[float], upper: Sequence[float], bins: Sequence[int]) -> FloatArray:
        """V at the nodes of a box.

        Parameters
        ----------
        lower, upper : d floats, units of the CVs
            The bounds of the box; those of a periodic CV are one period apart.
        bins : d integers
            Into how many bins each side is divided.

        Returns
        -------
        V : array of d dimensions, energy
            Along each CV ``bins + 1`` nodes, or ``bins`` if it is periodic, as in PLUMED's grids.

        Raises
        ------
        ValueError
            If a node of the box is not a node of the grid.
        """
        sides = zip(lower, upper, bins, self._axes, self.lengths, strict=True)
        return self._blocks.read([_nodes(*side) for side in sides])

    def clear(self) -> None:
        """Forget all hills."""
        self._blocks.clear()

    def empty(self) -> Grid:
        """A grid with the same nodes and no hills."""
        grid = copy.copy(self)
        grid._blocks = self._no_blocks()
        return grid

    @property
    def n_nodes(self) -> int:
        """How many nodes are kept in memory."""
        return self._blocks.n_nodes

    def _no_blocks(self) -> Blocks:
        widest = _CELLS[len(self.lengths)]
        is_periodic = [n > 0 for n in self.n_cells]
        return Blocks([n or widest for n in self.n_cells], is_periodic, 1 + len(self.lengths))


def _divide(length: float, spacing: float) -> tuple[int, float]:
    """How many cells a period has, 0 without one, and the spacing that makes it exact."""
    if not 0.0 < spacing < math.inf:
        raise ValueError(f"the spacing of a grid must be positive, got {spacing}")
    if length == math.inf:
        return 0, float(spacing)
    n = max(1, round(length / spacing))
    if abs(n * spacing - length) > 1e-6 * spacing:
        raise ValueError(
            f"the period {length:g} is not a whole number of grid spacings {spacing:g}; "
            f"the nearest spacing is {length / n!r}"
        )
    return n, length / n


def _nodes(
    lower: float, upper: float, bins: int, axis: tuple[float, float], length: float
) -> npt.NDArray[np.int64]:
    """The indices of the nodes along one side of a box."""
    if bins < 1 or not lower < upper:
        raise ValueError(f"a box needs bins between its bounds, got {bins} on {lower}, {upper}")
    origin, h = axis
    first = (lower - origin) / h
    stride = (upper - lower) / (bins * h)
    if max(abs(first - round(first)), abs(stride - round(stride)) * bins) > 1e-6:
        raise ValueError(
            f"{bins} bins from {lower:g} to {upper:g} do not fall on the nodes of the grid, "
            f"{origin:g} + i * {h:g}"
        )
    is_periodic = length < math.inf
    if is_periodic and abs(upper - lower - length) > 1e-6 * h:
        raise ValueError(f"a periodic CV needs its whole period {length:g}, got {lower}, {upper}")
    return round(first) + round(stride) * np.arange(bins if is_periodic else bins + 1)
