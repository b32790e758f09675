"""A column of COLVAR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ipi_mtd.bias import Learned
from ipi_mtd.biased_system import BiasedEvaluation


@dataclass(frozen=True, slots=True)
class Column:
    """How a value is found, and what must have been evaluated for it.

    Parameters
    ----------
    value : from the evaluation of a step and what the biases learn from it
    quantity : the name of a quantity that it needs
    model : the name of a model whose features it needs
    """

    value: Callable[[BiasedEvaluation, Mapping[str, Learned]], float]
    quantity: str | None = None
    model: str | None = None
