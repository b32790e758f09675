"""What every bias is, and what one that learns adds to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from ipi_mtd.arrays import FloatArray

NOTHING: FloatArray = np.zeros(0)
"""What a walker keeps for a bias that asks it to keep nothing."""


def _nothing() -> FloatArray:
    return NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A bias at one step of one walker.

    Parameters
    ----------
    step : of the walker
    s : (d,) array, units of the CVs
    V : float, energy
        Of this bias.
    dV_ds : (d,) array, energy per unit of the CVs
    own : the numbers that the walker keeps for the bias, as they were before the step
    V_others : float, energy
        Of all other biases.
    ds_dR : (d, n_atoms, 3) array, units of the CVs per bohr, optional
        If the bias wants it at this step.
    """

    step: int
    s: FloatArray
    V: float
    dV_ds: FloatArray
    own: FloatArray = field(default_factory=_nothing)
    V_others: float = 0.0
    ds_dR: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What a bias makes of a step; it becomes history when the answer has arrived.

    Parameters
    ----------
    own : what the walker keeps from now on
    deposit : what all walkers will feel, None at most steps
    """

    own: FloatArray = field(default_factory=_nothing)
    deposit: Any = None


BiasColumn: TypeAlias = Callable[[Seen, Learned], float]
"""What a column of COLVAR has at a step, in the energy unit of the bias and units of the CVs."""


class DepositFile(Protocol):
    """The file of what a bias has learned: a header, then a piece of bytes for each deposit."""

    file: str
    header: bytes

    def encode(self, step: int, deposit: Any) -> bytes:
        """The bytes of the deposit of a step."""

    def decode(self, data: bytes) -> list[Any]:
        """The deposits in bytes that `encode` has made, headers between them left out."""

    def read(self, data: bytes, path: Path, *, of_any_cv: bool) -> tuple[list[Any], bytes]:
        """The deposits of a whole file, perhaps of another program.

        Parameters
        ----------
        data : what the file holds
        path : of the file, for messages
        of_any_cv : whether deposits are taken that the file says were made with another model

        Returns
        -------
        deposits : the oldest first
        below : what has to stand between them and ours, mostly nothing

        Raises
        ------
        UserError
            If the file breaks the format, or its deposits are not those of such a bias.
        """


class Bias(ABC):
    """Turns s into V and dV/ds; from its own energy unit, which is that of its files.

    A bias has two parts: what it shares with all walkers, in the object, and what is each walker's
    own, a few numbers that are handed to it and that the record keeps with each step. A bias that
    does not learn needs `evaluate` only.

    Attributes
    ----------
    file : the file of its deposits, None if it makes none
    n_deposits : how many deposits it holds
    """

    file: DepositFile | None = None
    n_deposits: int = 0

    @abstractmethod
    def evaluate(
        self, s: FloatArray, step: int = 0, own: FloatArray = NOTHING
    ) -> tuple[float, FloatArray]:
        """The bias on one walker; changes nothing.

        Parameters
        ----------
        s : (d,) array, units of the CVs
        step : of the walker
        own : what the walker keeps for this bias

        Returns
        -------
        V : float, energy
        dV_ds : (d,) array, energy per unit of the CVs
        """

    def first_own(self) -> FloatArray:
        """What a walker keeps before its first step; always as many numbers."""
        return NOTHING

    def wants_gradients(self, step: int) -> bool:  # noqa: ARG002
        """Whether ds/dR must be known at this step to learn from it."""
        return False

    def propose(self, seen: Seen) -> Learned:
        """What to learn from a step; changes nothing."""
        return Learned(seen.own)

    def learn(self, deposits: Iterable[Any]) -> None:
        """Add deposits, in any order.

        Raises
        ------
        NotImplementedError
            If this bias makes none.
        """
        raise NotImplementedError

    def forget(self, deposits: Iterable[Any]) -> None:
        """Take deposits back that were learned, in any order: as if they had never been.

        Raises
        ------
        NotImplementedError
            If this bias makes none.
        """
        raise NotImplementedError

    def columns(self) -> Mapping[str, BiasColumn]:
        """What it can print: the name behind the dot and how the value is found."""
        return {"bias": lambda seen, _: seen.V}
