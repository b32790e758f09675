"""Structures and derivatives for the tests of the potentials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.potentials import Potential
from ipi_mtd.structures.structure import Structure

SHEAR = np.array([[1.0, 0.0, 0.0], [0.1, 1.0, 0.0], [-0.05, 0.15, 1.0]])


def make_structure(positions: FloatArray, cell: FloatArray | None = None) -> Structure:
    positions = np.array(positions, dtype=np.float64).reshape(-1, 3)
    cell = np.zeros((3, 3)) if cell is None else np.array(cell, dtype=np.float64)
    return Structure(positions, cell, np.full(len(positions), 18, dtype=np.int32))


def make_lattice(n: int, seed: int = 0) -> FloatArray:
    """The n^3 points of a cubic lattice of spacing 1.15, displaced at random: (n^3, 3)."""
    points = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return 1.15 * points + 0.05 * np.random.default_rng(seed).normal(size=(n**3, 3))


def central_difference(f: Callable[[FloatArray], float], x: FloatArray, h: float) -> FloatArray:
    """The gradient of `f` at `x`, accurate to h^4."""
    gradient = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = h
        gradient[index] = (
            8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))
        ) / (12 * h)
    return gradient


@pytest.fixture
def structure() -> Callable[..., Structure]:
    return make_structure


@pytest.fixture
def lattice() -> Callable[..., FloatArray]:
    return make_lattice


@pytest.fixture
def cluster() -> Structure:
    """27 atoms in free space, about 1.15 from their neighbors."""
    return make_structure(make_lattice(3))


@pytest.fixture
def crystal() -> Structure:
    """27 atoms in a triclinic cell of about 3.45 a side."""
    return make_structure(make_lattice(3) @ SHEAR, 3.45 * SHEAR)


@pytest.fixture
def slab(crystal: Structure) -> Structure:
    """The atoms of the crystal, periodic along two of its lattice vectors."""
    return make_structure(crystal.positions, crystal.cell * [[1], [1], [0]])


@pytest.fixture
def position_derivative() -> Callable[..., FloatArray]:
    """The derivative of the energy with respect to the positions: (n_atoms, 3)."""

    def derivative(potential: Potential, s: Structure, h: float = 1e-4) -> FloatArray:
        return central_difference(
            lambda x: potential.evaluate([Structure(x, s.cell, s.types)])[0].energy, s.positions, h
        )

    return derivative


@pytest.fixture
def strain_derivative() -> Callable[..., FloatArray]:
    """The derivative of the energy with respect to a strain of positions and cell: (3, 3)."""

    def derivative(potential: Potential, s: Structure, h: float = 1e-4) -> FloatArray:
        def energy(strain: FloatArray) -> float:
            strained = Structure(s.positions @ strain, s.cell @ strain, s.types)
            return potential.evaluate([strained])[0].energy

        return central_difference(energy, np.eye(3), h)

    return derivative
