import math

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.block_error import block_error
from ipi_mtd.errors import UserError

LINE = (Axis("a", 0.0, 10.0, 10),)
PLANE = (*LINE, Axis("b", 0.0, 5.0, 5))
KT = 2.5


def error_of(centers, blocks, bias=None, axes=LINE, onto=None):
    """Samples at points of the grid, so narrow that none reaches the next point."""
    samples = np.array(centers, dtype=float).reshape(len(centers), len(axes))
    bias = np.zeros([axis.n_points for axis in axes]) if bias is None else bias
    return block_error(axes, samples, np.full_like(samples, 0.1), bias, KT, blocks, onto)


def test_two_blocks_by_hand():
    # Left out in turn, the fractions at 2 are 1/4 and 3/4.
    error = error_of([2, 2, 2, 7, 2, 7, 7, 7], blocks=2)
    by_hand = KT * math.sqrt(0.5 * 2 * (0.5 * math.log(3.0)) ** 2)
    assert error[[2, 7]] == pytest.approx([by_hand, by_hand], rel=1e-12)


def test_blocks_that_agree_leave_no_error():
    assert error_of([2, 7, 7] * 6, blocks=6)[[2, 7]] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_nothing_is_said_where_fewer_than_two_blocks_have_been():
    error = error_of([2, 2, 3, 2, 2, 2], blocks=3)
    assert np.isnan(error).tolist() == [i != 2 for i in range(11)]


def test_independent_samples_have_the_binomial_error():
    n, p = 100_000, 0.3
    rng = np.random.default_rng(5)
    error = error_of(np.where(rng.random(n) < p, 2, 7), blocks=1000)
    exact = [KT * math.sqrt((1 - q) / (q * n)) for q in (p, 1 - p)]
    assert error[[2, 7]] == pytest.approx(exact, rel=0.06)


def test_correlated_samples_have_the_error_of_as_many_independent_ones():
    n, p, repeated = 1000, 0.3, 100
    rng = np.random.default_rng(6)
    centers = np.repeat(np.where(rng.random(n) < p, 2, 7), repeated)
    error = error_of(centers, blocks=200)
    exact = [KT * math.sqrt((1 - q) / (q * n)) for q in (p, 1 - p)]
    assert error[[2, 7]] == pytest.approx(exact, rel=0.15)


def test_the_bias_is_taken_off_before_blocks_are_compared():
    bias = np.zeros(11)
    bias[7] = 40.0 * KT  # unbiased, the run is at 7 all the time, and F(7) is certain
    error = error_of([2, 2, 2, 7, 2, 7, 7, 7], blocks=2, bias=bias)
    assert error[7] == pytest.approx(0.0, abs=1e-12)
    assert error[2] == pytest.approx(KT * math.sqrt(math.log(9.0) ** 2 / 4.0), rel=1e-12)


def test_a_projection_has_the_error_of_the_projected_samples():
    a = np.array([2, 2, 2, 7, 2, 7, 7, 7])
    plane = np.stack([a, [0, 1, 2, 3, 4, 5, 0, 1]], axis=1)
    np.testing.assert_allclose(
        error_of(plane, blocks=2, axes=PLANE, onto=["a"]), error_of(a, blocks=2), atol=1e-12
    )


@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_an_impossible_number_of_blocks_is_a_user_error(blocks):
    with pytest.raises(UserError, match=f"got {blocks} blocks and 3 samples"):
        error_of([1, 2, 3], blocks=blocks)
