"""Structures as tensors on the device of a model, in one transfer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The tensors of a batch, as :class:`ipi_mtd.cvs.engine.Engine` takes them.

    All but `pairs` and `pbcs`, and the cells of structures that are not periodic, are leaves of
    the graph.

    Parameters
    ----------
    positions, cells, pbcs : a tensor for each structure
    pairs, vectors : a tensor for each neighbor list of each structure, one structure after another
    """

    positions: list[torch.Tensor]
    cells: list[torch.Tensor]
    pbcs: list[torch.Tensor]
    pairs: list[torch.Tensor]
    vectors: list[torch.Tensor]


class Loader:
    """Makes the tensors of one model.

    Parameters
    ----------
    device, dtype : of the model
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._shares_memory = device.type == "cpu" and dtype == torch.float64
        self._no_cell = torch.zeros((3, 3), dtype=dtype, device=device)
        self._no_pbc = torch.zeros(3, dtype=torch.bool, device=device)

    def load(self, geometries: Sequence[Geometry]) -> Inputs:
        """The tensors; they share the memory of the arrays where that is possible."""
        pairs = [array for geometry in geometries for array in geometry.pairs]
        floats = [geometry.positions for geometry in geometries]
        floats += [array[:, :, None] for geometry in geometries for array in geometry.vectors]
        periodic = [bool(geometry.cell.any()) for geometry in geometries]
        floats += [g.cell for g, has_cell in zip(geometries, periodic, strict=True) if has_cell]
        if self._shares_memory:
            leaves = [torch.from_numpy(array) for array in floats]
            indices = [torch.from_numpy(array) for array in pairs]
        else:
            leaves, indices = self._transferred(floats, pairs)
        for leaf in leaves:
            leaf.requires_grad_(True)
        n, m = len(geometries), len(pairs)
        vectors = leaves[n : n + m]
        rest = iter(leaves[n + m :])
        cells = [next(rest) if has_cell else self._no_cell for has_cell in periodic]
        pbcs = [
            cell.detach().any(dim=1) if has_cell else self._no_pbc
            for cell, has_cell in zip(cells, periodic, strict=True)
        ]
        return Inputs(leaves[:n], cells, pbcs, indices, vectors)

    def _transferred(
        self, floats: Sequence[FloatArray], pairs: Sequence[IntArray]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """All in one buffer of 32 bits; the floats first, so that they are aligned."""
        dtype = np.float64 if self._dtype == torch.float64 else np.float32
        numbers = np.concatenate([array.reshape(-1) for array in floats]).astype(dtype)
        packed = np.concatenate(
            [numbers.view(np.int32), *(array.reshape(-1) for array in pairs)], dtype=np.int32
        )
        there = torch.from_numpy(packed).to(self._device)
        n_floats = len(numbers.view(np.int32))
        leaves = _shaped(there[:n_floats].view(self._dtype), [array.shape for array in floats])
        return leaves, _shaped(there[n_floats:], [array.shape for array in pairs])


def _shaped(there: torch.Tensor, shapes: Sequence[tuple[int, ...]]) -> list[torch.Tensor]:
    """Cut one tensor into several."""
    pieces = torch.split(there, [math.prod(shape) for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]
