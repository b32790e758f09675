"""Metatomic models with an energy that is known, and how to export them."""

# ruff: noqa: ARG002, UP006, UP035, UP045 - metatomic wants this very signature of `forward`
from collections.abc import Sequence
from pathlib import Path
from typing import Dict, List, Optional

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import ModelOutput, NeighborListOptions, System

from tests.harness import models


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


class Backwards(torch.nn.Module):
    """The sum of r^2, with the systems from the last to the first."""

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        energies = torch.stack([(system.positions**2).sum() for system in systems])
        block = as_energy(energies).block()
        order = torch.arange(len(systems) - 1, -1, -1)
        backwards = TensorBlock(
            block.values[order],
            Labels("system", order.to(torch.int32).reshape(-1, 1)),
            torch.jit.annotate(List[Labels], []),
            block.properties,
        )
        return {"energy": TensorMap(Labels("_", torch.tensor([[0]])), [backwards])}


class Electrons(torch.nn.Module):
    """The charge in eV, and the spin multiplicity, by whichever name, in hundreds of eV."""

    def __init__(self, spin: str):
        super().__init__()
        self.spin = spin

    def requested_inputs(self) -> Dict[str, ModelOutput]:
        return {
            "charge": ModelOutput(unit="e", sample_kind="system"),
            self.spin: ModelOutput(sample_kind="system"),
        }

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        energies: List[torch.Tensor] = []
        for system in systems:
            charge = system.get_data("charge").block().values.sum()
            spin = system.get_data(self.spin).block().values.sum()
            energies.append(charge + 100 * spin + 0 * system.positions.sum())
        return {"energy": as_energy(torch.stack(energies))}


class NoEnergy(torch.nn.Module):
    """No energy, and no way to differentiate it."""

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels] = None,
    ) -> Dict[str, TensorMap]:
        return {"energy": as_energy(torch.zeros(len(systems), dtype=torch.float64))}


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


def export_energy(
    module: torch.nn.Module, path: Path, outputs: Sequence[str] = ("energy",), unit: str = "eV"
) -> Path:
    """Save a module as a metatomic model with energies of those names."""
    kinds = dict.fromkeys(outputs, "system")
    return models.export(path, module, outputs=kinds, output_unit=unit, interaction_range=1.0)
