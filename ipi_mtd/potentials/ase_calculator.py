"""Any ASE calculator as a potential."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.potentials.potential import Potential
from ipi_mtd.structures import say_pbc
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure
from ipi_mtd.units import factor

log = logging.getLogger(__name__)


class AsePotential(Potential):
    """Energy, forces and stress of an ASE calculator.

    The virial of an isolated cluster follows from the forces. That of a fully periodic cell is
    minus the calculator's stress times the volume. Where the calculator has no stress, and where
    the cell is periodic in some directions only, so that it has no volume, the virial is zero:
    :meth:`missing_virial` says so, and a warning the first time.

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
        self._has_warned = False

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,  # noqa: ARG002  (has its own lists)
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure; see :class:`.Potential`.

        Raises
        ------
        Exception
            Whatever the calculator raises.
        """
        return [self._evaluate(structure) for structure in structures]

    def missing_virial(self, structure: Structure) -> str | None:
        """Why the virial of a structure is told as zero; it is found out by evaluating it.

        A calculator answers from memory if it was the last structure to be evaluated.
        """
        if structure.pbc.any():
            try:
                self._stress(self._atoms(structure))
            except _NoStress as missing:
                return str(missing)
        return None

    def _atoms(self, structure: Structure) -> Any:  # ASE is only partly typed
        from ase import Atoms

        return Atoms(
            numbers=structure.types,
            positions=structure.positions * self._bohr,
            cell=structure.cell * self._bohr,
            pbc=structure.pbc,
            calculator=self.calculator,
        )

    def _evaluate(self, structure: Structure) -> Evaluation:
        atoms = self._atoms(structure)
        # forces first: most calculators find the energy on the way to them
        forces = atoms.get_forces()
        energy = atoms.get_potential_energy()
        return Evaluation(
            energy=float(energy) / self._hartree,
            forces=np.asarray(forces, dtype=np.float64) * (self._bohr / self._hartree),
            virial=self._virial(atoms, forces) / self._hartree,
        )

    def _virial(self, atoms: Any, forces: FloatArray) -> FloatArray:
        """(3, 3) array, eV."""
        if not atoms.pbc.any():  # nothing but the positions is strained
            return np.asarray(atoms.positions.T @ forces, dtype=np.float64)
        try:
            stress = self._stress(atoms)
        except _NoStress as missing:
            if not self._has_warned:
                log.warning("%s", missing)
                self._has_warned = True
            return np.zeros((3, 3))
        # ASE's stress is the strain derivative of the energy per volume
        return np.asarray(-atoms.get_volume() * stress, dtype=np.float64)

    def _stress(self, atoms: Any) -> FloatArray:
        """(3, 3) array, eV/angstrom^3.

        Raises
        ------
        _NoStress
            If there is none.
        """
        zero = "so the virial of the potential is told as zero"
        if not atoms.pbc.all():
            raise _NoStress(f"what is {say_pbc(atoms.pbc)} has no volume and no stress, {zero}")
        try:
            return np.asarray(atoms.get_stress(voigt=False), dtype=np.float64)
        except NotImplementedError as error:  # as ASE's own error for it
            name = type(self.calculator).__name__
            raise _NoStress(f"the calculator {name} has no stress, {zero}") from error


class _NoStress(Exception):
    """Says why."""
