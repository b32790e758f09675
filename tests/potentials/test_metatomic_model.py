"""Metatomic models with an energy: two springs, one to the origin and one between neighbors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ipi_mtd.errors import UserError
from ipi_mtd.potentials import MetatomicPotential
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure
from ipi_mtd.units import factor
from tests.harness.energies import Backwards, Electrons, Neighbors, NoEnergy, Tether
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


@pytest.mark.parametrize("system", ["cluster", "crystal", "slab"])
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


@pytest.fixture
def batch(cluster, crystal, slab, structure, lattice):
    """Structures that share neither the number of atoms nor the periodic directions."""
    return [cluster, crystal, structure(lattice(2, seed=1)), slab]


def assert_same(results, references, tolerance=0.0):
    for result, reference in zip(results, references, strict=True):
        assert result.energy == reference.energy
        assert_allclose(result.forces, reference.forces, rtol=0, atol=tolerance)
        assert_allclose(result.virial, reference.virial, rtol=0, atol=tolerance)


def test_a_batch_gives_what_its_structures_give_one_by_one(batch, neighbors):
    potential = MetatomicPotential(neighbors)
    one_by_one = [potential.evaluate([s])[0] for s in batch]

    assert_same(potential.evaluate(batch), one_by_one, tolerance=1e-13)


def test_a_batch_is_one_call_of_the_model(batch, neighbors, monkeypatch):
    potential, calls = MetatomicPotential(neighbors), []
    model = potential._model

    def count(systems, *rest):
        calls.append(len(systems))
        return model(systems, *rest)

    monkeypatch.setattr(potential, "_model", count)
    potential.evaluate(batch)

    assert calls == [len(batch)]


def test_no_structures_have_no_evaluations(tether):
    assert MetatomicPotential(tether).evaluate([]) == []


def test_a_model_may_return_the_systems_in_any_order(batch, tether, tmp_path):
    backwards = export(Backwards(), tmp_path / "model.pt")

    assert_same(
        MetatomicPotential(backwards).evaluate(batch), MetatomicPotential(tether).evaluate(batch)
    )


@pytest.mark.parametrize("system", ["cluster", "crystal", "slab"])
def test_the_answer_does_not_depend_on_the_neighborhood(request, system, neighbors):
    s, potential, used = (
        request.getfixturevalue(system),
        MetatomicPotential(neighbors),
        Neighborhood(),
    )
    for seed in range(4):
        shake = 0.02 * np.random.default_rng(seed).normal(size=s.positions.shape)
        potential.evaluate([Structure(s.positions + shake, s.cell, s.types)], [used])

    assert_same(potential.evaluate([s], [used]), potential.evaluate([s]))


def test_an_atom_lost_in_the_far_distance_does_no_harm(slab, neighbors):
    far = np.vstack([slab.positions, [0.0, 0.0, 1e6]])
    with_far = Structure(far, slab.cell, np.append(slab.types, slab.types[:1]))
    without, result = MetatomicPotential(neighbors).evaluate([slab, with_far])

    assert result.energy == pytest.approx(without.energy, rel=1e-12)
    assert_array_equal(result.forces[-1], np.zeros(3))


def test_a_model_that_asks_is_told_of_a_neutral_singlet(cluster, tmp_path):
    path = export(Electrons("spin_multiplicity"), tmp_path / "model.pt")
    (result,) = MetatomicPotential(path).evaluate([cluster])

    assert result.energy == pytest.approx(factor("eV", "hartree") * 100)


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
    with pytest.raises(UserError, match="there is no such model file"):
        MetatomicPotential(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("device", "rule"),
    [
        ("cuda", "the model does not support the device 'cuda', only cpu"),
        ("gpu", "device 'gpu': torch knows no such device"),
    ],
)
def test_a_device_that_cannot_be_used_is_refused(tether, device, rule):
    with pytest.raises(UserError, match=rule):
        MetatomicPotential(tether, device=device)


def test_a_model_that_asks_for_what_nobody_knows_is_refused(tmp_path):
    path = export(Electrons("ase::info::spin"), tmp_path / "model.pt")

    with pytest.raises(UserError, match=r"an input that i-PI cannot give: ase::info::spin$"):
        MetatomicPotential(path)


def test_what_a_model_says_of_its_failure_is_said_in_one_line(cluster, tether):
    unknown = Structure(cluster.positions, cluster.cell, cluster.types + 1)

    with pytest.raises(
        UserError, match=r"model failed: .*does not support the atomic type '19'"
    ) as e:
        MetatomicPotential(tether).evaluate([unknown])
    assert "\n" not in str(e.value)


def test_an_energy_that_cannot_be_differentiated_is_refused(cluster, tmp_path):
    path = export(NoEnergy(), tmp_path / "model.pt")

    with pytest.raises(UserError, match=r"the model failed: .*does not require grad"):
        MetatomicPotential(path).evaluate([cluster])
