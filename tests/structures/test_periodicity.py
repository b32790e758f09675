"""Whether a run is periodic follows the structure unless it is stated, and is never silent."""

from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.structures import Snapshot, periodic_directions, say_cell, say_pbc, vacuum

ANGSTROM = 1.8897261246


def snapshot(pbc=(True, True, True), *, by_ipi=False, length=40.0, spread=8.0):
    return Snapshot(
        Path("s.xyz"),
        ("Ar", "Ar"),
        np.array([[0.0, 0.0, 0.0], [spread, spread, spread]]) * ANGSTROM,
        np.eye(3) * length * ANGSTROM,
        np.array(pbc),
        by_ipi,
    )


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("pbc", [(True, True, True), (False, False, False), (True, True, False)])
@pytest.mark.parametrize("by_ipi", [False, True])
def test_it_follows_the_structure(caplog, pbc, by_ipi):
    found = periodic_directions(snapshot(pbc, by_ipi=by_ipi), None, needs_isolation=False)
    assert tuple(found) == pbc
    assert not caplog.records


def test_a_cluster_in_a_wide_cell_of_i_pi_is_isolated_if_its_potential_is_and_that_is_said(caplog):
    found = periodic_directions(snapshot(by_ipi=True), None, needs_isolation=True)
    assert not found.any()
    (message,) = messages(caplog)
    assert "the run is isolated; say `system.periodic = false`" in message


@pytest.mark.parametrize(
    "periodic", [snapshot(by_ipi=False), snapshot(by_ipi=True, length=12.0, spread=11.0)]
)
def test_a_crystal_does_not_become_a_cluster_by_a_missing_cutoff(periodic):
    assert periodic_directions(periodic, None, needs_isolation=True).all()


@pytest.mark.parametrize(
    ("stated", "words"),
    [(False, "the run is isolated"), ((True, False, True), "the run is periodic along a and c")],
)
def test_what_is_stated_holds_and_is_said_if_the_structure_says_more(caplog, stated, words):
    found = periodic_directions(snapshot(), stated, needs_isolation=False)
    assert found.tolist() == np.broadcast_to(stated, 3).tolist()
    (message,) = messages(caplog)
    assert message == (
        f"s.xyz: is periodic, with a cell of 40 x 40 x 40 angstrom, but {words}: see "
        "`system.periodic`"
    )


def test_a_cell_that_the_file_does_not_call_periodic_can_be_so_and_that_is_said(caplog):
    assert periodic_directions(snapshot((False,) * 3), True, needs_isolation=False).all()
    (message,) = messages(caplog)
    assert message.startswith("s.xyz: is isolated, with a cell of 40 x 40 x 40 angstrom, but the")


def test_without_a_cell_nothing_is_periodic():
    bare = Snapshot(
        Path("s.xyz"), ("Ar",), np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, dtype=bool)
    )
    assert not periodic_directions(bare, None, needs_isolation=False).any()
    with pytest.raises(
        UserError, match=r"the structure has no cell, but the run is periodic: see `system\.p"
    ):
        periodic_directions(bare, True, needs_isolation=False)


def test_the_gap_to_the_images_is_measured_between_planes():
    slanted = np.array([[10.0, 0.0, 0.0], [6.0, 8.0, 0.0], [0.0, 0.0, 30.0]]) * ANGSTROM
    positions = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 6.0]]) * ANGSTROM
    np.testing.assert_allclose(vacuum(positions, slanted), [4.0, 8.0, 24.0], rtol=1e-9)
    slanted[2] = 0.0
    np.testing.assert_allclose(vacuum(positions, slanted), [4.0, 8.0], rtol=1e-9)


def test_a_cell_is_said_with_its_angles_if_they_are_not_right():
    cell = np.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]]) * ANGSTROM
    assert say_cell(cell) == "3 x 4 x 5 angstrom"
    cell[1, 0] = 4.0 * ANGSTROM
    assert say_cell(cell) == "3 x 5.6569 x 5 angstrom, 90, 90, 45 degrees"
    assert say_cell(cell[:2]) == "3 x 5.6569 angstrom, 45 degrees"


@pytest.mark.parametrize(
    ("pbc", "words"),
    [
        ((True, True, True), "periodic"),
        ((False, False, False), "isolated"),
        ((True, False, True), "periodic along a and c"),
    ],
)
def test_directions_are_said_in_words(pbc, words):
    assert say_pbc(np.array(pbc)) == words
