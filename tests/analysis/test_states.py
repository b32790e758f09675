"""States are basins with more than 2 kT between them; a visit is a way down into one."""

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.free_energy import free_energy
from ipi_mtd.analysis.states import count_visits, find_basins
from tests.analysis.brownian import hills_of

LINE = Axis("a", -2.0, 2.0, 80)
RING = Axis("a", -np.pi, np.pi, 90, periodic=True)
ALL = np.ones(81, dtype=bool)


def double_well(barrier):
    s = LINE.points
    return barrier * (s * s - 1.0) ** 2 + 0.3 * s


@pytest.mark.parametrize(("barrier", "n"), [(1.5, 1), (3.0, 2)])
def test_a_barrier_of_2_kT_parts_two_states(barrier, n):
    basins = find_basins((LINE,), double_well(barrier), ALL, kT=1.0)
    assert len(basins.lowest) == n
    assert LINE.points[basins.lowest[0]] == pytest.approx(-1.0, abs=0.06)
    assert len(find_basins((LINE,), double_well(barrier), ALL, kT=0.1).lowest) == 2


def test_every_point_belongs_to_the_state_below_it():
    basins = find_basins((LINE,), double_well(5.0), ALL, kT=1.0)
    assert basins.labels.tolist() == [0] * 41 + [1] * 40
    assert basins.rims[0] == basins.rims[1] == pytest.approx(5.0, abs=0.02)


def test_a_ring_has_no_ends():
    F = 3.0 * np.cos(2.0 * RING.points)  # lowest at -pi/2 and pi/2
    for turn in (0, 11, 23):
        basins = find_basins((RING,), np.roll(F, turn), np.ones(90, dtype=bool), kT=1.0)
        assert len(basins.lowest) == 2
        assert np.bincount(basins.labels).tolist() == pytest.approx([45, 45], abs=1)


def test_a_plane_has_its_basins_too():
    axes = (LINE, Axis("b", -1.0, 1.0, 40))
    a, b = np.meshgrid(*(axis.points for axis in axes), indexing="ij")
    F = 4.0 * (a * a - 1.0) ** 2 + 5.0 * b * b + 0.2 * a
    reached = np.abs(b) < 0.9
    basins = find_basins(axes, F, reached, kT=1.0)
    places = [(axes[0].points[i], axes[1].points[j]) for i, j in basins.lowest]
    np.testing.assert_allclose(places, [(-1.0, 0.0), (1.0, 0.0)], atol=0.06)
    assert (basins.labels[~reached] == -1).all()


@pytest.mark.parametrize(
    ("path", "visits"),
    [
        ([-1, -1, -0.9], (1, 0)),
        ([-1, 1, -1, 1], (2, 2)),
        ([1, 0.02, -0.02, 0.02, 1], (0, 1)),
        ([-1, -0.02, 0.02, 1], (1, 1)),
    ],
)
def test_to_and_fro_on_the_top_of_a_barrier_is_no_visit(path, visits):
    F = double_well(5.0)
    basins = find_basins((LINE,), F, ALL, kT=1.0)
    centers = np.array(path, dtype=float)[:, None]
    assert count_visits((LINE,), F, basins, centers) == visits


def run(*stays):
    """Hills that stay in a well of width 0.2 for a while, one well after the other."""
    rng = np.random.default_rng(1)
    centers = np.concatenate([rng.normal(s, 0.2, size=(n, 1)) for s, n in stays])
    return hills_of(centers, 0.15, 0.4)


def test_a_state_that_was_visited_once_has_no_error():
    F = free_energy(run((-1, 80), (1, 60)), kT=1.0)
    lowest, other = F.states
    assert (lowest.visits, other.visits) == (1, 1)
    assert np.isfinite(lowest.error)
    assert np.isnan(other.error)
    s = F.axes[0].points
    assert np.isfinite(F.error[(np.abs(s + 1.0) < 0.3)]).all()
    assert np.isnan(F.error[(np.abs(s - 1.0) < 0.3)]).all()


def test_a_run_that_has_been_back_has_an_error_everywhere():
    F = free_energy(run((-1, 40), (1, 40), (-1, 40), (1, 30)), kT=1.0)
    assert [state.visits for state in F.states] == [2, 2]
    assert np.isfinite(F.error[F.reached]).all()
    assert [state.F for state in F.states] == pytest.approx([0.0, F.states[1].F])


def test_without_a_way_back_to_the_lowest_nothing_is_known_of_the_others():
    F = free_energy(run((1, 30), (-1, 80), (1, 40)), kT=1.0)
    assert [state.visits for state in F.states] == [1, 2]
    assert np.isnan(F.states[1].error)
