"""The same hills give the same bits, in whatever order they came and whatever came and went."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.bias import Grid, HillSum
from ipi_mtd.bias.hill_in_bias import HillInBias
from ipi_mtd.bias.kernel import Kernel, gaussian, stretched_gaussian
from ipi_mtd.periods import Period

PERIOD = (-1.0, 2.0)
CVS: dict[str, tuple[Period, ...]] = {
    "1 CV": (None,),
    "1 periodic": (PERIOD,),
    "2 CVs": (None, None),
    "2 CVs, 1 periodic": (PERIOD, None),
    "3 CVs, 1 periodic": (None, PERIOD, None),
}
KERNELS = (gaussian, stretched_gaussian, Kernel("blunt", 0.1))  # two add up in any order
Surface = Grid | HillSum
MakeSurface = Callable[[Sequence[Period]], Surface]


def grid(periods: Sequence[Period]) -> Grid:
    return Grid([-1.0] * len(periods), [0.1] * len(periods), periods, height=0.7)


def hill_sum(periods: Sequence[Period]) -> HillSum:
    return HillSum(periods, [0.3] * len(periods))


each_surface = pytest.mark.parametrize("surface_on", [grid, hill_sum])
each_set_of_cvs = pytest.mark.parametrize("periods", CVS.values(), ids=CVS.keys())


def mixed_hills(n: int, d: int) -> list[HillInBias]:
    """Hills of any width, of heights from -1 to 1 and down to 1e-9, and of three kernels.

    One in three has the same widths as others and reaches the same nodes; one in ten is there
    twice.
    """
    rng = np.random.default_rng(n + d)
    hills: list[HillInBias] = []
    for _ in range(n):
        center, sigma = rng.uniform(-1.5, 2.5, d), rng.uniform(0.04, 0.6, d)
        near = rng.uniform(0.41, 0.42, d)
        center, sigma = [(center, sigma), (center, sigma), (near, np.full(d, 0.3))][rng.integers(3)]
        height = rng.uniform(-1.0, 1.0) * [1.0, 1.0, 1e-9][rng.integers(3)]
        kernel = KERNELS[rng.integers(3)]
        hill = (tuple(center.tolist()), tuple(sigma.tolist()), height, kernel)
        hills.extend([hill] * [1, 1, 1, 1, 1, 1, 1, 1, 1, 2][rng.integers(10)])
    return hills


def shuffled(hills: Sequence[HillInBias], seed: int) -> list[HillInBias]:
    return [hills[i] for i in np.random.default_rng(seed).permutation(len(hills))]


def bits(surface: Surface) -> bytes:
    """All bits of V and of dV/ds at a hundred points, and of V on a box."""
    d = len(surface.lengths)
    points = np.random.default_rng(8).uniform(-2.0, 3.0, (100, d))
    numbers = [np.array([V, *dV_ds]) for V, dV_ds in map(surface.evaluate, points)]
    box = surface.on([-1.0] * d, [2.0] * d, [{1: 30, 2: 15, 3: 5}[d]] * d)
    return np.concatenate([*numbers, box.ravel()]).tobytes()


@each_surface
@each_set_of_cvs
def test_any_order_gives_the_same_bits(surface_on: MakeSurface, periods: Sequence[Period]) -> None:
    hills = mixed_hills(60, len(periods))
    seen = set()
    for seed in range(5):
        surface = surface_on(periods)
        for hill in shuffled(hills, seed):
            surface.add(*hill)
        seen.add(bits(surface))
    assert len(seen) == 1


@each_surface
@each_set_of_cvs
def test_hills_added_in_bulk_have_the_bits_of_one_after_the_other(
    surface_on: MakeSurface, periods: Sequence[Period]
) -> None:
    hills = mixed_hills(90, len(periods))
    one_by_one, at_once, in_parts = (surface_on(periods) for _ in range(3))
    for hill in hills:
        one_by_one.add(*hill)
    at_once.add_all(shuffled(hills, 1))
    in_parts.add_all(hills[40:])
    in_parts.add(*hills[0])
    in_parts.add_all(iter(hills[1:40]))
    in_parts.add_all([])
    assert bits(at_once) == bits(in_parts) == bits(one_by_one)


@each_surface
@each_set_of_cvs
def test_hills_taken_back_leave_no_trace(
    surface_on: MakeSurface, periods: Sequence[Period]
) -> None:
    hills = mixed_hills(60, len(periods))
    never, taken_back = surface_on(periods), surface_on(periods)
    never.add_all(hills[:25])
    taken_back.add_all(shuffled(hills, 1))
    for hill in shuffled(hills[25:], 2):
        taken_back.remove(*hill)
    assert bits(taken_back) == bits(never)


@each_surface
@each_set_of_cvs
def test_where_every_hill_was_taken_back_there_is_exactly_no_bias(
    surface_on: MakeSurface, periods: Sequence[Period]
) -> None:
    surface = surface_on(periods)
    hills = mixed_hills(30, len(periods))
    surface.add_all(hills)
    assert any(bits(surface))
    for hill in shuffled(hills, 1):
        surface.remove(*hill)
    assert not any(bits(surface))  # not one bit: no -0 either


@each_surface
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30),
    order=st.permutations(range(10)),
)
def test_any_history_of_adding_and_taking_back_is_forgotten(
    surface_on: MakeSurface, steps: list[tuple[int, bool]], order: list[int]
) -> None:
    hills = mixed_hills(10, 1)[:10]
    lived = surface_on([PERIOD])
    there = [0] * 10
    for k, takes_back in steps:
        change = -1 if takes_back and there[k] else 1
        {1: lived.add, -1: lived.remove}[change](*hills[k])
        there[k] += change
    new = surface_on([PERIOD])
    for k in order:
        new.add_all([hills[k]] * there[k])
    assert bits(lived) == bits(new)


@each_surface
def test_every_copy_of_a_hill_counts_and_is_taken_back_alone(surface_on: MakeSurface) -> None:
    once, twice = surface_on([None]), surface_on([None])
    once.add([0.5], [0.3], 0.4)
    twice.add_all([([0.5], [0.3], 0.4, stretched_gaussian)] * 2)
    assert twice.evaluate([0.5])[0] == 2.0 * once.evaluate([0.5])[0]
    twice.remove([0.5], [0.3], 0.4)
    assert bits(twice) == bits(once)


@each_surface
@pytest.mark.parametrize(
    ("center", "sigma", "height", "message"),
    [
        (math.nan, 0.3, 1.0, "finite"),
        (-math.inf, 0.3, 1.0, "finite"),
        (0.0, 0.3, math.nan, "finite"),
        (0.0, 0.3, math.inf, "finite"),
        (0.0, math.nan, 1.0, "positive"),
        (0.0, math.inf, 1.0, "positive"),
        (0.0, 0.0, 1.0, "positive"),
        (0.0, -0.3, 1.0, "positive"),
    ],
)
def test_numbers_that_would_spoil_the_sum_are_refused(
    surface_on: MakeSurface, center: float, sigma: float, height: float, message: str
) -> None:
    surface = surface_on([None])
    surface.add([0.1], [0.3], 0.4)
    before = bits(surface)
    hill: HillInBias = ([center], [sigma], height, stretched_gaussian)
    for change in (surface.add, surface.remove):
        with pytest.raises(ValueError, match=message):
            change(*hill)
    with pytest.raises(ValueError, match=message):
        surface.add_all([([0.1], [0.3], 0.4, stretched_gaussian), hill])
    assert bits(surface) == before
