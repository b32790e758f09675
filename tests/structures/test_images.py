"""Periodic images: an atom that is sent on the other side of the cell has not moved."""

import numpy as np
import pytest

from ipi_mtd.structures.images import ISOLATED, displacements, wound

CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.3, -0.5, 3.5]])
CELLS = {"three": CELL, "two": CELL * [[1], [1], [0]], "one": CELL * [[0], [0], [1]]}


@pytest.fixture(params=CELLS)
def cell(request):
    """A cell that is periodic in so many directions."""
    return CELLS[request.param]


@pytest.fixture
def rng():
    """Random numbers."""
    return np.random.default_rng(5)


def test_a_way_is_the_one_without_the_jumps(cell, rng):
    origins = rng.normal(size=(20, 3)) * 5
    way = rng.uniform(-0.4, 0.4, size=(20, 3))
    jumps = rng.integers(-3, 4, size=(20, 3)) @ cell
    np.testing.assert_allclose(displacements(origins + way + jumps, origins, cell), way, atol=1e-12)


def test_without_a_cell_a_way_is_a_difference(rng):
    one, other = rng.normal(size=(2, 20, 3)) * 100
    assert np.array_equal(displacements(one, other, ISOLATED), one - other)
    assert np.array_equal(wound(one, ISOLATED), one.ravel())


def test_all_images_have_the_same_numbers(cell, rng):
    positions = rng.normal(size=(20, 3)) * 5
    jumps = rng.integers(-3, 4, size=(20, 3)) @ cell
    np.testing.assert_allclose(wound(positions + jumps, cell), wound(positions, cell), atol=1e-12)


def test_what_moves_changes_the_numbers_as_much(cell, rng):
    positions = rng.normal(size=(1, 3)) * 5
    for way in 1e-4 * rng.normal(size=(20, 3)):
        change = wound(positions + way, cell) - wound(positions, cell)
        assert 0.3 < np.linalg.norm(change) / np.linalg.norm(way) < 3.0
