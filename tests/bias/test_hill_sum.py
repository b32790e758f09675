"""The sum without a grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipi_mtd.bias import HillSum
from ipi_mtd.bias.kernel import Kernel, gaussian, stretched_gaussian


def test_cells_leave_no_hill_out() -> None:
    rng = np.random.default_rng(7)
    bias = HillSum([None, (0.0, 5.0), None, None], [0.5] * 4)
    center, sigma = rng.uniform(0.0, 5.0, (300, 4)), rng.uniform(0.3, 1.5, (300, 4))
    for c, width in zip(center, sigma, strict=True):
        bias.add(c.tolist(), width.tolist(), 1.0)
    for s in rng.uniform(-1.0, 6.0, (50, 4)):
        away = s - center
        away[:, 1] -= 5.0 * np.round(away[:, 1] / 5.0)
        d = 0.5 * ((away / sigma) ** 2).sum(axis=1)
        cut = math.exp(-6.25)
        expected = ((np.exp(-d) - cut) / (1.0 - cut))[d < 6.25].sum()
        assert bias.evaluate(s)[0] == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_a_sum_on_no_cv_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        HillSum([], [])


@pytest.mark.parametrize(
    ("sigma", "message"),
    [([0.3], "one width for each of the 2 CVs, got 1"), ([0.3, 0.0], "positive")],
)
def test_cells_of_no_width_are_refused(sigma: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HillSum([None, None], sigma)


@pytest.mark.parametrize(
    ("center", "sigma", "height", "kernel"),
    [
        (0.1 + 2e-17, 0.3, 0.4, stretched_gaussian),
        (0.1, 0.2, 0.4, stretched_gaussian),
        (0.1, 0.3, -0.4, stretched_gaussian),
        (0.1, 0.3, 0.4, gaussian),
        (40.0, 0.3, 0.4, stretched_gaussian),
    ],
)
def test_a_hill_that_is_not_there_cannot_be_taken_back(
    center: float, sigma: float, height: float, kernel: Kernel
) -> None:
    bias = HillSum([None], [0.3])
    bias.add([0.1], [0.3], 0.4)
    with pytest.raises(ValueError, match="no hill of height"):
        bias.remove([center], [sigma], height, kernel)
    assert bias.evaluate([0.1])[0] == pytest.approx(0.4, rel=1e-15)


def test_the_widths_that_the_cells_are_made_for_change_no_value() -> None:
    rng = np.random.default_rng(7)
    narrow, wide = HillSum([None, None], [0.02, 0.1]), HillSum([None, None], [3.0, 3.0])
    for center in rng.normal(0.0, 0.5, (50, 2)).tolist():
        narrow.add(center, [0.2, 0.3], 1.0)
        wide.add(center, [0.2, 0.3], 1.0)
    for s in rng.normal(0.0, 0.5, (20, 2)):
        (V, dV_ds), (V_wide, dV_ds_wide) = narrow.evaluate(s), wide.evaluate(s)
        assert pytest.approx(V_wide, rel=1e-13, abs=1e-15) == V
        np.testing.assert_allclose(dV_ds, dV_ds_wide, rtol=1e-12, atol=1e-13)
