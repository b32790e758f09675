"""The sum without a grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipi_mtd.bias import HillSum


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
