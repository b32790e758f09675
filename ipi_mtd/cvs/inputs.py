"""What a model is given of a batch of structures: as arrays, and as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ipi_mtd.arrays import FloatArray, IntArray


@dataclass(slots=True, eq=False)
class Geometry:
    """What a model is given of one structure, in its own unit of length.

    Parameters
    ----------
    positions : (n_atoms, 3) array
    cell : (3, 3) array
    pairs : for each neighbor list an (n_pairs, 5) array
    vectors : for each neighbor list an (n_pairs, 3) array
    """

    positions: FloatArray
    cell: FloatArray
    pairs: Sequence[IntArray]
    vectors: Sequence[FloatArray]


@dataclass(slots=True, eq=False)
class Inputs:
    """The tensors of a batch, as :class:`ipi_mtd.cvs.engine.Engine` takes them.

    Parameters
    ----------
    positions : for each structure an (n_atoms, 3) tensor
    cells : for each structure a (3, 3) tensor
    pbcs : for each structure a (3,) tensor
    pairs : for each neighbor list of each structure an (n_pairs, 5) tensor
    vectors : for each neighbor list of each structure an (n_pairs, 3, 1) tensor
    """

    positions: list[torch.Tensor]
    cells: list[torch.Tensor]
    pbcs: list[torch.Tensor]
    pairs: list[torch.Tensor]
    vectors: list[torch.Tensor]

    def leaves(self) -> list[torch.Tensor]:
        """What the graph leads back to: positions, vectors, and the cells that there are."""
        return [*self.positions, *self.vectors, *self.true_cells()]

    def true_cells(self) -> list[torch.Tensor]:
        """The cells of the structures that are periodic."""
        return [cell for cell in self.cells if cell.requires_grad]
