"""Several trajectories in one stream are noticed, and one never is taken for several."""

import numpy as np
import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.server.one_trajectory import N_STEPS, OneTrajectory


def beads(n_beads: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The beads of a ring polymer of 10 atoms, in turn."""
    start, velocities = rng.normal(size=(n_beads, 10, 3)), rng.normal(size=(n_beads, 10, 3))
    return [start[k % n_beads] + 0.01 * (k // n_beads) * velocities[k % n_beads] for k in range(99)]


def follow(structures: list[np.ndarray]) -> None:
    trajectory = OneTrajectory()
    for positions in structures:
        trajectory.follow(positions)


@pytest.mark.parametrize("n_beads", [2, 3, 4, 8, 32])
def test_beads_in_turn_are_refused(n_beads):
    with pytest.raises(UserError, match="go back and forth"):
        follow(beads(n_beads, np.random.default_rng(7)))


def test_ballistic_motion_is_accepted():
    follow(beads(1, np.random.default_rng(7)))


def test_an_oscillator_at_any_phase_is_accepted():
    for phase in np.linspace(0.0, 2.0 * np.pi, 37):
        follow([np.full((2, 3), np.cos(0.1 * k + phase)) for k in range(99)])


def test_brownian_motion_is_accepted():
    rng = np.random.default_rng(11)
    follow(list(np.cumsum(rng.normal(size=(99, 5, 3)), axis=0)))


def test_asking_again_is_no_step():
    structures = beads(1, np.random.default_rng(7))
    follow([positions for positions in structures for _ in range(3)])


def test_only_the_beginning_is_looked_at():
    rng = np.random.default_rng(7)
    follow(beads(1, rng)[: N_STEPS + 2] + beads(2, rng))


def folded(structures, edge):
    """The structures as i-PI sends them with pbc="True"."""
    return [positions - edge * np.round(positions / edge) for positions in structures]


def test_atoms_that_cross_the_border_of_the_cell_are_accepted():
    """Without the cell they would go back and forth."""
    straight = [np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]]) + 1.8 * k for k in range(99)]
    trajectory = OneTrajectory()
    for positions in folded(straight, 4.0):
        trajectory.follow(positions, 4.0 * np.eye(3))
    with pytest.raises(UserError, match="go back and forth"):
        follow(folded(straight, 4.0))


def test_beads_in_a_cell_are_refused():
    trajectory = OneTrajectory()
    structures = folded(beads(4, np.random.default_rng(7)), 9.0)
    with pytest.raises(UserError, match="go back and forth"):
        [trajectory.follow(positions, 9.0 * np.eye(3)) for positions in structures]
