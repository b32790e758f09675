"""What holds for the hills on a grid and for their sum alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Grid, HillSum
from ipi_mtd.bias.kernel import gaussian, stretched_gaussian
from ipi_mtd.periods import Period

PERIOD = (-1.0, 2.0)
Surface = Grid | HillSum


def grid(*periods: Period) -> Grid:
    return Grid([-1.0] * len(periods), [0.05] * len(periods), periods, height=1.0)


def hill_sum(*periods: Period) -> HillSum:
    return HillSum(periods, [0.3] * len(periods))


each_surface = pytest.mark.parametrize("surface_on", [grid, hill_sum])
MakeSurface = Callable[..., Surface]


def add_some(surface: Surface, d: int) -> None:
    """Thirty hills of different widths and heights, around 0.5."""
    rng = np.random.default_rng(d)
    for _ in range(30):
        center, sigma = rng.normal(0.5, 0.3, d), rng.uniform(0.2, 0.4, d)
        surface.add(center.tolist(), sigma.tolist(), rng.uniform(0.5, 1.0))


def numbers(result: tuple[float, FloatArray]) -> list[float]:
    return [result[0], *result[1]]


@each_surface
def test_where_no_hill_has_been_there_is_no_bias(surface_on: MakeSurface) -> None:
    surface = surface_on(None, None)
    assert numbers(surface.evaluate([0.1, 0.2])) == [0.0, 0.0, 0.0]
    add_some(surface, 2)
    assert numbers(surface.evaluate([1e8, -1e8])) == [0.0, 0.0, 0.0]


@each_surface
@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradient_is_the_derivative_of_the_value(surface_on: MakeSurface, d: int) -> None:
    surface = surface_on(*[None] * d)
    add_some(surface, d)
    # In the middle of grid cells, so that no difference is taken across a node.
    cells = np.random.default_rng(5).integers(20, 40, (10, d))
    step = 1e-5
    for s in -1.0 + 0.05 * (cells + 0.4):
        central = [
            (surface.evaluate(s + step * axis)[0] - surface.evaluate(s - step * axis)[0])
            / (2.0 * step)
            for axis in np.eye(d)
        ]
        np.testing.assert_allclose(surface.evaluate(s)[1], central, rtol=1e-6, atol=1e-6)


@each_surface
def test_value_and_gradient_are_continuous_between_cells(surface_on: MakeSurface) -> None:
    surface = surface_on(None, None)
    add_some(surface, 2)
    for border in -1.0 + 0.05 * np.arange(15, 45):
        below = numbers(surface.evaluate([border - 1e-9, 0.512]))
        above = numbers(surface.evaluate([border + 1e-9, 0.512]))
        np.testing.assert_allclose(below, above, atol=1e-6)


@each_surface
@seed(0)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    s=st.floats(-1.0, 2.0),
    center=st.floats(-1.0, 2.0),
    sigma=st.floats(0.1, 2.0),
    image=st.integers(-3, 3),
)
def test_every_image_of_a_periodic_cv_feels_the_same_bias(
    surface_on: MakeSurface, s: float, center: float, sigma: float, image: int
) -> None:
    surface = surface_on(PERIOD)
    surface.add([center], [sigma], 1.0)
    here, there = surface.evaluate([s]), surface.evaluate([s + 3.0 * image])
    np.testing.assert_allclose(here[0], there[0], atol=1e-12)


@each_surface
def test_a_hill_at_the_border_of_a_period_reaches_across(surface_on: MakeSurface) -> None:
    surface = surface_on(PERIOD)
    surface.add([1.9], [0.2], 1.0)
    V_across, dV_across = surface.evaluate([-0.9])
    V_this_side, dV_this_side = surface.evaluate([1.7])
    assert V_across == pytest.approx(V_this_side, rel=1e-4)
    assert dV_across[0] == pytest.approx(-dV_this_side[0], rel=1e-2)


@each_surface
@pytest.mark.parametrize("periods", [(None,), (PERIOD, None)])
def test_on_a_box_the_values_are_those_of_its_nodes(
    surface_on: MakeSurface, periods: tuple[Period, ...]
) -> None:
    surface = surface_on(*periods)
    d = len(periods)
    add_some(surface, d)
    V = surface.on([-1.0] * d, [2.0] * d, [30] * d)
    assert V.shape == tuple({None: 31, PERIOD: 30}[period] for period in periods)
    for node in np.random.default_rng(2).integers(0, 30, (20, d)):
        expected = surface.evaluate(-1.0 + 0.1 * node)[0]
        np.testing.assert_allclose(V[tuple(node)], expected, rtol=1e-10, atol=1e-12)


@each_surface
def test_clear_leaves_a_new_surface(surface_on: MakeSurface) -> None:
    surface, new = surface_on(None), surface_on(None)
    surface.add([0.0], [3.0], 1.0)
    surface.clear()
    assert numbers(surface.evaluate([0.0])) == [0.0, 0.0]
    add_some(surface, 1)
    add_some(new, 1)
    assert numbers(surface.evaluate([0.5])) == numbers(new.evaluate([0.5]))


@each_surface
def test_the_wrong_number_of_cvs_is_an_error(surface_on: MakeSurface) -> None:
    with pytest.raises(ValueError, match=r"argument|CVs"):
        surface_on(None, None).evaluate([0.0])


@each_surface
def test_a_cv_that_is_not_a_number_is_an_error(surface_on: MakeSurface) -> None:
    surface = surface_on(None)
    surface.add([0.0], [1.0], 1.0)
    with pytest.raises(ValueError, match="NaN"):
        surface.evaluate([math.nan])


@each_surface
def test_hills_of_both_kernels_add_up(surface_on: MakeSurface) -> None:
    surface = surface_on(None)
    hills = [(0.0, 0.2, 1.0, gaussian), (0.1, 0.3, 0.5, stretched_gaussian)]
    hills += [(0.4, 0.2, 0.7, gaussian), (-0.2, 0.1, 0.3, stretched_gaussian)]
    for center, sigma, height, kernel in hills:
        surface.add([center], [sigma], height, kernel)
    for s in np.linspace(-0.6, 0.9, 31):  # nodes of the grid
        V = sum(h * kernel(np.array(0.5 * ((s - c) / w) ** 2))[0] for c, w, h, kernel in hills)
        assert surface.evaluate([s])[0] == pytest.approx(float(V), abs=1e-12)


@each_surface
def test_a_cut_gaussian_pulls_with_its_own_slope(surface_on: MakeSurface) -> None:
    surface = surface_on(None)
    surface.add([0.0], [0.2], 2.0, gaussian)
    for s in (0.05, 0.3, 0.65):
        slope = -2.0 * s / 0.04 * math.exp(-0.5 * (s / 0.2) ** 2)
        assert surface.evaluate([s])[1][0] == pytest.approx(slope, rel=1e-12)
