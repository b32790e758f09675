"""Any ASE calculator as a potential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.structures.structure import Evaluation, Structure
from ipi_mtd.units import factor


class AsePotential:
    """Energy, forces and stress of an ASE calculator.

    The virial of an isolated cluster follows from the forces. That of a fully periodic cell is
    minus the calculator's stress times the volume; it is zero where the calculator has no stress,
    and where the cell is periodic in some directions only.

    Parameters
    ----------
    calculator : ase.calculators.calculator.BaseCalculator
        Ready to use, in ASE's eV and angstrom. Two evaluations of one structure agree to the last
        bit only as far as the calculator's own do.
    """

    def __init__(self, calculator: Any) -> None:
        self.calculator = calculator
        self._bohr = factor("bohr", "angstrom")
        self._hartree = factor("hartree", "eV")

    def evaluate(
        self, structures: Sequence[Structure], neighborhoods: object = None
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure."""
        return [self._evaluate(structure) for structure in structures]

    def _evaluate(self, structure: Structure) -> Evaluation:
        from ase import Atoms

        atoms: Any = Atoms(  # ASE is only partly typed
            numbers=structure.types,
            positions=structure.positions * self._bohr,
            cell=structure.cell * self._bohr,
            pbc=structure.pbc,
            calculator=self.calculator,
        )
        # forces first: most calculators find the energy on the way to them
        forces = atoms.get_forces()
        energy = atoms.get_potential_energy()
        return Evaluation(
            energy=float(energy) / self._hartree,
            forces=np.asarray(forces, dtype=np.float64) * (self._bohr / self._hartree),
            virial=_virial(atoms, forces) / self._hartree,
        )


def _virial(atoms: Any, forces: FloatArray) -> FloatArray:
    """(3, 3) array, eV."""
    from ase.calculators.calculator import PropertyNotImplementedError

    if not atoms.pbc.any():
        # nothing but the positions is strained
        return np.asarray(atoms.positions.T @ forces, dtype=np.float64)
    if not atoms.pbc.all():
        return np.zeros((3, 3))
    try:
        stress = atoms.get_stress(voigt=False)
    except PropertyNotImplementedError:
        return np.zeros((3, 3))
    # ASE's stress is the strain derivative of the energy per volume
    return np.asarray(-atoms.get_volume() * stress, dtype=np.float64)
