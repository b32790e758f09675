"""The part of a model's evaluation that runs inside TorchScript.

Building a metatomic ``System`` and its neighbor lists from Python costs as much as the evaluation
of a small model; compiled together with the model it costs a few tens of microseconds. The model
is called without the wrapper that `metatomic` puts around it: what the wrapper does at every call
(unit conversion, old and new names of outputs, the check of the atomic types) is done once, when
the model is loaded, in :mod:`ipi_mtd.cvs.model`.

TorchScript reads the annotations of this file, so they are written the way it understands.
"""

# ruff: noqa: UP006, UP035, UP045

from typing import List, Optional, Tuple

import torch

from ipi_mtd.models.torchscript import torchscript

with torchscript():
    from metatensor.torch import Labels, TensorBlock
    from metatomic.torch import (
        ModelOutput,
        NeighborListOptions,
        System,
        register_autograd_neighbors,
    )


class Engine(torch.nn.Module):
    """Call the module of a loaded model on plain tensors.

    Parameters
    ----------
    module : the module inside a loaded ``AtomisticModel``
    neighbor_lists : the lists that the model asks for
    output : name of the output, as the module itself calls it
    sample_kind : "system" or "atom"
    check_consistency : let metatomic check every pair of every neighbor list
    """

    neighbor_lists: List[NeighborListOptions]  # of an empty list TorchScript cannot guess the type

    def __init__(
        self,
        module: torch.nn.Module,
        neighbor_lists: List[NeighborListOptions],
        output: str,
        sample_kind: str,
        device: torch.device,
        check_consistency: bool,
    ) -> None:
        super().__init__()
        self.module = module
        self.check_consistency = check_consistency
        self.neighbor_lists = neighbor_lists
        self.output = output
        self.per_atom = sample_kind == "atom"
        self.requested = {output: ModelOutput(sample_kind=sample_kind)}
        self.pair_names = [
            "first_atom",
            "second_atom",
            "cell_shift_a",
            "cell_shift_b",
            "cell_shift_c",
        ]
        self.xyz = Labels("xyz", torch.arange(3, device=device).reshape(-1, 1))
        self.distance = Labels("distance", torch.zeros((1, 1), dtype=torch.int32, device=device))

    def forward(
        self,
        types: torch.Tensor,
        positions: torch.Tensor,
        cell: torch.Tensor,
        pbc: torch.Tensor,
        pairs: List[torch.Tensor],
        vectors: List[torch.Tensor],
        selected_atoms: Optional[Labels],
    ) -> Tuple[torch.Tensor, Optional[torch.Tensor]]:
        """Evaluate the output for one system, all lengths in the model's unit.

        Parameters
        ----------
        types : (n_atoms,) tensor
        positions : (n_atoms, 3) tensor
        cell : (3, 3) tensor, lattice vectors as rows
        pbc : (3,) tensor
        pairs : for each neighbor list a (n_pairs, 5) tensor
        vectors : for each neighbor list a (n_pairs, 3, 1) tensor
        selected_atoms : labels of the atoms to evaluate, or None for all

        Returns
        -------
        values : (n_samples, ...) tensor
        atoms : (n_samples,) tensor
            The atom of each sample; None where a sample is a system.
        """
        system = System(types, positions, cell, pbc)
        for i, options in enumerate(self.neighbor_lists):
            neighbors = TensorBlock(
                vectors[i],
                Labels(self.pair_names, pairs[i], assume_unique=True),
                [self.xyz],
                self.distance,
            )
            register_autograd_neighbors(system, neighbors, self.check_consistency)
            system.add_neighbor_list(options, neighbors)
        tensor_map = self.module([system], self.requested, selected_atoms)[self.output]
        if len(tensor_map.keys) != 1:
            raise ValueError("the output must have a single block")
        block = tensor_map.block_by_id(0)
        if self.per_atom:
            return block.values, block.samples.column("atom")
        return block.values, None
