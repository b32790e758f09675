"""The row of HILLS and the shape of a hill."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipi_mtd.bias.kernel import gaussian, stretched_gaussian
from ipi_mtd.files.hills import Hill


def test_kernel_is_one_at_the_center_and_zero_from_the_cutoff_on() -> None:
    K, _ = stretched_gaussian(np.array([0.0, 6.25, 7.0, 1e6]))
    np.testing.assert_allclose(K, [1.0, 0.0, 0.0, 0.0], rtol=1e-15)


def test_kernel_ends_without_a_jump() -> None:
    K, _ = stretched_gaussian(np.array([6.25 * (1.0 - 1e-12)]))
    np.testing.assert_allclose(K, 0.0, atol=1e-13)


def test_kernel_has_plumeds_constants() -> None:
    K, _ = stretched_gaussian(np.array([1.0]))
    expected = 1.00193418799744762399 * math.exp(-1.0) - 0.00193418799744762399
    np.testing.assert_allclose(K, expected, rtol=1e-15)


def test_slope_of_the_kernel_is_its_derivative() -> None:
    d = np.linspace(0.1, 6.0, 50)
    step = 1e-5
    central = (stretched_gaussian(d + step)[0] - stretched_gaussian(d - step)[0]) / (2.0 * step)
    np.testing.assert_allclose(stretched_gaussian(d)[1], central, rtol=1e-7)


def test_kernel_of_plumed_before_2_8_is_a_gaussian_that_is_cut() -> None:
    d = np.array([0.0, 1.0, 6.2, 6.25, 7.0])
    K, dK_dd = gaussian(d)
    exact = np.exp(-d) * [1, 1, 1, 0, 0]
    np.testing.assert_allclose(K, exact, rtol=1e-15)
    np.testing.assert_allclose(dK_dd, -exact, rtol=1e-15)


@pytest.mark.parametrize(
    ("center", "sigma", "height", "message"),
    [
        ((0.0, 0.0), (1.0,), 1.0, "one width for each CV"),
        ((math.nan,), (1.0,), 1.0, "finite"),
        ((0.0,), (1.0,), math.inf, "finite"),
        ((0.0,), (0.0,), 1.0, "must be positive"),
    ],
)
def test_a_row_that_is_no_hill_is_refused(
    center: tuple[float, ...], sigma: tuple[float, ...], height: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Hill(center, sigma, height)
