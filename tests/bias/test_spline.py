"""The interpolation between nodes."""

from __future__ import annotations

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.spline import hermite, interpolate_1, interpolate_2, interpolate_3

SPLINES = {1: interpolate_1, 2: interpolate_2, 3: interpolate_3}
H = 0.2


def corners(d: int) -> FloatArray:
    """Made-up values and slopes at the corners of a cell, the values away from zero.

    The slopes are times the spacing.
    """
    rng = np.random.default_rng(d)
    return np.column_stack([rng.uniform(1.0, 2.0, 2**d), rng.normal(size=(2**d, d))])


def value(d: int, t: FloatArray) -> float:
    weights = [hermite(x, H) for x in t.tolist()]
    return SPLINES[d](corners(d).tolist(), 1e-7, *weights)[0]


def gradient(d: int, t: FloatArray) -> list[float]:
    weights = [hermite(x, H) for x in t.tolist()]
    return SPLINES[d](corners(d).tolist(), 1e-7, *weights)[1]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_corner_gets_its_own_value_and_slopes(d: int) -> None:
    for i, node in enumerate(corners(d)):
        t = np.array(np.unravel_index(i, (2,) * d), dtype=float)
        slopes = H * np.array(gradient(d, t))
        np.testing.assert_allclose([value(d, t), *slopes], node, rtol=1e-13)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradient_is_the_derivative_of_the_value(d: int) -> None:
    step = 1e-5
    for t in np.random.default_rng(0).uniform(0.1, 0.9, (20, d)):
        central = [
            (value(d, t + step * axis) - value(d, t - step * axis)) / (2.0 * step * H)
            for axis in np.eye(d)
        ]
        np.testing.assert_allclose(gradient(d, t), central, rtol=1e-7, atol=1e-7)


def test_a_cubic_is_interpolated_exactly() -> None:
    slopes = (2.0 * H, (2.0 - 6.0 * H + 3.0 * H**2) * H)
    nodes = [(1.0, slopes[0]), (1.0 + 2.0 * H - 3.0 * H**2 + H**3, slopes[1])]
    x = 0.3 * H
    V, dV = interpolate_1(nodes, 1e-7, hermite(0.3, H))
    assert pytest.approx(1.0 + 2.0 * x - 3.0 * x**2 + x**3, rel=1e-14) == V
    assert dV[0] == pytest.approx(2.0 - 6.0 * x + 3.0 * x**2, rel=1e-14)


def test_the_slopes_of_a_tiny_value_count_as_zero() -> None:
    V, _ = interpolate_1([(1e-8, 5.0), (0.0, 5.0)], 1e-7, hermite(0.5, H))
    assert pytest.approx(0.5e-8, rel=1e-14) == V
