"""A bias in its place among the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ipi_mtd.bias import Bias

AnyBias = TypeVar("AnyBias", bound=Bias, covariant=True)


@dataclass(frozen=True)
class BiasTerm(Generic[AnyBias]):
    """One bias and the CVs that it acts on.

    Parameters
    ----------
    name : as in the files and in what i-PI receives
    bias : the bias, in its own energy unit
    cvs : indices of its arguments among the CVs of the run
    """

    name: str
    bias: AnyBias
    cvs: tuple[int, ...]

    @cached_property
    def arguments(self) -> npt.NDArray[np.intp]:
        """(n_arguments,) array: the indices, to pick the arguments from all CVs."""
        return np.array(self.cvs, dtype=np.intp)
