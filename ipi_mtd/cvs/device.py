"""To a model on a device, or in single precision, and back: one transfer each way for a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.inputs import Geometry, Inputs
from ipi_mtd.models.tensors import to_numpy


@dataclass(slots=True, eq=False)
class DeviceInputs(Inputs):
    """The tensors of a batch on a device.

    Parameters
    ----------
    rows : (n_rows, 3) tensor
        All leaves in one, whose memory they share.
    owners : (n_rows,) tensor
        The structure of each row.
    ends : (2, n_pairs) tensor
        The rows of the first and of the second atoms of all pairs.
    """

    rows: torch.Tensor
    owners: torch.Tensor
    ends: torch.Tensor


class Device:
    """The way in and the way out; see also :class:`ipi_mtd.cvs.host.Host`.

    Parameters
    ----------
    device, dtype : of the model
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._no_cell = torch.zeros((3, 3), dtype=dtype, device=device)
        self._no_pbc = torch.zeros(3, dtype=torch.bool, device=device)

    def load(self, geometries: Sequence[Geometry]) -> DeviceInputs:
        """The tensors of a batch."""
        n, n_atoms = len(geometries), len(geometries[0].positions)
        periodic = [i for i, geometry in enumerate(geometries) if geometry.cell.any()]
        of_pairs = [(i, k) for i in range(n) for k in range(len(geometries[i].pairs))]
        pairs = [geometries[i].pairs[k] for i, k in of_pairs]
        arrays = [
            *(geometry.positions for geometry in geometries),
            *(geometries[i].vectors[k][:, :, None] for i, k in of_pairs),
            *(geometries[i].cell for i in periodic),
        ]
        owners = [*range(n), *(i for i, _ in of_pairs), *periodic]
        ends = [array[:, :2].T + i * n_atoms for (i, _), array in zip(of_pairs, pairs, strict=True)]
        rows = np.concatenate([array.reshape(-1, 3) for array in arrays])
        floats, integers = self._transferred(
            rows,
            [
                np.repeat(owners, [len(array) for array in arrays]),
                np.concatenate([np.empty((2, 0)), *ends], axis=1),
                *pairs,
            ],
        )
        leaves = [leaf.requires_grad_(True) for leaf in _divided(floats, arrays)]
        cells = [self._no_cell] * n
        pbcs = [self._no_pbc] * n
        for i, cell in zip(periodic, leaves[n + len(pairs) :], strict=True):
            cells[i] = cell
            pbcs[i] = cell.detach().any(dim=1)
        return DeviceInputs(
            positions=leaves[:n],
            cells=cells,
            pbcs=pbcs,
            pairs=integers[2:],
            vectors=leaves[n : n + len(pairs)],
            rows=floats.view(-1, 3),
            owners=integers[0],
            ends=integers[1],
        )

    def unload(
        self, inputs: Inputs, slopes: Sequence[torch.Tensor | None], dtype: torch.dtype
    ) -> FloatArray:
        """Collect the derivatives with respect to the leaves of a batch.

        Parameters
        ----------
        inputs : the batch
        slopes : for each leaf the derivatives with respect to it, or None
        dtype : in which they are added up

        Returns
        -------
        gradients : (n_structures, n_atoms + 3, 3) array
            For each structure the derivatives with respect to the positions, and below them those
            with respect to a strain of positions, pairs and cell.
        """
        assert isinstance(inputs, DeviceInputs)
        n, n_atoms = len(inputs.positions), len(inputs.positions[0])
        of_rows = torch.cat(
            [
                (torch.zeros_like(leaf) if slope is None else slope).reshape(-1, 3)
                for leaf, slope in zip(inputs.leaves(), slopes, strict=True)
            ]
        ).to(dtype)
        strain_gradients = of_rows.new_zeros((n, 3, 3))
        products = inputs.rows.to(dtype)[:, :, None] * of_rows[:, None, :]
        strain_gradients.index_add_(0, inputs.owners, products)
        first, second = inputs.ends
        n_pairs = len(first)
        gradients, of_pairs = of_rows[: n * n_atoms], of_rows[n * n_atoms :][:n_pairs]
        gradients.index_add_(0, first, of_pairs, alpha=-1)
        gradients.index_add_(0, second, of_pairs)
        both = torch.cat([gradients.view(n, n_atoms, 3), strain_gradients], dim=1)
        return to_numpy(both)

    def _transferred(
        self, floats: FloatArray, integers: Sequence[np.ndarray]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """All in one buffer of 32 bits; the floats first, so that they are aligned."""
        dtype = np.float64 if self._dtype == torch.float64 else np.float32
        bits = floats.reshape(-1).astype(dtype).view(np.int32)
        packed = [bits, *(array.reshape(-1).astype(np.int32) for array in integers)]
        there = torch.from_numpy(np.concatenate(packed)).to(self._device)
        return there[: len(bits)].view(self._dtype), _divided(there[len(bits) :], integers)


def _divided(packed: torch.Tensor, like: Sequence[np.ndarray]) -> list[torch.Tensor]:
    shapes = [array.shape for array in like]
    parts = torch.split(packed, [math.prod(shape) for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
