"""The error bar holds what it says over independent runs."""

import numpy as np
import pytest

from ipi_mtd.analysis.error_bar import error_of_the_sum
from ipi_mtd.analysis.free_energy import free_energy
from tests.analysis.brownian import beginning, hills_of, metadynamics

PI = np.pi
N_RUNS = 40


def uneven_double_well(s):
    return 4.5 * (s * s - 1.0) ** 2 + 0.5 * s


def torsion(s):
    return 2.0 * np.cos(3.0 * s) + np.cos(s - 0.7)


def single_well(s):
    return 4.0 * s * s


CASES = {
    "uneven double well": (
        uneven_double_well,
        {"start": -1.0, "gamma": 10.0, "height": 0.4, "sigma": 0.15, "pace": 40},
    ),
    "uneven double well, untempered": (
        uneven_double_well,
        {"start": 1.0, "gamma": -1.0, "height": 0.15, "sigma": 0.15, "pace": 40},
    ),
    "uneven double well, small bias factor": (
        uneven_double_well,
        {"start": -1.0, "gamma": 2.5, "height": 1.0, "sigma": 0.15, "pace": 40},
    ),
    "torsion": (
        torsion,
        {"start": 1.0, "gamma": 8.0, "height": 0.3, "sigma": 0.25, "pace": 40, "period": (-PI, PI)},
    ),
    "single well": (
        single_well,
        {"start": 0.0, "gamma": 5.0, "height": 0.3, "sigma": 0.2, "pace": 40},
    ),
}


@pytest.fixture(scope="module", params=CASES)
def runs(request):
    """A potential and independent runs in it."""
    potential, options = CASES[request.param]

    def slope(s):
        return (potential(s + 1e-5) - potential(s - 1e-5)) / 2e-5

    return potential, metadynamics(slope, n_hills=1200, n_runs=N_RUNS, seed=4, **options)


@pytest.mark.parametrize("n_hills", [200, 500, 1200])
def test_the_error_bar_is_calibrated(runs, n_hills):
    potential, all_runs = runs
    fine = (
        np.linspace(-2.1, 2.1, 4201)
        if all_runs[0].periods == (None,)
        else PI * np.arange(-1, 1, 1e-4)
    )
    lowest = potential(fine).min()
    deviations, found, errors, unknown = [], [], [], 0
    places = fine[potential(fine) - lowest < 8.0][::40]
    for run in all_runs:
        F = free_energy(beginning(run, n_hills), kT=1.0)
        (s,) = (axis.points for axis in F.axes)
        exact = potential(s) - lowest
        low = (exact < 8.0) & F.reached
        unknown += bool(np.isnan(F.error[low]).any())
        counted = low & np.isfinite(F.error)
        deviations.append(np.abs(F.values - exact)[counted] / np.maximum(F.error[counted], 1e-9))
        found.append(np.interp(places, s, F.values))
        errors.append(np.interp(places, s, F.error))
    z = np.concatenate(deviations)
    scatter = np.std(found, axis=0)
    assert np.mean(z < 1.0) >= 0.6
    assert np.mean(z < 2.0) >= 0.9
    assert np.nanmedian(errors) <= 2.0 * np.median(scatter)
    assert unknown <= N_RUNS * {200: 0.25, 500: 0.25, 1200: 0.0}[n_hills]


def test_an_ornstein_uhlenbeck_process_has_the_error_that_it_was_made_with():
    """The sums grow by one unit of ln Z in so many blocks, and fluctuate on that clock."""
    rng = np.random.default_rng(3)
    per_unit, units, sigma, n = 20, 40, 0.3, 400
    decay = np.exp(-1.0 / per_unit)
    x = np.zeros((per_unit * units, n))
    for k in range(1, len(x)):
        x[k] = decay * x[k - 1] + sigma * np.sqrt(1 - decay**2) * rng.normal(size=n)
    x[:, 0] = 12.0  # the minimum, which does not fluctuate and carries the sum
    growth = np.arange(len(x)) / per_unit
    error = error_of_the_sum(x + growth[:, None], 1.0, lambda S: S, len(x), (0,), -1.0)
    assert error[0] == 0.0
    assert np.sqrt(np.mean(error[1:] ** 2)) == pytest.approx(1.2 * sigma, rel=0.05)


def test_hills_on_one_spot_have_no_error_there_and_none_elsewhere():
    F = free_energy(hills_of(np.zeros((100, 1)), 0.2, 0.1), kT=1.0)
    assert F.error[F.values.argmin()] == 0.0
    assert np.isnan(F.error[~F.reached]).all()
