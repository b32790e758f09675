"""The sum of many hills on a grid."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.kernel import CUTOFF, KERNELS, REACH, stretched_gaussian
from ipi_mtd.files.hills import Hills

_END = math.exp(-CUTOFF)
_CHUNK = 2000  # hills at a time, so that their factors stay small in memory


def sum_hills(
    axes: Sequence[Axis],
    centers: FloatArray,
    sigmas: FloatArray,
    heights: FloatArray,
    floors: FloatArray | None = None,
) -> FloatArray:
    """Add up hills with PLUMED's kernels.

    With ``d = sum_j d_j`` a hill is ``h (exp(-d) - floor) / (1 - floor)`` where
    ``exp(-d) > exp(-6.25)``: the exponential is a product of one factor for each CV, computed for
    all hills at once. What is left for each hill is the outer product of its factors over its own
    support.

    Parameters
    ----------
    axes : d axes
    centers, sigmas : (n_hills, d) arrays, units of the CVs
    heights : (n_hills,) array, any unit
    floors : (n_hills,) array, optional
        Of the kernel of each hill; by default all are stretched Gaussians.

    Returns
    -------
    array of d dimensions, the unit of the heights
        A hill of a periodic CV acts through its nearest image, as in PLUMED.
    """
    if floors is None:
        floors = np.full(len(heights), stretched_gaussian.floor)
    widths = [_window(axis, sigmas[:, j]) for j, axis in enumerate(axes)]
    total = np.zeros([_stored(axis, w) for axis, w in zip(axes, widths, strict=True)])
    for first in range(0, len(heights), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        starts, factors = zip(
            *(
                _factors(axis, w, centers[chunk, j], sigmas[chunk, j])
                for j, (axis, w) in enumerate(zip(axes, widths, strict=True))
            ),
            strict=True,
        )
        for height, floor, start, factor in zip(
            (heights[chunk] / (1.0 - floors[chunk])).tolist(),
            floors[chunk].tolist(),
            np.stack(starts, axis=1).tolist(),
            zip(*factors, strict=True),
            strict=True,
        ):
            hill = functools.reduce(np.multiply.outer, factor)
            hill = height * np.where(hill > _END, hill - floor, 0.0)
            total[tuple(slice(i, i + w) for i, w in zip(start, widths, strict=True))] += hill
    for j, (axis, w) in enumerate(zip(axes, widths, strict=True)):
        total = _folded(total, j, axis, w)
    return total


def _window(axis: Axis, sigma: FloatArray) -> int:
    """Return how many points the support of the widest hill can hold."""
    points = math.ceil(2.0 * REACH * float(sigma.max(initial=0.0)) / axis.spacing)
    return min(points, axis.n_points)


def _stored(axis: Axis, width: int) -> int:
    """Return the points to store, where a hill may go over the end of a period."""
    return axis.n_points + (width if axis.periodic else 0)


def _factors(
    axis: Axis, width: int, center: FloatArray, sigma: FloatArray
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return each hill's first point and its (n_hills, width) factor from there on.

    A window that would leave the grid is moved inside; where the hill does not reach, its factor
    is below the end of a kernel.
    """
    half = 0.5 * width * axis.spacing
    start = np.floor((center - half - axis.lower) / axis.spacing + 1.0)
    start = start % axis.n_points if axis.periodic else start.clip(0, axis.n_points - width)
    index = start.astype(np.int64)
    points = axis.lower + axis.spacing * (index[:, None] + np.arange(width))
    distance = points - center[:, None]
    if axis.periodic:
        period = axis.upper - axis.lower
        distance -= period * np.round(distance / period)
    return index, np.exp(-0.5 * (distance / sigma[:, None]) ** 2)


def _folded(total: FloatArray, j: int, axis: Axis, width: int) -> FloatArray:
    """Add what went over the end of a period to its beginning."""
    along = np.moveaxis(total, j, 0)
    inner = along[: axis.n_points]
    if axis.periodic:
        inner[:width] += along[axis.n_points :]
    return np.moveaxis(inner, 0, j)


def floors_of(hills: Hills) -> FloatArray:
    """(n_hills,) array: what is taken off the Gaussian of each hill."""
    return np.array([KERNELS[name].floor for name in hills.each_kernel()], dtype=np.float64)
