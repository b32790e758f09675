"""To a model in double precision on the CPU, and back: the tensors share the memory of arrays.

A step of a small system is over in less time than it takes to call torch some twenty times; what
numpy can do as well, it does in half the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray, IntArray
from ipi_mtd.cvs.inputs import Geometry, Inputs

_XYZ = np.arange(3, dtype=np.intp)

_MOST_KNOWN = 256


class Indices:
    """The atoms of some pairs, in the forms in which they are needed.

    Parameters
    ----------
    pairs : (n_pairs, 5) array

    Attributes
    ----------
    tensor : the same as a tensor
    places : (6 n_pairs,) array
        Where the three components of each first atom, and then of each second one, are among the
        flattened positions.
    """

    def __init__(self, pairs: IntArray) -> None:
        self.pairs = pairs
        self.tensor = torch.from_numpy(pairs)
        self.places = (3 * pairs[:, :2].T.astype(np.intp)[:, :, None] + _XYZ).reshape(-1)


@dataclass(slots=True, eq=False)
class HostInputs(Inputs):
    """The tensors of a batch on the CPU.

    Parameters
    ----------
    indices : for each neighbor list of each structure its pairs
    """

    indices: list[Indices]


class Host:
    """The way in and the way out; see also :class:`ipi_mtd.cvs.device.Device`."""

    def __init__(self) -> None:
        self._no_cell = torch.zeros((3, 3), dtype=torch.float64)
        self._no_pbc = torch.zeros(3, dtype=torch.bool)
        self._known: dict[int, Indices] = {}

    def load(self, geometries: Sequence[Geometry]) -> HostInputs:
        """The tensors of a batch."""
        inputs = HostInputs([], [], [], [], [], [])
        for geometry in geometries:
            inputs.positions.append(_leaf(geometry.positions))
            if geometry.cell.any():
                inputs.cells.append(_leaf(geometry.cell))
                inputs.pbcs.append(torch.from_numpy(geometry.cell.any(axis=1)))
            else:
                inputs.cells.append(self._no_cell)
                inputs.pbcs.append(self._no_pbc)
            for pairs, vectors in zip(geometry.pairs, geometry.vectors, strict=True):
                indices = self._indices_of(pairs)
                inputs.indices.append(indices)
                inputs.pairs.append(indices.tensor)
                inputs.vectors.append(_leaf(vectors[:, :, None]))
        return inputs

    def unload(
        self, inputs: Inputs, slopes: Sequence[torch.Tensor | None], _dtype: torch.dtype
    ) -> FloatArray:
        """Collect the derivatives with respect to the leaves of a batch.

        Parameters
        ----------
        inputs : the batch
        slopes : for each leaf the derivatives with respect to it, or None

        Returns
        -------
        gradients : (n_structures, n_atoms + 3, 3) array
            For each structure the derivatives with respect to the positions, and below them those
            with respect to a strain of positions, pairs and cell.
        """
        assert isinstance(inputs, HostInputs)
        arrays = [None if slope is None else slope.numpy() for slope in slopes]
        n, n_atoms = len(inputs.positions), len(inputs.positions[0])
        of_cells = iter(arrays[n + len(inputs.vectors) :])
        n_lists = len(inputs.vectors) // n
        gradients = np.zeros((n, n_atoms + 3, 3))
        for i, both in enumerate(gradients):
            gradient, strain_gradient = both[:n_atoms], both[n_atoms:]
            if (slope := arrays[i]) is not None:
                gradient += slope
                strain_gradient += inputs.positions[i].detach().numpy().T @ slope
            for k in range(i * n_lists, (i + 1) * n_lists):
                if (slope := arrays[n + k]) is not None:
                    slope = slope[:, :, 0]
                    gradient += _of_atoms(inputs.indices[k], slope, n_atoms)
                    strain_gradient += inputs.vectors[k].detach().numpy()[:, :, 0].T @ slope
            if inputs.cells[i].requires_grad and (slope := next(of_cells)) is not None:
                strain_gradient += inputs.cells[i].detach().numpy().T @ slope
        return gradients

    def _indices_of(self, pairs: IntArray) -> Indices:
        """Made once for each array; a neighbor list gives the same one while the pairs stay."""
        known = self._known.get(id(pairs))
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            # it holds the array, so that no other one can have its address
            known = self._known[id(pairs)] = Indices(pairs)
        return known


def _leaf(array: FloatArray) -> torch.Tensor:
    return torch.from_numpy(array).requires_grad_(True)


def _of_atoms(indices: Indices, slopes: FloatArray, n_atoms: int) -> FloatArray:
    """Add what each pair contributes to its two atoms, one pair after the other."""
    both = np.concatenate([-slopes, slopes])
    sums = np.bincount(indices.places, both.reshape(-1), 3 * n_atoms)
    return sums.reshape(n_atoms, 3)  # type: ignore[return-value]  # with weights they are floats
