"""The part of a model's evaluation that runs inside TorchScript.

Building metatomic's ``System`` and its neighbor lists from Python costs as much as the evaluation
of a small model; compiled together with the model it costs a few tens of microseconds. The model
is called without the wrapper that `metatomic` puts around it: what the wrapper does at every call
(unit conversion, old and new names of outputs, the check of the atomic types) is done once, when
the model is loaded, in :mod:`ipi_mtd.cvs.model`.

The vectors of the pairs are inputs of the graph, like the positions and the cell. A strain acts on
all three alike, and what a pair contributes to its two atoms is added to them in the end, which
takes half the time of following the graph from the vectors back to the positions. A model that
differentiates something itself finds positions and vectors independent of each other, as it does
in metatomic's wrapper, which scales both.

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
    place : (n_atoms,) tensor
        The row of each atom among those of its structure; far below zero if it has none.
    check_consistency : let metatomic check every pair of every neighbor list
    """

    neighbor_lists: List[NeighborListOptions]  # of an empty list TorchScript cannot guess the type

    def __init__(
        self,
        module: torch.nn.Module,
        neighbor_lists: List[NeighborListOptions],
        output: str,
        sample_kind: str,
        place: torch.Tensor,
        check_consistency: bool,
    ) -> None:
        super().__init__()
        self.module = module
        self.check_consistency = check_consistency
        self.neighbor_lists = neighbor_lists
        self.output = output
        self.per_atom = sample_kind == "atom"
        self.place = place
        self.requested = {output: ModelOutput(sample_kind=sample_kind)}
        self.pair_names = [
            "first_atom",
            "second_atom",
            "cell_shift_a",
            "cell_shift_b",
            "cell_shift_c",
        ]
        device = place.device
        self.xyz = Labels("xyz", torch.arange(3, device=device).reshape(-1, 1))
        self.distance = Labels("distance", torch.zeros((1, 1), dtype=torch.int32, device=device))

    def forward(
        self,
        types: torch.Tensor,
        positions: List[torch.Tensor],
        cells: List[torch.Tensor],
        pbcs: List[torch.Tensor],
        pairs: List[torch.Tensor],
        vectors: List[torch.Tensor],
        selected_atoms: Optional[Labels],
        samples: torch.Tensor,
    ) -> Tuple[torch.Tensor, bool]:
        """Evaluate the output for some systems, all lengths in the model's unit.

        Parameters
        ----------
        types : (n_atoms,) tensor
            The same for all systems.
        positions : for each system an (n_atoms, 3) tensor
        cells : for each system a (3, 3) tensor, lattice vectors as rows
        pbcs : for each system a (3,) tensor
        pairs : for each system and each of its neighbor lists a (n_pairs, 5) tensor
        vectors : for each system and each of its neighbor lists a (n_pairs, 3, 1) tensor
        selected_atoms : labels of the atoms to evaluate, or None for all
        samples : (n_samples, n_dimensions) tensor
            The samples that the output should have.

        Returns
        -------
        values : (n_samples, ...) tensor
            In the order of `samples`.
        as_asked : whether the samples were those asked for, in whatever order
        """
        systems: List[System] = []
        k = 0
        for i in range(len(positions)):
            system = System(types, positions[i], cells[i], pbcs[i])
            for options in self.neighbor_lists:
                labels = Labels(self.pair_names, pairs[k], assume_unique=True)
                neighbors = TensorBlock(vectors[k], labels, [self.xyz], self.distance)
                if self.check_consistency:
                    copy = TensorBlock(vectors[k].detach(), labels, [self.xyz], self.distance)
                    register_autograd_neighbors(system, copy, True)
                system.add_neighbor_list(options, neighbors)
                k += 1
            systems.append(system)
        tensor_map = self.module(systems, self.requested, selected_atoms)[self.output]
        if len(tensor_map.keys) != 1:
            raise ValueError("the output must have a single block")
        block = tensor_map.block_by_id(0)
        if len(systems) == 1 and not self.per_atom:
            return block.values, block.values.shape[0] == 1
        found = block.samples
        if torch.equal(found.values, samples):
            return block.values, True
        rows = found.column("system").to(torch.int64)
        if self.per_atom:
            n_rows = samples.shape[0] // len(systems)
            rows = rows * n_rows + self.place[found.column("atom").to(torch.int64)]
        rows, order = rows.sort()
        every = torch.arange(samples.shape[0], device=rows.device)
        return block.values[order], torch.equal(rows, every)
