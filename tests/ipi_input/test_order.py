"""The same points in another order, or in another unit, are recognized as that."""

import numpy as np
import pytest

from ipi_mtd.server.ipi_input.order import bohr_for_angstrom, first_misplaced

RNG = np.random.default_rng(5)
POINTS = RNG.uniform(0, 20, (30, 3))
CELL = np.array([[22.0, 0, 0], [3.0, 21.0, 0], [1.0, 2.0, 23.0]])
EVERYWHERE = np.ones(3, dtype=bool)
ISOLATED = ((np.eye(3), np.eye(3)), np.zeros(3, dtype=bool))
SWAPPED = np.array([*range(12), 20, *range(13, 20), 12, *range(21, 30)])


def test_points_in_their_places_are_in_order():
    assert first_misplaced(POINTS, POINTS, *ISOLATED) is None


def test_two_exchanged_points_are_found():
    assert first_misplaced(POINTS[SWAPPED], POINTS, *ISOLATED) == (12, 20)


def test_the_reverse_order_is_found_at_the_first_atom():
    assert first_misplaced(POINTS[::-1], POINTS, *ISOLATED) == (0, 29)


def test_a_shift_and_few_digits_hide_no_exchange():
    assert first_misplaced(np.round(POINTS[SWAPPED], 2) + 7.5, POINTS, *ISOLATED) == (12, 20)


def test_other_points_are_no_exchange():
    assert first_misplaced(POINTS[SWAPPED] + RNG.normal(0, 0.3, (30, 3)), POINTS, *ISOLATED) is None


def test_two_atoms_at_one_place_are_no_exchange():
    assert first_misplaced(POINTS[[1, 1, 0]], POINTS[:3], *ISOLATED) is None


def test_an_exchange_is_found_through_the_walls_of_a_cell():
    images = POINTS + RNG.integers(-2, 3, (30, 3)) @ CELL
    assert first_misplaced(images, POINTS, (CELL, CELL), EVERYWHERE) is None
    assert first_misplaced(images[SWAPPED], POINTS, (CELL, CELL), EVERYWHERE) == (12, 20)


def test_an_exchange_is_found_in_a_cell_that_is_turned():
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    turned = POINTS[SWAPPED] @ turn
    assert first_misplaced(turned, POINTS, (CELL @ turn, CELL), EVERYWHERE) == (12, 20)


def test_an_exchange_is_found_in_a_slab():
    images = POINTS + RNG.integers(-2, 3, (30, 3)) * [1, 1, 0] @ CELL + [0, 0, 4.0]
    cell = np.array([*CELL[:2], [0.0, 0.0, 1.0]])
    along_ab = np.array([True, True, False])
    assert first_misplaced(images, POINTS, (cell, cell), along_ab) is None
    assert first_misplaced(images[SWAPPED], POINTS, (cell, cell), along_ab) == (12, 20)


def test_points_on_the_wall_of_a_cell_are_those_on_the_other_side():
    wall = np.array([[0.0, 1.0, 1.0], [5.0, 5.0, 0.0]])
    other = np.array([[22.0 - 1e-12, 1.0, 1.0], [5.0, 5.0, 23.0 - 1e-12]])
    cell = np.diag([22.0, 21.0, 23.0])
    assert first_misplaced(wall, other, (cell, cell), EVERYWHERE) is None


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1.8897261, "1.8897 times"), (0.529177, "0.5292 times"), (1.0, None), (1.9, None), (10, None)],
)
def test_bohr_taken_for_angstrom_is_recognized(factor, words):
    assert bohr_for_angstrom(factor * POINTS, POINTS) == words


def test_one_atom_at_the_origin_is_in_any_unit():
    assert bohr_for_angstrom(np.zeros((1, 3)), np.zeros((1, 3))) is None
