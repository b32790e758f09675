"""The lattice without bounds."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from ipi_mtd.bias.blocks import Blocks


def test_the_size_of_the_blocks_does_not_show() -> None:
    rng = np.random.default_rng(1)
    runs = [(rng.integers(-40, 40, 2), rng.normal(size=(1, 13, 9, 1))) for _ in range(20)]
    box = [np.arange(-50, 60), np.arange(-50, 60)]
    seen = []
    for cells in ((1, 1), (4, 7), (16, 16), (1000, 3)):
        blocks = Blocks(cells, (False, False), 1, height=1.0)
        for first, values in runs:
            blocks.add(first.tolist(), values)
        at_cells = [blocks.corners((i, j)) for i in range(-39, 40) for j in range(-39, 40)]
        seen.append((blocks.read(box), [c or [(0.0,)] * 4 for c in at_cells]))
    for values, at_cells in seen[1:]:
        np.testing.assert_array_equal(values, seen[0][0])
        assert at_cells == seen[0][1]


def test_a_block_appears_only_where_something_is_added() -> None:
    blocks = Blocks((8,), (False,), 1, height=1.0)
    blocks.add([10**9 + 1], np.ones((1, 3, 1)))
    assert blocks.n_nodes == 9
    assert blocks.corners([0]) is None


@pytest.mark.parametrize("first", [-23, -1, 0, 3, 9, 10, 57])
def test_a_run_around_a_period_touches_each_node_once(first: int) -> None:
    blocks = Blocks((10,), (True,), 1, height=1.0)
    blocks.add([first], np.ones((1, 10, 1)))
    np.testing.assert_array_equal(blocks.read([np.arange(-5, 25)]), np.ones(30))
    assert blocks.corners([9]) == [(1.0,), (1.0,)]


def test_clear_forgets_everything() -> None:
    blocks = Blocks((8,), (False,), 1, height=1.0)
    blocks.add([0], np.ones((1, 3, 1)))
    blocks.clear()
    assert blocks.n_nodes == 0


def test_ten_million_numbers_on_one_node_add_up_to_the_last_bit_and_go_again() -> None:
    blocks = Blocks((4,), (False,), 1, height=0.7)
    million = np.full((10**6, 1, 1), 0.7)
    for _ in range(10):
        blocks.add([1], million)
    assert blocks.read([np.array([1])]).tolist() == [float(10**7 * Fraction(0.7))]
    for _ in range(10):
        blocks.add([1], -million)
    assert blocks.read([np.array([1])]).tolist() == [0.0]


def test_a_sum_of_coarse_parts_that_would_not_be_exact_is_an_error() -> None:
    blocks = Blocks((4,), (False,), 2, height=0.7)
    full = np.array([[[1.0, -0.9 * 2.0**25]]])
    blocks.add([1], full)
    for too_much in (full, -2.0 * full, 1e300 * full, math.inf * full, math.nan * full):
        with pytest.raises(ValueError, match=r"may reach .* holds up to 3.36e\+07"):
            blocks.add([1], too_much)
    corners = blocks.corners([1])
    assert corners is not None
    assert corners[0] == (1.0, -0.9 * 2.0**25)


def test_a_sum_of_fine_parts_that_would_not_be_exact_is_an_error() -> None:
    blocks = Blocks((4,), (False,), 1, height=0.7)
    half = np.full((2**22, 1, 1), 2.0**-29)  # rounded to no coarse quantum: all of it is fine
    for _ in range(16):
        blocks.add([1], half)
    assert blocks.read([np.array([1])]).tolist() == [2.0**-3]
    with pytest.raises(ValueError, match="may reach"):
        blocks.add([1], half[:1])
    assert blocks.read([np.array([1])]).tolist() == [2.0**-3]


def test_what_was_taken_back_makes_room() -> None:
    blocks = Blocks((4,), (False,), 1, height=0.7)
    for _ in range(10):
        blocks.add([1], np.full((1, 2, 1), 2.0**23))
        blocks.add([1], np.full((1, 2, 1), -(2.0**23)))
    assert blocks.read([np.array([1])]).tolist() == [0.0]


def test_there_is_room_again_once_everything_is_forgotten() -> None:
    blocks = Blocks((4,), (False,), 1, height=0.7)
    for _ in range(3):
        blocks.add([1], np.full((1, 1, 1), 0.9 * 2.0**25))
        blocks.clear()
    assert blocks.n_nodes == 0
