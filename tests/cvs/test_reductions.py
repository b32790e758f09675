"""Reductions of many features to one number: exact derivatives, and PLUMED's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs import reductions
from ipi_mtd.cvs.reductions import Reduction
from ipi_mtd.errors import UserError
from tests.harness.plumed import follow, needs_plumed

X = np.random.default_rng(1).uniform(0.5, 2.0, 9)

REDUCTIONS: dict[str, Reduction] = {
    "component": reductions.component(3),
    "total": reductions.total(),
    "mean": reductions.mean(),
    "highest": reductions.highest(),
    "lowest": reductions.lowest(),
    "soft_max": reductions.soft_max(0.1),
    "soft_min": reductions.soft_min(5.0),
    "between": reductions.between(0.8, 1.4, 0.3),
    "some": reductions.of_elements([7, 2, 5], reductions.soft_max(0.2)),
}


def reduced(reduction: Reduction, x: FloatArray) -> tuple[float, FloatArray]:
    """s of one structure, and ds/dx as torch finds it."""
    features = torch.tensor(x[None], requires_grad=True)
    s = reduction(features)
    assert s.shape == (1,)
    s.backward()
    assert features.grad is not None
    return s.item(), features.grad[0].numpy()


def derivative(reduction: Reduction, x: FloatArray, h: float = 1e-3) -> FloatArray:
    """By central differences of fourth order."""
    slopes = np.empty(x.size)
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = h
        near = reduced(reduction, x + step)[0] - reduced(reduction, x - step)[0]
        far = reduced(reduction, x + 2 * step)[0] - reduced(reduction, x - 2 * step)[0]
        slopes[k] = (8 * near - far) / (12 * h)
    return slopes


@pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS.keys())
def test_the_derivative_is_exact(reduction):
    _, ds_dx = reduced(reduction, X)

    assert ds_dx == pytest.approx(derivative(reduction, X), abs=1e-7 * np.abs(ds_dx).max())


@pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS.keys())
@pytest.mark.parametrize("n_atoms", [9, 38, 147])
def test_each_structure_has_the_bits_that_it_has_alone(reduction, n_atoms):
    x = np.random.default_rng(2).uniform(0.5, 2.0, (16, 3 * n_atoms))
    features = torch.tensor(x, requires_grad=True)

    s = reduction(features[:, 1::3])
    s.sum().backward()

    for k in range(16):
        value, ds_dx = reduced(lambda all_: reduction(all_[:, 1::3]), x[k])
        assert value == s[k].item()
        assert np.array_equal(ds_dx, features.grad[k].numpy())


@pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS.keys())
def test_the_features_are_left_alone(reduction):
    x = torch.from_numpy(X[None].copy())

    reduction(x)

    assert np.array_equal(x[0].numpy(), X)


@pytest.mark.parametrize("name", ["soft_max", "soft_min"])
@pytest.mark.parametrize("value", [1e-3, 1.0, 1e3])
def test_one_feature_is_its_own_extreme(name, value):
    s, ds_dx = reduced(REDUCTIONS[name], np.array([value]))

    assert s == pytest.approx(value, rel=1e-14)
    assert ds_dx == pytest.approx([1.0], rel=1e-14)


@pytest.mark.parametrize("name", ["highest", "lowest"])
def test_of_equal_features_one_is_the_extreme(name):
    _, ds_dx = reduced(REDUCTIONS[name], np.ones(4))

    assert sorted(ds_dx) == [0.0, 0.0, 0.0, 1.0]


def test_large_features_do_not_overflow():
    x = np.array([1e5, 2e5, 3e5])

    assert reduced(reductions.soft_max(0.1), x)[0] == 3e5
    assert reduced(reductions.soft_min(1e9), x)[0] == pytest.approx(1e5, rel=1e-14)
    near_zero = reduced(reductions.soft_min(50.0), np.array([1e-4, 1.0]))
    assert near_zero[0] == pytest.approx(1e-4, rel=1e-14)


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_the_smooth_minimum_of_a_feature_that_is_not_positive_is_an_error(value):
    with pytest.raises(UserError, match=f"needs positive features, and one is {value:g}"):
        reductions.soft_min(5.0)(torch.tensor([[2.0, 1.0], [1.0, value]]))


def test_a_feature_far_within_the_interval_counts_as_one_and_outside_as_none():
    count, slope = reduced(reductions.between(1.0, 2.0, 0.05), np.array([1.5, 0.0, 9.0]))

    assert count == pytest.approx(1.0, abs=1e-15)
    assert np.abs(slope).max() < 1e-15


Plumed = Callable[[FloatArray, list[str]], tuple[float, FloatArray]]


@pytest.fixture
def plumed(tmp_path: Path) -> Plumed:
    """Lets PLUMED reduce a vector of distances, called d, to s; gives s and its derivatives."""

    def reduce(x: FloatArray, lines: list[str]) -> tuple[float, FloatArray]:
        positions = np.zeros((1, len(x) + 1, 3))
        positions[0, 1:, 0] = x
        pairs = " ".join(f"ATOMS{k}=1,{k + 1}" for k in range(1, len(x) + 1))
        text = "\n".join((f"d: DISTANCE NOPBC {pairs}", *lines, "BIASVALUE ARG=s"))
        done = follow(text, positions, tmp_path)
        return float(done.V[0]), -done.forces[0, 1:, 0]

    return reduce


def multicolvar(keyword: str, component: str) -> list[str]:
    """A keyword of DISTANCES, as used with nine distances."""
    pairs = " ".join(f"ATOMS{k}=1,{k + 1}" for k in range(1, 10))
    return [
        f"many: DISTANCES {pairs} {keyword}",
        f"s: CUSTOM ARG=many.{component} FUNC=x PERIODIC=NO",
    ]


def between_line(parameters: str) -> list[str]:
    return [f"e: BETWEEN ARG=d SWITCH={{GAUSSIAN {parameters}}}", "s: SUM ARG=e PERIODIC=NO"]


AS_PLUMED = {
    "SUM": (reductions.total(), ["s: SUM ARG=d PERIODIC=NO"]),
    "MEAN": (reductions.mean(), ["s: MEAN ARG=d PERIODIC=NO"]),
    "HIGHEST": (reductions.highest(), ["s: HIGHEST ARG=d"]),
    "LOWEST": (reductions.lowest(), ["s: LOWEST ARG=d"]),
    "MAX": (reductions.soft_max(0.1), multicolvar("MAX={BETA=0.1}", "max")),
    "MIN": (reductions.soft_min(5.0), multicolvar("MIN={BETA=5}", "min")),
    "BETWEEN of DISTANCES": (
        reductions.between(0.6, 1.1, 0.4),
        multicolvar("BETWEEN={GAUSSIAN LOWER=0.6 UPPER=1.1 SMEAR=0.4}", "between"),
    ),
    "BETWEEN": (reductions.between(0.8, 1.4, 0.5), between_line("LOWER=0.8 UPPER=1.4")),
    "BETWEEN, narrow": (
        reductions.between(0.8, 1.4, 0.1),
        between_line("LOWER=0.8 UPPER=1.4 SMEAR=0.1"),
    ),
}


@needs_plumed
@pytest.mark.parametrize(("reduction", "lines"), AS_PLUMED.values(), ids=AS_PLUMED.keys())
def test_we_reduce_like_plumed(plumed, reduction, lines):
    s, ds_dx = reduced(reduction, X)

    theirs, their_slope = plumed(X, lines)

    assert s == pytest.approx(theirs, rel=1e-9)
    assert ds_dx == pytest.approx(their_slope, abs=1e-9 * np.abs(their_slope).max())
