"""What travels between i-PI, the potential and the collective variables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray, IntArray


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
