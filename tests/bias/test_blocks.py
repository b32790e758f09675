"""The lattice without bounds."""

from __future__ import annotations

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
