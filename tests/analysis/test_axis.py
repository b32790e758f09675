import math

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis, axes_of
from ipi_mtd.bias.kernel import REACH
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hills


def hills(names=("a", "b"), n=2):
    d = len(names)
    return Hills(
        names=tuple(names),
        periods=(None, (-math.pi, math.pi), None, None)[:d],
        times=np.arange(n, dtype=float),
        centers=np.outer(np.arange(n, dtype=float), np.ones(d)),
        sigmas=np.full((n, d), 0.1),
        heights=np.ones(n),
        bias_factors=np.full(n, 10.0),
        identity={},
        end=0,
    )


def test_an_open_axis_has_a_point_more_than_bins():
    np.testing.assert_array_equal(Axis("a", 0.0, 1.0, 4).points, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_a_periodic_axis_leaves_out_the_upper_bound():
    np.testing.assert_array_equal(
        Axis("a", 0.0, 1.0, 4, periodic=True).points, [0, 0.25, 0.5, 0.75]
    )


def test_by_default_an_axis_spans_all_hills_or_the_period_with_five_points_to_a_width():
    a, b = axes_of(hills())
    assert (a.lower, a.upper) == pytest.approx((-0.1 * REACH, 1.0 + 0.1 * REACH))
    assert (b.lower, b.upper, b.periodic) == (-math.pi, math.pi, True)
    assert a.spacing == pytest.approx(0.02, rel=0.02)
    assert b.bins == 300  # 315 would be five to a width


def test_bounds_and_bins_can_be_given_for_one_cv():
    a, b = axes_of(hills(), bounds={"a": (-2.0, 2.0)}, bins={"b": 7})
    assert (a.lower, a.upper, b.bins) == (-2.0, 2.0, 7)


@pytest.mark.parametrize("bounds", [(-math.pi, math.pi), (-3.141593, 3.1415927)])
def test_the_range_of_a_periodic_cv_may_be_its_period_with_a_number_of_bins(bounds):
    _, b = axes_of(hills(), bounds={"b": bounds}, bins={"b": 99})
    assert (b.lower, b.upper, b.bins, b.n_points) == (-math.pi, math.pi, 99, 99)


@pytest.mark.parametrize(
    ("case", "options", "complaint"),
    [
        (hills(n=0), {}, "there are no hills"),
        (hills("abcd"), {}, "one to three CVs, got 4"),
        (hills(), {"bins": {"x": 3}}, "no CV 'x'; the CVs are a, b"),
        (hills(), {"bounds": {"b": (0.0, 1.0)}}, "b is periodic"),
        (hills(), {"bounds": {"b": (0.0, 2 * math.pi)}}, "say b=-pi:pi:BINS .* got 0:6.28319"),
        (hills(), {"bounds": {"b": (-3.2, 3.2)}}, "b is periodic"),
        (hills(), {"bins": {"a": 10**6, "b": 10**6}}, "1000001 x 1000000 points is too large"),
        (hills(), {"bounds": {"a": (1.0, 0.0)}}, "a: the lower bound .* got 1 and 0"),
        (hills(), {"bounds": {"a": (0.0, math.inf)}}, "a: the bounds .* finite"),
        (hills(), {"bins": {"a": 0}}, "a: the grid needs at least one bin, got 0"),
    ],
)
def test_an_impossible_grid_is_a_user_error(case, options, complaint):
    with pytest.raises(UserError, match=complaint):
        axes_of(case, **options)
