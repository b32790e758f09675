"""Metatomic models with an energy: two springs, one to the origin and one between neighbors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ipi_mtd.errors import UserError
from ipi_mtd.potentials import MetatomicPotential
from ipi_mtd.units import factor
from tests.harness.energies import Neighbors, Tether
from tests.harness.energies import export_energy as export


@pytest.fixture(scope="module")
def tether(tmp_path_factory):
    return export(Tether(), tmp_path_factory.mktemp("models") / "tether.pt")


@pytest.fixture(scope="module", params=[True, False], ids=["full", "half"])
def neighbors(request, tmp_path_factory):
    return export(Neighbors(request.param), tmp_path_factory.mktemp("models") / "neighbors.pt")


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_energy_and_forces_of_a_tether_are_exact(request, system, tether):
    s = request.getfixturevalue(system)
    k = factor("eV/A^2", "hartree/bohr^2")
    (result,) = MetatomicPotential(tether).evaluate([s])

    assert result.energy == pytest.approx(k * (s.positions**2).sum(), rel=1e-12)
    assert_allclose(result.forces, -2 * k * s.positions, rtol=1e-12)
    assert_allclose(result.virial, -2 * k * s.positions.T @ s.positions, rtol=1e-12)


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_forces_are_minus_the_derivative(request, system, neighbors, position_derivative):
    s, potential = request.getfixturevalue(system), MetatomicPotential(neighbors)

    forces = potential.evaluate([s])[0].forces

    assert_allclose(forces, -position_derivative(potential, s, h=1e-3), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_virial_is_minus_the_strain_derivative(request, system, neighbors, strain_derivative):
    s, potential = request.getfixturevalue(system), MetatomicPotential(neighbors)

    virial = potential.evaluate([s])[0].virial

    assert_allclose(virial, -strain_derivative(potential, s), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("system", ["cluster", "crystal"])
def test_the_answer_does_not_depend_on_what_came_before(request, system, neighbors):
    s = request.getfixturevalue(system)
    other = type(s)(s.positions + 0.1 * np.sin(7 * s.positions), s.cell, s.types)
    _, late = MetatomicPotential(neighbors).evaluate([other, s])
    (early,) = MetatomicPotential(neighbors).evaluate([s])

    assert early.energy == late.energy
    assert_array_equal(early.forces, late.forces)
    assert_array_equal(early.virial, late.virial)


def test_a_variant_of_the_energy_can_be_chosen(cluster, tmp_path, tether):
    path = export(Tether(), tmp_path / "model.pt", ["energy/a", "energy/b"])
    (result,) = MetatomicPotential(path, variant="b").evaluate([cluster])

    assert result.energy == MetatomicPotential(tether).evaluate([cluster])[0].energy


def test_a_variant_that_is_missing_is_refused_with_those_that_exist(tmp_path):
    path = export(Tether(), tmp_path / "model.pt", ["energy/a", "energy/b"])

    with pytest.raises(UserError, match=r"the output `energy/c`, this one has .*`energy/a`"):
        MetatomicPotential(path, variant="c")


def test_a_model_without_an_energy_is_refused(tmp_path):
    path = export(Tether(), tmp_path / "model.pt", ["feature"], unit="")

    with pytest.raises(UserError, match="the output `energy`, this one has `feature`"):
        MetatomicPotential(path)


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        MetatomicPotential(tmp_path / "model.pt")
