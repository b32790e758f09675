"""Structures to evaluate models on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.structures.structure import Structure

ANGSTROM = units.factor("angstrom", "bohr")
TRICLINIC = np.array([[7.0, 0.0, 0.0], [1.0, 6.5, 0.0], [-1.2, 1.5, 7.5]])  # angstrom


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def argon() -> Callable[..., Structure]:
    """Makes a Structure from positions and a cell in angstrom."""

    def make(positions: Any, cell: FloatArray | None = None) -> Structure:
        positions = np.array(positions, dtype=float)
        return Structure(
            positions * ANGSTROM,
            np.zeros((3, 3)) if cell is None else cell * ANGSTROM,
            np.full(len(positions), 18, dtype=np.int32),
        )

    return make


@pytest.fixture(scope="session", params=["isolated", "slab", "triclinic"])
def cell(request: pytest.FixtureRequest) -> FloatArray:
    """(3, 3) array, angstrom: none, a slab and a cell without right angles."""
    cells = {
        "isolated": np.zeros((3, 3)),
        "slab": TRICLINIC * [[1.0], [1.0], [0.0]],
        "triclinic": TRICLINIC,
    }
    return cells[request.param]


@pytest.fixture(scope="session")
def eleven(argon: Callable[..., Structure], cell: FloatArray) -> Structure:
    """Eleven atoms in each of the cells."""
    return argon(np.random.default_rng(11).uniform(0.0, 6.5, (11, 3)), cell)
