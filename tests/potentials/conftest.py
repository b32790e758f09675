"""Structures and derivatives for the tests of the potentials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.potentials import Potential
from ipi_mtd.structures.structure import Structure
from tests.harness import differences

SHEAR = np.array([[1.0, 0.0, 0.0], [0.1, 1.0, 0.0], [-0.05, 0.15, 1.0]])


def make_structure(positions: FloatArray, cell: FloatArray | None = None) -> Structure:
    positions = np.array(positions, dtype=np.float64).reshape(-1, 3)
    cell = np.zeros((3, 3)) if cell is None else np.array(cell, dtype=np.float64)
    return Structure(positions, cell, np.full(len(positions), 18, dtype=np.int32))


def make_lattice(n: int, seed: int = 0) -> FloatArray:
    """The n^3 points of a cubic lattice of spacing 1.15, displaced at random: (n^3, 3)."""
    points = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return 1.15 * points + 0.05 * np.random.default_rng(seed).normal(size=(n**3, 3))


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


Derivative = Callable[..., FloatArray]


@pytest.fixture
def position_derivative() -> Derivative:
    """The derivative of a potential's energy with respect to the positions: (n_atoms, 3)."""
    return lambda potential, s, h=1e-4: differences.position_derivative(
        energies_of(potential), s, h
    )


@pytest.fixture
def strain_derivative() -> Derivative:
    """The same with respect to a strain of positions and cell: (3, 3)."""
    return lambda potential, s, h=1e-4: differences.strain_derivative(energies_of(potential), s, h)


def energies_of(potential: Potential) -> differences.Energies:
    return lambda structures: [found.energy for found in potential.evaluate(structures)]
