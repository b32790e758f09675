"""The grid: how it grows, how well it interpolates, what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Grid, HillSum
from ipi_mtd.bias.hill_in_bias import HillInBias
from ipi_mtd.bias.kernel import stretched_gaussian
from ipi_mtd.periods import Period


def random_walk(n: int, d: int) -> FloatArray:
    rng = np.random.default_rng(3)
    return np.cumsum(rng.normal(0.0, 0.35, (n, d)), axis=0)


def largest_errors(grid: Grid, exact: HillSum, points: FloatArray) -> tuple[float, float]:
    """The largest errors of V and of dV/ds."""
    errors = [
        (abs(on_grid[0] - true[0]), np.abs(on_grid[1] - true[1]).max())
        for on_grid, true in ((grid.evaluate(s), exact.evaluate(s)) for s in points)
    ]
    worst_V, worst_dV = np.max(errors, axis=0)
    return float(worst_V), float(worst_dV)


@pytest.mark.parametrize(
    ("d", "cells_per_sigma", "V_error", "dV_error"),
    [(1, 5, 3e-4, 1e-2), (1, 10, 2e-4, 1e-2), (2, 5, 3e-3, 0.15), (2, 10, 1e-3, 0.08)],
)
def test_interpolation_errors_where_the_hills_are(
    d: int, cells_per_sigma: int, V_error: float, dV_error: float
) -> None:
    """In units of a height and of a height over sigma; the table is in Grid's docstring."""
    grid = Grid([0.0] * d, [1.0 / cells_per_sigma] * d, [None] * d, height=1.0)
    exact = HillSum([None] * d, [1.0] * d)
    walk = random_walk(100, d)
    for s in walk:
        grid.add(s, [1.0] * d, 1.0)
        exact.add(s, [1.0] * d, 1.0)
    near = np.random.default_rng(4).normal(0.0, 0.35, walk.shape)
    V, dV = largest_errors(grid, exact, walk + near)
    assert V_error > V
    assert dV < dV_error


def test_a_larger_tiny_takes_the_spikes_from_the_rim_of_a_hill() -> None:
    center = [0.3, 0.4]
    on_the_circle = np.sqrt(12.5) * (1.0 - 1e-5) * np.sqrt([0.5, 0.5])
    origin = center + on_the_circle  # a node that the hill only just reaches
    points = origin - np.random.default_rng(1).uniform(0.0, 0.2, (200, 2))
    exact = HillSum([None, None], [1.0, 1.0])
    exact.add(center, [1.0, 1.0], 1.0)
    plumeds, larger = (
        Grid(origin.tolist(), [0.2, 0.2], [None, None], 1.0, tiny=t) for t in (1e-7, 1e-4)
    )
    plumeds.add(center, [1.0, 1.0], 1.0)
    larger.add(center, [1.0, 1.0], 1.0)
    assert largest_errors(plumeds, exact, points)[0] > 0.01
    assert largest_errors(larger, exact, points)[0] < 5e-4


def test_hills_a_million_sigma_apart_take_little_memory() -> None:
    grid = Grid([0.0, 0.0], [0.2, 0.2], [None, None], height=1.0)
    for place in ((0.0, 0.0), (1e6, 0.0), (-1e6, 1e6)):
        grid.add(place, [1.0, 1.0], 1.0)
        assert grid.evaluate(place)[0] == pytest.approx(1.0, abs=1e-6)
    assert grid.n_nodes < 30_000


def test_growing_changes_no_bit_of_what_was_there() -> None:
    grid = Grid([0.0, 0.0], [0.2, 0.2], [None, None], height=1.0)
    walk = random_walk(20, 2)
    for s in walk:
        grid.add(s, [1.0, 1.0], 1.0)
    before = [(V, *dV) for V, dV in map(grid.evaluate, walk)]
    for far in range(100, 200, 3):
        grid.add([far, -far], [1.0, 1.0], 1.0)
    assert [(V, *dV) for V, dV in map(grid.evaluate, walk)] == before


def test_where_the_grid_grew_first_changes_no_bit() -> None:
    walk = random_walk(20, 2)
    plain, grown_before = (Grid([0.0, 0.0], [0.2, 0.2], [None, None], 1.0) for _ in range(2))
    for s in walk[::-1]:
        grown_before.add(s, [3.0, 1.0], 0.0)
    for s in walk:
        plain.add(s, [1.0, 1.0], 1.0)
        grown_before.add(s, [1.0, 1.0], 1.0)
    for s in walk:
        (V, dV), (V_grown, dV_grown) = plain.evaluate(s), grown_before.evaluate(s)
        assert (V, *dV) == (V_grown, *dV_grown)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_node_holds_the_exact_sum_to_the_last_bit(d: int) -> None:
    grid = Grid([0.0] * d, [0.2] * d, [None] * d, height=0.5)
    hills = [(*s, h) for *s, h in np.random.default_rng(6).uniform(0.01, 1.0, (200, d + 1))]
    for *center, height in hills:
        grid.add(center, [1.0] * d, height)
    nodes = 0.2 * np.random.default_rng(7).integers(-5, 10, (20, d))
    for node in nodes:
        away = [0.5 * np.square(node - s).cumsum()[-1:] for *s, _ in hills]
        terms = [h * stretched_gaussian(a)[0][0] for (*_, h), a in zip(hills, away, strict=True)]
        V, _ = grid.evaluate(node)
        # half a quantum of 2^-56 for each hill, and the last bit of the sum
        assert abs(V - math.fsum(terms)) <= len(hills) * 2.0**-57 + np.spacing(V)


def test_a_million_hills_at_a_time_fill_the_grid_and_then_are_an_error() -> None:
    grid = Grid([0.0], [0.2], [None], height=0.7)
    million: HillInBias = ([0.0], [1.0], 0.7e6, stretched_gaussian)
    for n in range(1, 41):
        grid.add(*million)
        assert grid.evaluate([0.0])[0] == pytest.approx(n * 0.7e6, rel=1e-15)
    before = [(V, *dV) for V, dV in map(grid.evaluate, [[0.05], [0.31]])]
    for height in (7e6, -7e7, 1e300):
        with pytest.raises(ValueError, match=r"made for 0\.7"):
            grid.add([0.1], [1.0], height)
    with pytest.raises(ValueError, match=r"made for 0\.7"):
        grid.add_all([million] * 10)
    assert [(V, *dV) for V, dV in map(grid.evaluate, [[0.05], [0.31]])] == before
    grid.remove(*million)
    grid.add(*million)
    assert [(V, *dV) for V, dV in map(grid.evaluate, [[0.05], [0.31]])] == before


def test_far_more_hills_than_one_node_holds_fit_on_many() -> None:
    grid = Grid([0.0], [0.2], [None], height=0.7)
    for place in range(20):
        grid.add([100.0 * place], [1.0], 0.7e7)
    assert grid.evaluate([0.0])[0] == grid.evaluate([1900.0])[0] == pytest.approx(0.7e7)


def test_a_hill_between_the_nodes_is_not_there() -> None:
    grid = Grid([0.0, 0.0], [0.2, 0.2], [None, None], height=1.0)
    hill: HillInBias = ([0.1, 0.1], [0.01, 1.0], 1.0, stretched_gaussian)
    grid.add(*hill)
    grid.add_all([hill, hill])
    assert grid.evaluate([0.1, 0.1])[0] == 0.0


def test_a_spacing_that_nearly_divides_the_period_is_made_exact() -> None:
    grid = Grid([-math.pi], [0.0628318531], [(-math.pi, math.pi)], height=1.0)
    assert grid.n_cells == (100,)
    assert grid.spacing == (2.0 * math.pi / 100,)


@pytest.mark.parametrize(
    ("origin", "spacing", "periods", "message"),
    [
        ([], [], [], "at least one"),
        ([0.0], [0.1, 0.1], [None], "1 spacings"),
        ([0.0], [0.0], [None], "spacing of a grid must be positive"),
        ([0.0], [math.nan], [None], "spacing of a grid must be positive"),
        ([math.inf], [0.1], [None], "origin"),
        ([0.0], [0.7], [(0.0, 1.0)], "not a whole number"),
        ([0.0], [0.1], [(1.0, 0.0)], "above the lower"),
        ([0.0] * 4, [0.1] * 4, [None] * 4, "one to three CVs, got 4"),
    ],
)
def test_a_lattice_that_makes_no_sense_is_refused(
    origin: list[float], spacing: list[float], periods: list[Period], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Grid(origin, spacing, periods, height=1.0)


@pytest.mark.parametrize(
    ("lower", "upper", "bins", "message"),
    [
        (0.05, 1.0, 10, "do not fall on the nodes"),
        (0.0, 1.0, 7, "do not fall on the nodes"),
        (1.0, 0.0, 10, "a box needs"),
        (0.0, 1.0, 0, "a box needs"),
    ],
)
def test_a_box_off_the_nodes_is_refused(
    lower: float, upper: float, bins: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Grid([0.0], [0.1], [None], height=1.0).on([lower], [upper], [bins])


def test_a_box_on_a_part_of_a_period_is_refused() -> None:
    with pytest.raises(ValueError, match="whole period"):
        Grid([0.0], [0.1], [(0.0, 1.0)], height=1.0).on([0.0], [0.5], [5])
