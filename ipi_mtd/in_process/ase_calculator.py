"""An ASE calculator with the whole biased energy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase import stress as stresses
from ase.calculators.calculator import Calculator, all_changes

from ipi_mtd.in_process.opened import Opened

_matrix: Any = stresses.voigt_6_to_full_3x3_stress
_voigt: Any = stresses.full_3x3_to_voigt_6_stress


class BiasedCalculator(Calculator):
    """Potential and biases of a configuration, for ASE's dynamics, optimizers and paths.

    The bias is what it has learned when the calculator is made, and does not grow. ``results`` has
    ``bias`` (eV) and ``cvs`` beside energy, forces and stress.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input
    learned : a run directory, whose HILLS the biases learn
    potential : ase.calculators.calculator.BaseCalculator, optional
        The physical energy, where the configuration has none.

    Raises
    ------
    UserError
        If the file cannot be read or is wrong.
    """

    implemented_properties = [  # noqa: RUF012 - as ASE has it
        "energy",
        "forces",
        "stress",
        "free_energy",
    ]

    def __init__(
        self,
        path: str | Path,
        learned: str | Path | None = None,
        potential: Any = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # ASE is only partly typed
        self.opened = Opened(path, learned)
        self.potential = potential

    def calculate(
        self,
        atoms: Any = None,
        properties: tuple[str, ...] = ("energy",),
        system_changes: list[str] = all_changes,
    ) -> None:
        """Evaluate everything at once.

        Raises
        ------
        UserError
            If a model fails, or does not know the atoms.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        atoms = self.atoms
        one = self.opened.evaluate(atoms)
        energy, forces, virial = one.energy, one.forces, one.virial
        results: dict[str, Any] = {"bias": one.bias, "cvs": dict(one.cvs)}
        has_stress = bool(atoms.pbc.all())
        if self.potential is not None:
            energy = energy + self.potential.get_potential_energy(atoms)
            forces = forces + self.potential.get_forces(atoms)
            if has_stress and "stress" in properties:
                stress = self.potential.get_stress(atoms)
                virial = virial - atoms.get_volume() * _matrix(stress)
        results |= {"energy": energy, "free_energy": energy, "forces": forces}
        if has_stress:
            stress = -virial / atoms.get_volume()
            results["stress"] = _voigt(stress)
        self.results = results
