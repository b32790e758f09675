"""Walls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.bias import Walls
from ipi_mtd.errors import UserError


def test_within_the_walls_there_is_no_force() -> None:
    for walls, inside in (
        (Walls("upper", at=[1.0], kappa=[2.0]), [0.999]),
        (Walls("lower", at=[1.0], kappa=[2.0]), [1.001]),
    ):
        V, dV_ds = walls.evaluate(inside)
        assert [V, *dV_ds] == [0.0, 0.0]


def test_an_upper_and_a_lower_wall_push_back() -> None:
    upper = Walls("upper", at=[1.0], kappa=[2.0])
    lower = Walls("lower", at=[-1.0], kappa=[2.0])
    assert upper.evaluate([1.5])[0] == lower.evaluate([-1.5])[0] == 0.5
    assert upper.evaluate([1.5])[1][0] == -lower.evaluate([-1.5])[1][0] == 2.0


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(s=st.floats(1.1, 5.0), exponent=st.floats(1.5, 6.0), eps=st.floats(0.3, 3.0))
def test_slope_is_the_derivative_of_the_energy(s: float, exponent: float, eps: float) -> None:
    walls = Walls("upper", at=[1.0], kappa=[2.0], exp=[exponent], eps=[eps])
    step = 1e-5
    central = (walls.evaluate([s + step])[0] - walls.evaluate([s - step])[0]) / (2.0 * step)
    np.testing.assert_allclose(walls.evaluate([s])[1][0], central, rtol=1e-5)


def test_a_wall_on_a_periodic_cv_acts_across_the_border() -> None:
    walls = Walls("upper", at=[3.1], kappa=[2.0], periods=[(-math.pi, math.pi)])
    beyond = 2.0 * math.pi - 3.0 - 3.1
    assert walls.evaluate([-3.0])[0] == pytest.approx(2.0 * beyond**2, rel=1e-12)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"at": [0.0], "kappa": [1.0, 2.0]}, "kappa needs one entry for each of the 1 CVs, got 2"),
        ({"at": [0.0], "kappa": [1.0], "eps": [0.0]}, "eps must be positive"),
        ({"at": [], "kappa": []}, "at least one"),
    ],
)
def test_walls_that_make_no_sense_are_refused(
    columns: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Walls("upper", **columns)


def test_a_wall_is_upper_or_lower() -> None:
    with pytest.raises(ValueError, match="upper or lower"):
        Walls("left", at=[0.0], kappa=[1.0])


def test_a_wall_too_steep_for_numbers_is_a_user_error() -> None:
    with pytest.raises(
        UserError, match="the wall at 1 has no finite energy where its CV is 24: 23"
    ):
        Walls("upper", at=[1.0], kappa=[1.0], exp=[300.0]).evaluate([24.0])
