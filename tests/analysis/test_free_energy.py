import math

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.free_energy import FreeEnergy, free_energy, project
from ipi_mtd.errors import UserError
from tests.analysis.brownian import hills_of as run_of
from tests.analysis.brownian import metadynamics


def aligned(F, p):
    """F relative to its average over the plane, weighted by the known probability."""
    return F - (p * F).sum(axis=-1, keepdims=True)


def test_one_hill_makes_a_well_as_deep_as_it_is_high():
    F = free_energy(run_of([[0.5]], 0.1, 3.0), [Axis("a", 0.0, 1.0, 10)])
    assert F.values[5] == 0.0
    assert F.values[0] == pytest.approx(3.0)
    assert F.reached.tolist() == [2 <= i <= 8 for i in range(11)]
    assert F.error is None


def test_the_lowest_value_is_zero():
    rng = np.random.default_rng(3)
    assert free_energy(run_of(rng.normal(size=(50, 2)), 0.2, 0.1)).values.min() == 0.0


def test_a_double_well_is_recovered():
    axes = (Axis("a", -1.5, 1.5, 60),)
    exact = 5.0 * (axes[0].points ** 2 - 1.0) ** 2
    p = np.exp(-exact) / np.exp(-exact).sum()
    runs = metadynamics(
        lambda s: 20.0 * s * (s * s - 1.0),
        -1.0,
        1500,
        n_runs=24,
        pace=25,
        height=0.5,
        sigma=0.15,
        gamma=12.0,
    )
    F = aligned(np.stack([free_energy(run, axes, kT=1.0).values for run in runs]), p)
    explored = exact < 5.5
    np.testing.assert_allclose(F.mean(axis=0)[explored], aligned(exact, p)[explored], atol=0.35)


def test_an_untempered_run_has_an_error_bar_too():
    rng = np.random.default_rng(3)
    F = free_energy(run_of(rng.normal(size=(400, 1)), 0.2, 0.01, gamma=-1.0), kT=1.0)
    assert np.isfinite(F.error[F.axes[0].n_points // 2])


def test_too_few_hills_for_the_blocks_have_no_error_bar():
    assert free_energy(run_of([[0.0]] * 19, 0.1, 1.0), kT=1.0, blocks=10).error is None


def test_a_projection_integrates_over_the_boltzmann_factor():
    axes = (Axis("a", -1.0, 1.0, 20), Axis("b", -3.0, 3.0, 60))
    a, b = np.meshgrid(*(axis.points for axis in axes), indexing="ij")
    kT = 0.4
    stiffness = 1.0 + a**2  # integrating out b leaves the entropy of its width
    F = FreeEnergy(axes, 2.0 * a**2 + 8.0 * stiffness * b**2, np.ones(a.shape, dtype=bool))
    projected = project(F, ["a"], kT)
    exact = 2.0 * a[:, 0] ** 2 + 0.5 * kT * np.log(stiffness[:, 0])
    assert projected.axes == axes[:1]
    np.testing.assert_allclose(projected.values, exact, atol=1e-12)


def test_a_projection_of_high_energies_stays_finite():
    axes = (Axis("a", 0.0, 1.0, 1), Axis("b", 0.0, 1.0, 1))
    F = FreeEnergy(axes, np.array([[0.0, 1.0], [5e4, 5e4]]), np.ones((2, 2), dtype=bool))
    expected = 5e4 - math.log(2.0) + math.log(1.0 + math.exp(-1.0))
    assert project(F, ["a"], 1.0).values == pytest.approx([0.0, expected])


def test_a_projected_run_has_an_error_bar_on_the_remaining_axis():
    rng = np.random.default_rng(3)
    run = run_of(rng.normal(size=(400, 2)), 0.2, 0.01)
    F = free_energy(run, kT=1.0, onto=["b"])
    assert [axis.name for axis in F.axes] == ["b"]
    assert F.error.shape == F.values.shape == (F.axes[0].n_points,)


@pytest.mark.parametrize("onto", [[], ["x"], ["a", "x"]])
def test_projecting_onto_an_unknown_cv_is_a_user_error(onto):
    with pytest.raises(UserError, match=r"cannot project onto .*; the CVs are a, b"):
        free_energy(run_of([[0.0, 0.0]], 0.1, 1.0), kT=1.0, onto=onto)


def test_projecting_without_a_temperature_is_a_user_error():
    with pytest.raises(UserError, match="needs the temperature"):
        free_energy(run_of([[0.0, 0.0]], 0.1, 1.0), onto=["a"])


def test_a_run_without_hills_is_a_user_error():
    with pytest.raises(UserError, match="there are no hills"):
        free_energy(run_of(np.empty((0, 1)), 0.1, 1.0))


def test_a_grid_that_misses_every_hill_is_a_user_error():
    with pytest.raises(UserError, match="no hill reaches the grid"):
        free_energy(run_of([[0.0]], 0.1, 1.0), [Axis("a", 5.0, 6.0, 10)])
