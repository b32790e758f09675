"""Derivatives of energies by central differences, many structures in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.structures.structure import Structure

Energies = Callable[[Sequence[Structure]], Sequence[float]]
"""The energy of each of some structures."""

BATCH = 40
WEIGHTS = {1.0: 8.0 / 12.0, -1.0: -8.0 / 12.0, 2.0: -1.0 / 12.0, -2.0: 1.0 / 12.0}
"""Of the energy so many steps away, for a first derivative with an error of fourth order."""


def position_derivative(energies: Energies, s: Structure, h: float) -> FloatArray:
    """The derivative of the energy with respect to the positions: (n_atoms, 3)."""
    return _derivative(energies, s.positions, h, lambda x: Structure(x, s.cell, s.types))


def strain_derivative(energies: Energies, s: Structure, h: float) -> FloatArray:
    """The derivative of the energy with respect to a strain of positions and cell: (3, 3)."""
    return _derivative(
        energies, np.eye(3), h, lambda x: Structure(s.positions @ x, s.cell @ x, s.types)
    )


def _derivative(
    energies: Energies, x: FloatArray, h: float, made_of: Callable[[FloatArray], Structure]
) -> FloatArray:
    steps = [
        (index, weight, _moved(x, index, n * h))
        for index in np.ndindex(*x.shape)
        for n, weight in WEIGHTS.items()
    ]
    gradient = np.zeros_like(x)
    for k in range(0, len(steps), BATCH):
        batch = steps[k : k + BATCH]
        found = energies([made_of(moved) for _, _, moved in batch])
        for (index, weight, _), energy in zip(batch, found, strict=True):
            gradient[index] += weight * energy / h
    return gradient


def _moved(x: FloatArray, index: tuple[int, ...], by: float) -> FloatArray:
    moved = x.copy()
    moved[index] += by
    return moved
