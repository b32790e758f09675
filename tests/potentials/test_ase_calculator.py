"""ASE calculators: units, and the sign of the stress."""

import logging

import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones as AseLennardJones
from numpy.testing import assert_allclose, assert_array_equal

from ipi_mtd.potentials import AsePotential, LennardJones, NoPotential
from ipi_mtd.structures.structure import Structure


class Spring(Calculator):
    """1 eV/angstrom^2 on the first atom, and no stress."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms, *_):
        self.results["energy"] = 0.5 * (atoms.positions[0] ** 2).sum()
        self.results["forces"] = np.zeros_like(atoms.positions)
        self.results["forces"][0] = -atoms.positions[0]


class Recorder(Spring):
    def calculate(self, atoms, *_):
        self.seen = atoms.copy()
        super().calculate(atoms)


@pytest.fixture
def ase_lennard_jones():
    # in angstrom, for structures in bohr; the cutoff lies in a gap between the shells
    return AsePotential(AseLennardJones(epsilon=0.3, sigma=0.52, rc=1.1))


def test_electronvolts_and_angstroms_become_hartrees_and_bohrs(structure):
    bohr, hartree = 0.529177210903, 27.211386245988  # CODATA 2018
    (result,) = AsePotential(Spring()).evaluate([structure([[2.0, 0, 0], [0, 1.0, 0]])])

    assert result.energy == pytest.approx(0.5 * (2 * bohr) ** 2 / hartree, rel=1e-8)
    assert_allclose(result.forces, [[-2 * bohr**2 / hartree, 0, 0], [0, 0, 0]], rtol=1e-8)


def test_the_calculator_sees_types_cell_and_periodicity(slab):
    calculator = Recorder()
    AsePotential(calculator).evaluate([slab])

    assert_array_equal(calculator.seen.numbers, slab.types)
    assert_array_equal(calculator.seen.pbc, [True, True, False])
    assert_allclose(calculator.seen.cell, 0.529177210903 * slab.cell, rtol=1e-8)


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_forces_are_minus_the_derivative(request, system, ase_lennard_jones, position_derivative):
    s = request.getfixturevalue(system)
    few = Structure(s.positions[:8], s.cell, s.types[:8])

    forces = ase_lennard_jones.evaluate([few])[0].forces

    assert_allclose(forces, -position_derivative(ase_lennard_jones, few), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_virial_is_minus_the_strain_derivative(
    request, system, ase_lennard_jones, strain_derivative
):
    s = request.getfixturevalue(system)

    virial = ase_lennard_jones.evaluate([s])[0].virial

    assert_allclose(virial, -strain_derivative(ase_lennard_jones, s), rtol=1e-6, atol=1e-7)


MISSING = [
    (Spring(), "crystal", "the calculator Spring has no stress"),
    (AseLennardJones(), "slab", "what is periodic along a and b has no volume and no stress"),
]


@pytest.mark.parametrize(("calculator", "system", "why"), MISSING)
def test_a_virial_that_is_not_known_is_told_as_zero_with_one_warning(
    request, calculator, system, why, caplog
):
    potential, s = AsePotential(calculator), request.getfixturevalue(system)
    first, second = potential.evaluate([s, s])

    assert_array_equal(first.virial, np.zeros((3, 3)))
    assert_array_equal(second.virial, np.zeros((3, 3)))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == f"{why}, so the virial of the potential is told as zero"


@pytest.mark.parametrize(("calculator", "system", "why"), MISSING)
def test_it_can_be_asked_why_the_virial_is_missing(request, calculator, system, why, caplog):
    missing = AsePotential(calculator).missing_virial(request.getfixturevalue(system))

    assert missing == f"{why}, so the virial of the potential is told as zero"
    assert not caplog.records


@pytest.mark.parametrize(
    ("calculator", "system"),
    [(Spring(), "cluster"), (AseLennardJones(), "cluster"), (AseLennardJones(), "crystal")],
)
def test_a_virial_that_is_known_is_not_missing(request, calculator, system, caplog):
    potential, s = AsePotential(calculator), request.getfixturevalue(system)
    potential.evaluate([s])

    assert potential.missing_virial(s) is None
    assert not caplog.records


def test_the_other_potentials_know_the_virial_of_a_slab(slab):
    assert LennardJones(1, 1, 2.5).missing_virial(slab) is None
    assert NoPotential().missing_virial(slab) is None


def test_each_structure_gets_its_own_answer(cluster, structure, ase_lennard_jones):
    other = structure(cluster.positions[::2])
    one, two = ase_lennard_jones.evaluate([cluster, other])

    assert one.forces.shape == cluster.positions.shape
    assert two.energy == ase_lennard_jones.evaluate([other])[0].energy
    assert one.energy != two.energy
