r"""From the features of a model to one number for each structure.

A model gives a matrix of features for each structure: a row for the system, or a row for each atom,
and a column for each property. A collective variable is one component of it, or one column reduced
over the atoms. The reductions are made of torch's operations, so that they run where the model runs
and torch differentiates them together with it; of each structure they take nothing but its own row.

The smooth maximum, minimum and count are those of PLUMED's ``MAX``, ``MIN`` and ``BETWEEN``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from ipi_mtd.errors import UserError

Reduction: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""(n_structures, n_features) tensor, a column of each matrix or all of it, row by row -> s,
(n_structures,) tensor."""


@dataclass(frozen=True, slots=True)
class Component:
    """One of the features of a structure, counted from 0."""

    place: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x.select(1, self.place)


def component(row: int) -> Reduction:
    """The feature of one row, counted from 0."""
    return Component(row)


def of_elements(elements: Sequence[int], reduction: Reduction) -> Reduction:
    """A reduction of some of the features, counted from 0."""
    if isinstance(reduction, Component):
        return Component(elements[reduction.place])
    places = list(elements)
    return lambda x: reduction(x[:, places])


def total() -> Reduction:
    """The sum over the rows."""
    return lambda x: x.sum(1)


def mean() -> Reduction:
    """The mean over the rows."""
    return lambda x: x.mean(1)


def highest() -> Reduction:
    """The maximum; its derivative jumps where another row becomes the highest."""
    return lambda x: x.max(1).values


def lowest() -> Reduction:
    """The minimum; its derivative jumps where another row becomes the lowest."""
    return lambda x: x.min(1).values


def soft_max(beta: float) -> Reduction:
    r"""A smooth maximum, :math:`\beta \ln \sum_i \exp(x_i / \beta)`."""

    def reduce(x: torch.Tensor) -> torch.Tensor:
        top = x.detach().amax(1, keepdim=True)
        weights = ((x - top) / beta).exp()  # the largest is 1: no overflow
        return top.squeeze(1) + beta * weights.sum(1).log()

    return reduce


def soft_min(beta: float) -> Reduction:
    r"""A smooth minimum of positive features, :math:`\beta / \ln \sum_i \exp(\beta / x_i)`.

    Raises
    ------
    UserError
        When called with a feature that is not positive.
    """

    def reduce(x: torch.Tensor) -> torch.Tensor:
        bottom = x.detach().amin(1, keepdim=True)
        lowest_of_all = bottom.min().item()
        if lowest_of_all <= 0.0:
            raise UserError(
                f"the smooth minimum needs positive features, and one is {lowest_of_all:.6g}"
            )
        top = beta / bottom
        weights = (beta / x - top).exp()  # the largest is 1: no overflow
        return beta / (top.squeeze(1) + weights.sum(1).log())

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

    def reduce(x: torch.Tensor) -> torch.Tensor:
        inside = torch.erf((upper - x) / width) - torch.erf((lower - x) / width)
        return 0.5 * inside.sum(1)

    return reduce
