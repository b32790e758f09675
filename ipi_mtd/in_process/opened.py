"""What a configuration describes, for atoms that come from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.assembly.structure import LabeledStructure
from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.config import Config, read_description
from ipi_mtd.structures.structure import Evaluation, Structure


@dataclass(frozen=True, slots=True, eq=False)
class AtomsEvaluation:
    """CVs and energies of one structure, in ASE's units.

    Parameters
    ----------
    cvs : name and value of each CV, in its own unit
    biases : the energy of each bias, eV
    bias : float, eV
        Of all biases.
    bias_forces : (n_atoms, 3) array, eV/angstrom
        Of all biases.
    energy : float, eV
        Of potential and bias together.
    forces : (n_atoms, 3) array, eV/angstrom
        Of both.
    virial : (3, 3) array, eV
        Of both: minus the derivative of the energy with respect to a strain.
    """

    cvs: Mapping[str, float]
    biases: Mapping[str, float]
    bias: float
    bias_forces: FloatArray
    energy: float
    forces: FloatArray
    virial: FloatArray


def open_configuration(path: str | Path, learned: str | Path | None = None) -> Opened:
    """Open a configuration, for CVs, biases and forces of atoms from anywhere.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input
    learned : a run directory, whose HILLS the biases learn; by default they have learned nothing

    Raises
    ------
    UserError
        If the file cannot be read or is wrong.
    """
    return Opened(path, learned)


class Opened:
    """A configuration that has been opened: CVs, biases and forces of any atoms.

    It needs neither a run directory nor i-PI, and no potential. The models are loaded for the first
    atoms, and again for atoms of other elements or another number.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input
    learned : a run directory, whose HILLS the biases learn; by default they have learned nothing

    Raises
    ------
    UserError
        If the file cannot be read or is wrong.
    """

    def __init__(self, path: str | Path, learned: str | Path | None = None) -> None:
        self.config: Config = read_description(Path(path))
        self._learned = None if learned is None else Path(learned)
        self._run: Run | None = None
        self._eV = units.factor("hartree", "eV")
        self._angstrom = units.factor("bohr", "angstrom")

    def evaluate(self, atoms: Any) -> AtomsEvaluation:
        """CVs, biases and forces of one structure.

        Parameters
        ----------
        atoms : ase.Atoms

        Raises
        ------
        UserError
            If a model fails, or does not know the atoms.
        """
        (evaluation,) = self.evaluate_all([atoms])
        return evaluation

    def evaluate_all(self, images: Sequence[Any]) -> list[AtomsEvaluation]:
        """The same of several structures of the same atoms, as one batch.

        Parameters
        ----------
        images : of ase.Atoms

        Raises
        ------
        UserError
            If a model fails, or does not know the atoms.
        """
        structures = [self._structure(atoms) for atoms in images]
        run = self._run_of(structures[0], images[0])
        return [self._in_ase_units(run, one) for one in run.system.evaluate(structures)]

    def _structure(self, atoms: Any) -> Structure:
        cell = np.array(atoms.cell) * np.asarray(atoms.pbc)[:, None]
        return Structure(
            np.array(atoms.positions) / self._angstrom,
            cell / self._angstrom,
            np.array(atoms.numbers, dtype=np.int32),
        )

    def _run_of(self, structure: Structure, atoms: Any) -> Run:
        if self._run is None or not np.array_equal(self._run.structure.types, structure.types):
            labels = tuple(atoms.get_chemical_symbols())
            run = Run(self.config, LabeledStructure(structure, labels))
            if self._learned is not None:
                run.biases.learn_from(self._learned)
            self._run = run
        return self._run

    def _in_ase_units(self, run: Run, one: BiasedEvaluation) -> AtomsEvaluation:
        total, bias = one.total, one.of_biases
        per_unit = run.system.hartree * self._eV
        return AtomsEvaluation(
            cvs=dict(zip(run.cv_names, one.s.tolist(), strict=True)),
            biases={name: V * per_unit for name, V in one.biases.items()},
            bias=bias.energy * self._eV,
            bias_forces=self._forces(bias),
            energy=total.energy * self._eV,
            forces=self._forces(total),
            virial=total.virial * self._eV,
        )

    def _forces(self, evaluation: Evaluation) -> FloatArray:
        return evaluation.forces * (self._eV / self._angstrom)
