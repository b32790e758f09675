"""Walls that keep the CVs within bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.bias import NOTHING, Bias, BiasColumn, Learned, Seen
from ipi_mtd.bias.surroundings import Surroundings
from ipi_mtd.errors import UserError
from ipi_mtd.periods import Period, period_lengths


class Walls(Bias):
    """PLUMED's UPPER_WALLS or LOWER_WALLS, one wall for each CV.

    With ``x = (s - at + offset)/eps`` for an upper wall and ``x = (at - s + offset)/eps`` for a
    lower one, the energy is ``sum_j kappa_j x_j**exp_j`` over the CVs with positive x. For a
    periodic CV the difference from the wall is the shortest one.

    Parameters
    ----------
    side : {"upper", "lower"}
    at : d floats, units of the CVs
    kappa : d floats, energy
    exp : d floats, optional
        The exponents, 2 if not given.
    eps : d floats, units of the CVs, optional
        1 if not given.
    offset : d floats, units of the CVs, optional
        The wall begins this far before `at`; 0 if not given.
    periods : d entries, units of the CVs, optional
        The (lower, upper) bounds of a periodic CV, or None.

    Raises
    ------
    ValueError
        If the settings are not one for each CV, or an eps is not positive.
    """

    def __init__(
        self,
        side: Literal["upper", "lower"],
        *,
        at: Sequence[float],
        kappa: Sequence[float],
        exp: Sequence[float] | None = None,
        eps: Sequence[float] | None = None,
        offset: Sequence[float] | None = None,
        periods: Sequence[Period] | None = None,
    ) -> None:
        if side not in ("upper", "lower"):
            raise ValueError(f"a wall is upper or lower, got {side!r}")
        d = len(at)
        columns = {
            "at": at,
            "kappa": kappa,
            "exp": [2.0] * d if exp is None else exp,
            "eps": [1.0] * d if eps is None else eps,
            "offset": [0.0] * d if offset is None else offset,
            "periods": period_lengths([None] * d if periods is None else periods),
        }
        for name, column in columns.items():
            if len(column) != d:
                raise ValueError(
                    f"{name} needs one entry for each of the {d} CVs, got {len(column)}"
                )
        if not all(0.0 < scale < math.inf for scale in columns["eps"]):
            raise ValueError(f"eps must be positive, got {tuple(columns['eps'])}")
        self._sign = 1.0 if side == "upper" else -1.0
        self._walls = tuple(zip(*columns.values(), strict=True))

    def evaluate(
        self,
        s: Sequence[float] | FloatArray,
        step: int = 0,  # noqa: ARG002
        own: FloatArray = NOTHING,  # noqa: ARG002
    ) -> tuple[float, FloatArray]:
        """The energy of the walls and its derivative.

        Parameters
        ----------
        s : d floats, units of the CVs
        step, own : are of no influence

        Returns
        -------
        V : float, energy
        dV_ds : (d,) array, energy per unit of the CVs

        Raises
        ------
        UserError
            If the energy is too large for a number.
        """
        V = 0.0
        dV_ds = []
        for x, wall in zip(np.asarray(s, dtype=float).tolist(), self._walls, strict=True):
            at, kappa, exponent, eps, offset, length = wall
            beyond = (self._sign * math.remainder(x - at, length) + offset) / eps
            slope = 0.0
            if beyond > 0.0:
                try:
                    V += kappa * beyond**exponent
                    slope = self._sign * kappa * exponent * beyond ** (exponent - 1.0) / eps
                except OverflowError as error:
                    raise UserError(
                        f"the wall at {at:g} has no finite energy where its CV is {x:g}: "
                        f"{beyond:g} to the power of {exponent:g}"
                    ) from error
            dV_ds.append(slope)
        return V, np.array(dV_ds)

    def columns(self) -> Mapping[str, BiasColumn]:
        """``bias``, and ``force2``, the square of the force, as in PLUMED."""
        return {**super().columns(), "force2": _force2}


def _force2(seen: Seen, _learned: Learned) -> float:
    return float(seen.dV_ds @ seen.dV_ds)


class WallSettings(Protocol):
    """What a user says of the walls; energies in hartree."""

    @property
    def side(self) -> Literal["upper", "lower"]: ...
    @property
    def at(self) -> Sequence[float]: ...
    @property
    def kappa(self) -> Sequence[float]: ...
    @property
    def exponent(self) -> Sequence[float] | None: ...
    @property
    def eps(self) -> Sequence[float] | None: ...
    @property
    def offset(self) -> Sequence[float] | None: ...


def make_walls(settings: WallSettings, around: Surroundings) -> Walls:
    """The walls that the settings describe.

    Raises
    ------
    ValueError
        As for `Walls`.
    """
    return Walls(
        settings.side,
        at=settings.at,
        kappa=[kappa * around.per_hartree for kappa in settings.kappa],
        exp=settings.exponent,
        eps=settings.eps,
        offset=settings.offset,
        periods=around.periods,
    )
