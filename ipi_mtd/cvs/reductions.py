r"""From the features of a model to one number, with its derivative.

A model gives a matrix of features: a row for the system, or a row for each atom, and a column for
each property. A collective variable is one component of it, or one column reduced over the atoms.
Each reduction returns its value s and the derivative ds/dx for every row x of the column, so that
no graph is needed and the gradient can be pulled back through the model in one pass for all CVs.

The smooth maximum, minimum and count are those of PLUMED's ``MAX``, ``MIN`` and ``BETWEEN``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError

Reduction: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray]]
"""Features, a column of them or all -> s and ds/dx, of the same shape."""


def component(row: int) -> Reduction:
    """The feature of one row, counted from 0."""

    @functools.cache
    def slope(shape: tuple[int, ...]) -> FloatArray:
        derivative = np.zeros(shape)
        derivative.flat[row] = 1.0
        derivative.flags.writeable = False
        return derivative

    return lambda x: (float(x.item(row)), slope(x.shape))


def of_elements(elements: Sequence[int], reduction: Reduction) -> Reduction:
    """A reduction of some of the features, given by their places in the flattened array."""
    places: npt.NDArray[np.intp] = np.array(elements, dtype=np.intp)

    def reduce(x: FloatArray) -> tuple[float, FloatArray]:
        value, slope = reduction(x.reshape(-1)[places])
        derivative = np.zeros(x.size)
        derivative[places] = slope
        return value, derivative.reshape(x.shape)

    return reduce


def total() -> Reduction:
    """The sum over the rows."""
    return lambda x: (float(x.sum()), np.ones_like(x))


def mean() -> Reduction:
    """The mean over the rows."""
    return lambda x: (float(x.mean()), np.full_like(x, 1.0 / x.size))


def highest() -> Reduction:
    """The maximum; its derivative jumps where another row becomes the highest."""
    return lambda x: component(int(x.argmax()))(x)


def lowest() -> Reduction:
    """The minimum; its derivative jumps where another row becomes the lowest."""
    return lambda x: component(int(x.argmin()))(x)


def soft_max(beta: float) -> Reduction:
    r"""A smooth maximum, :math:`\beta \ln \sum_i \exp(x_i / \beta)`."""

    def reduce(x: FloatArray) -> tuple[float, FloatArray]:
        top = x.max()
        weights = np.exp((x - top) / beta)  # the largest is 1: no overflow
        return float(top + beta * math.log(weights.sum())), weights / weights.sum()

    return reduce


def soft_min(beta: float) -> Reduction:
    r"""A smooth minimum of positive features, :math:`\beta / \ln \sum_i \exp(\beta / x_i)`.

    Raises
    ------
    UserError
        When called with a feature that is not positive.
    """

    def reduce(x: FloatArray) -> tuple[float, FloatArray]:
        bottom = x.min()
        if bottom <= 0.0:
            raise UserError(f"the smooth minimum needs positive features, and one is {bottom:.6g}")
        weights = np.exp(beta / x - beta / bottom)
        s = beta / (beta / bottom + math.log(weights.sum()))
        return float(s), weights / weights.sum() * (s / x) ** 2

    return reduce


def between(lower: float, upper: float, smear: float = 0.5) -> Reduction:
    """The number of rows between two values, each row smeared into a Gaussian.

    Parameters
    ----------
    lower, upper : float
        In the unit of the feature.
    smear : float
        Width of the Gaussian as a fraction of the interval.
    """
    width = smear * (upper - lower) * math.sqrt(2.0)
    erf = np.vectorize(math.erf, otypes=[np.float64])

    def reduce(x: FloatArray) -> tuple[float, FloatArray]:
        to_lower = (lower - x) / width
        to_upper = (upper - x) / width
        inside = 0.5 * (erf(to_upper) - erf(to_lower))
        slope = (np.exp(-(to_lower**2)) - np.exp(-(to_upper**2))) / (width * math.sqrt(math.pi))
        return float(inside.sum()), slope

    return reduce
