"""What travels between i-PI, the potential and the collective variables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int32]

ROUNDING = 1e-13
"""A relative difference of coordinates that is none."""


def is_finite(numbers: FloatArray) -> bool:
    """Whether all are finite, and below 1e154: a fraction of the time of ``np.isfinite``."""
    return math.isfinite(np.vdot(numbers, numbers))


def coincide(one: FloatArray, other: FloatArray) -> bool:
    """Whether two sets of positions are the same but for rounding.

    i-PI scales the coordinates of a classical system by one for some properties, which may change
    their last bits; a step of dynamics moves them a million million times farther.
    """
    x = one.item(0)
    if abs(x - other.item(0)) > ROUNDING * max(1.0, abs(x)):
        return False  # as at any other step, found out at once
    tolerance = ROUNDING * max(1.0, float(np.abs(one).max()))
    return float(np.abs(one - other).max()) <= tolerance


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One configuration of the atoms.

    Parameters
    ----------
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
        The lattice vectors as rows; a row of a direction that is not periodic is zero.
    types : (n_atoms,) array
        Atomic numbers, or whatever the models understand as atomic types.
    """

    positions: FloatArray
    cell: FloatArray
    types: IntArray

    @property
    def pbc(self) -> npt.NDArray[np.bool_]:
        """(3,) array: the directions that are periodic, those with a lattice vector."""
        return np.any(self.cell, axis=1)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An energy and its derivatives.

    Parameters
    ----------
    energy : float, hartree
    forces : (n_atoms, 3) array, hartree/bohr
        Minus the derivative of the energy with respect to the positions.
    virial : (3, 3) array, hartree
        Minus the derivative of the energy with respect to a strain of positions and cell,
        as i-PI wants it.
    """

    energy: float
    forces: FloatArray
    virial: FloatArray

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(
            self.energy + other.energy, self.forces + other.forces, self.virial + other.virial
        )
