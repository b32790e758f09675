"""Sums in whole quanta."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.fixed_point import FixedPoint


def numbers(n: int) -> FloatArray:
    """Of either sign and of sizes from 1e-25 to 1."""
    rng = np.random.default_rng(n)
    return rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-25.0, 0.0, n)


@pytest.mark.parametrize("height", [1e-8, 0.3, 0.5, 1.0, 40.0])
def test_a_number_is_rounded_at_a_fraction_of_its_last_bit_and_no_more(height: float) -> None:
    fixed_point = FixedPoint(height)
    quantum = Fraction(2.0 ** (math.frexp(height)[1] - 56))
    assert quantum <= Fraction(np.spacing(height)) / 4
    values = height * numbers(500)
    for value, coarse, fine in zip(values, *fixed_point.split(values), strict=True):
        error = abs(Fraction(value) - Fraction(coarse) - Fraction(fine))
        assert error <= quantum / 2
        assert (Fraction(coarse) / quantum).denominator == 1
        assert (Fraction(fine) / quantum).denominator == 1


def test_what_is_negative_has_the_negative_parts() -> None:
    values = numbers(500)
    fixed_point = FixedPoint(1.0)
    np.testing.assert_array_equal(fixed_point.split(-values), -fixed_point.split(values))


def test_sums_of_the_parts_are_exact() -> None:
    parts = FixedPoint(1.0).split(numbers(10_000))
    exact = [float(sum(map(Fraction, part))) for part in parts]
    assert parts.cumsum(axis=1)[:, -1].tolist() == exact  # one after the other


def test_the_bounds_of_a_sum_are_above_it() -> None:
    fixed_point = FixedPoint(1.0)
    rng = np.random.default_rng(3)
    for n in (1, 2, 100):
        values = rng.normal(size=(n, 5))
        coarse, fine = np.abs(fixed_point.split(values)).sum(axis=1)
        bounds = fixed_point.largest(values)
        assert coarse.max() <= bounds[0] <= 10.0 * coarse.max()
        assert fine.max() <= bounds[1]


@pytest.mark.parametrize("height", [0.0, -1.0, math.nan, math.inf, 1e-300])
def test_a_height_that_makes_no_sense_is_refused(height: float) -> None:
    with pytest.raises(ValueError, match="height"):
        FixedPoint(height)
