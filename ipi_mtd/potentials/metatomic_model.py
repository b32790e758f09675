"""A metatomic model with an energy as a potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import last_line, load_model, pick_device, pick_dtype
from ipi_mtd.models.tensors import to_numpy
from ipi_mtd.models.torchscript import torchscript
from ipi_mtd.potentials.potential import Potential, with_neighborhoods
from ipi_mtd.structures.neighbors import Neighborhood, NeighborList
from ipi_mtd.structures.structure import Evaluation, Structure
from ipi_mtd.units import factor

with torchscript():
    from metatensor.torch import Labels, TensorBlock, TensorMap
    from metatomic.torch import (
        ModelEvaluationOptions,
        ModelOutput,
        System,
        register_autograd_neighbors,
    )

NEUTRAL_SINGLET = {"charge": 0.0, "spin_multiplicity": 1.0}
"""What a model is told of a system if it asks; i-PI knows nothing of its electrons."""

PAIR = ["first_atom", "second_atom", "cell_shift_a", "cell_shift_b", "cell_shift_c"]


class MetatomicPotential(Potential):
    """The energy of a metatomic model, with forces and virial by differentiating it.

    All structures are evaluated in one call of the model, with one backward pass. The virial is the
    derivative with respect to a strain of positions and lattice vectors, however many there are.

    Parameters
    ----------
    path : path
        An exported model with an ``energy`` output. One that states no unit computes in angstrom
        and eV.
    extensions : path, optional
        The directory of the TorchScript extensions that the model needs beyond featomic.
    device : str, optional
        As torch names it: cpu, cuda, cuda:1, mps.
    variant : str, optional
        The part after the slash, for a model that offers ``energy/<variant>``.

    Raises
    ------
    UserError
        If the model cannot be loaded, has no such energy, does not support the device or asks for
        inputs that i-PI cannot give; on evaluation, if the model fails.
    """

    def __init__(
        self,
        path: str | Path,
        extensions: str | Path | None = None,
        device: str = "cpu",
        variant: str | None = None,
    ) -> None:
        self.path = Path(path)
        model = load_model(self.path, None if extensions is None else Path(extensions))
        capabilities = model.capabilities()
        self.device = pick_device(device, capabilities.supported_devices, self.path)
        self._output = _pick_energy(list(capabilities.outputs), variant, self.path)
        self._dtype = pick_dtype(capabilities.dtype, self.device, self.path)
        self._model = model.to(self.device)
        self._requests = model.requested_neighbor_lists()
        self._inputs = {
            name: self._input(name, request)
            for name, request in model.requested_inputs(use_new_names=True).items()
        }
        self._options = ModelEvaluationOptions(
            length_unit=capabilities.length_unit,
            outputs={self._output: ModelOutput(unit="eV", sample_kind="system")},
        )
        self._bohr = factor("bohr", capabilities.length_unit or "angstrom")
        self._hartree = factor("hartree", "eV")
        self._xyz = Labels("xyz", torch.arange(3, device=self.device).reshape(-1, 1))
        self._distance = Labels("distance", self._zero())

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure; see :class:`.Potential`.

        Raises
        ------
        UserError
            If the model fails or its energy cannot be differentiated.
        """
        inputs = [self._prepare(*each) for each in with_neighborhoods(structures, neighborhoods)]
        if not inputs:
            return []
        try:
            # TorchScript would optimize for the shapes of the first structures it sees, so that
            # the last bits depend on them; on a CPU this makes nothing faster.
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                outputs = self._model([each.system for each in inputs], self._options, False)
                block = outputs[self._output].block()
                energies = block.values.reshape(-1)[block.samples.column("system").long().argsort()]
                gradients = torch.autograd.grad(
                    energies.sum(),
                    [leaf for each in inputs for leaf in each.leaves],
                    materialize_grads=True,  # what is not used has a derivative of zero
                )
        except Exception as error:
            raise UserError(f"{self.path}: the model failed: {last_line(error)}") from error
        found = iter(gradients)
        return [
            self._evaluation(energy, each, [next(found) for _ in each.leaves])
            for energy, each in zip(to_numpy(energies).tolist(), inputs, strict=True)
        ]

    def _prepare(self, structure: Structure, neighborhood: Neighborhood | None) -> _Input:
        """A structure as the model wants it, in its unit of length."""
        positions, cell = structure.positions * self._bohr, structure.cell * self._bohr
        R = self._tensor(positions).requires_grad_(True)
        h = self._tensor(cell).requires_grad_(bool(cell.any()))
        system = System(
            torch.from_numpy(structure.types.astype(np.int32)).to(self.device),
            *(R, h, torch.from_numpy(structure.pbc).to(self.device)),
        )
        for request in self._requests:
            pairs, r_ij = self._list(request, neighborhood).compute(positions, cell)
            neighbors = TensorBlock(
                self._tensor(r_ij[:, :, None]),
                Labels(PAIR, torch.from_numpy(pairs).to(self.device), assume_unique=True),
                [self._xyz],
                self._distance,
            )
            register_autograd_neighbors(system, neighbors, False)
            system.add_neighbor_list(request, neighbors)
        for name, value in self._inputs.items():
            system.add_data(name, value)
        return _Input(system, (R, h) if h.requires_grad else (R,))

    def _list(self, request: Any, neighborhood: Neighborhood | None) -> NeighborList:
        cutoff, full_list = request.cutoff, request.full_list
        if neighborhood is None:
            return NeighborList(cutoff, full_list=full_list, skin=0.0)
        key = ("MetatomicPotential", self._bohr, cutoff, full_list)
        return neighborhood.list_of(key, cutoff, full_list=full_list)

    def _evaluation(
        self, energy: float, given: _Input, gradients: list[torch.Tensor]
    ) -> Evaluation:
        strain_gradient = sum(
            to_numpy(leaf).T @ to_numpy(gradient)
            for leaf, gradient in zip(given.leaves, gradients, strict=True)
        )
        return Evaluation(
            energy / self._hartree,
            to_numpy(gradients[0]) * (-self._bohr / self._hartree),
            np.asarray(strain_gradient) / -self._hartree,
        )

    def _input(self, name: str, request: Any) -> TensorMap:
        """What the model is told of a system beyond its atoms."""
        if name not in NEUTRAL_SINGLET or request.sample_kind != "system":
            raise UserError(
                f"{self.path}: the model asks for an input that i-PI cannot give: {name}"
            )
        zero = self._zero()
        block = TensorBlock(
            torch.full((1, 1), NEUTRAL_SINGLET[name], dtype=self._dtype, device=self.device),
            *(Labels("system", zero), [], Labels(name, zero)),
        )
        value = TensorMap(Labels("_", zero), [block])
        value.set_info("unit", request.unit)
        return value

    def _tensor(self, array: FloatArray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device, self._dtype)

    def _zero(self) -> torch.Tensor:
        return torch.zeros((1, 1), dtype=torch.int32, device=self.device)


@dataclass(frozen=True, slots=True, eq=False)
class _Input:
    """One structure, and what its energy is differentiated with respect to."""

    system: Any
    leaves: tuple[torch.Tensor, ...]


def _pick_energy(outputs: list[str], variant: str | None, path: Path) -> str:
    """The name of the model's energy; a single variant need not be named.

    Raises
    ------
    UserError
        If the model has no such output.
    """
    wanted = "energy" if variant is None else f"energy/{variant}"
    if wanted in outputs:
        return wanted
    variants = [output for output in outputs if output.startswith("energy/")]
    if variant is None and len(variants) == 1:
        return variants[0]
    raise UserError(
        f"{path}: a potential needs a model with the output `{wanted}`, this one has "
        + ", ".join(f"`{output}`" for output in outputs)
    )
