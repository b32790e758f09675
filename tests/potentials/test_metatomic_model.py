"""Metatomic models with an energy: two springs, one to the origin and one between neighbors."""

# ruff: noqa: ARG002, UP006, UP035, UP045 - metatomic wants this very signature of `forward`

from typing import Dict, List, Optional

import numpy as np
import pytest
import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import (
    AtomisticModel,
    ModelCapabilities,
    ModelMetadata,
    ModelOutput,
    NeighborListOptions,
    System,
)
from numpy.testing import assert_allclose, assert_array_equal

from ipi_mtd.errors import UserError
from ipi_mtd.potentials import MetatomicPotential
from ipi_mtd.units import factor


class Tether(torch.nn.Module):
    """The sum of r^2, in eV and angstrom."""

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        energies = torch.stack([(system.positions**2).sum() for system in systems])
        result: Dict[str, TensorMap] = {}
        for name in outputs:
            result[name] = as_energy(energies)
        return result


class Neighbors(torch.nn.Module):
    """The sum of (cutoff^2 - r_ij^2)^2 over the pairs within the cutoff, in eV and angstrom."""

    def __init__(self, full_list: bool):
        super().__init__()
        self.options = NeighborListOptions(1.0, full_list, True)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [self.options]

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        energies: List[torch.Tensor] = []
        for system in systems:
            r_ij = system.get_neighbor_list(self.options).values
            energies.append(((1 - (r_ij**2).sum(dim=1)) ** 2).sum())
        return {"energy": as_energy(torch.stack(energies))}


def as_energy(energies: torch.Tensor) -> TensorMap:
    n = energies.shape[0]
    block = TensorBlock(
        energies.reshape(-1, 1),
        Labels("system", torch.arange(n, device=energies.device).reshape(-1, 1)),
        torch.jit.annotate(List[Labels], []),
        Labels("energy", torch.zeros((1, 1), dtype=torch.int32, device=energies.device)),
    )
    keys = Labels("_", torch.zeros((1, 1), dtype=torch.int32, device=energies.device))
    return TensorMap(keys, [block])


def export(module, path, outputs=("energy",), unit="eV"):
    capabilities = ModelCapabilities(
        outputs={name: ModelOutput(unit=unit, sample_kind="system") for name in outputs},
        atomic_types=[18],
        interaction_range=1.0,
        length_unit="angstrom",
        supported_devices=["cpu"],
        dtype="float64",
    )
    AtomisticModel(module.eval(), ModelMetadata(), capabilities).save(str(path))
    return path


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
