"""What a run will make of the first positions can be asked before anything is changed."""

import numpy as np
import pytest
from run_directory import as_text, open_run, serve, trajectory

from ipi_mtd.errors import UserError
from ipi_mtd.record.journal import Journal
from ipi_mtd.record.recognition import Kind, NotContinued, Recognized, foresee

STRUCTURES = trajectory(42)


@pytest.fixture
def directory(tmp_path):
    """A run that stopped at step 39, with 9 hills, and its files."""
    system = open_run(tmp_path)
    serve(system, STRUCTURES[:40])
    system.history.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    yield tmp_path
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def ask(directory, structure, *, begins=False):
    """As the launcher does."""
    return foresee(directory, structure.positions, 50 * np.eye(3), ["HILLS"], begins=begins)


@pytest.mark.parametrize(
    ("step", "kind"),
    [(39, Kind.REPEATED), (40, Kind.NEXT), (38, Kind.EARLIER), (3, Kind.EARLIER)],
)
def test_a_step_of_the_run_is_recognized(directory, step, kind):
    assert ask(directory, as_text(STRUCTURES[step])) == Recognized(kind, step)


def test_a_structure_of_another_run_is_refused(directory):
    with pytest.raises(NotContinued, match=r"of no step of this run \(the last is 39\)"):
        ask(directory, trajectory(1, seed=4)[0])


def test_the_first_step_is_refused_where_hills_would_be_lost(directory):
    with pytest.raises(NotContinued, match=r"step 0 again, .* step 39 and would lose 9 hills"):
        ask(directory, STRUCTURES[0])


def test_a_later_step_is_refused_if_i_pi_begins_there(directory):
    """As after --keep-hills, where the same structure came first once more."""
    with pytest.raises(NotContinued, match=r"step 33 again, .* step 39 and would lose 1 hill:"):
        ask(directory, STRUCTURES[33], begins=True)
    assert ask(directory, STRUCTURES[37], begins=True).kind is Kind.EARLIER


def test_a_directory_in_use_is_refused(directory):
    journal = Journal.existing(directory / "ipi-mtd.journal")
    with pytest.raises(UserError, match="another driver is using"):
        ask(directory, STRUCTURES[39])
    journal.close()
    assert ask(directory, STRUCTURES[39]).kind is Kind.REPEATED


@pytest.mark.parametrize("content", [b"", b"ipi-mtd journal\n\1\0"])
def test_in_a_journal_that_was_not_begun_every_structure_is_the_first(tmp_path, content):
    (tmp_path / "ipi-mtd.journal").write_bytes(content)
    assert ask(tmp_path, STRUCTURES[5]) == Recognized(Kind.FIRST, 0)
    assert (tmp_path / "ipi-mtd.journal").read_bytes() == content


def test_without_a_directory_every_structure_is_the_first(tmp_path):
    assert ask(tmp_path / "run", STRUCTURES[5]) == Recognized(Kind.FIRST, 0)
    assert list(tmp_path.iterdir()) == []


def test_an_isolated_run_does_not_fold(directory):
    """The cell that i-PI sends is none of the run."""
    moved = STRUCTURES[39].positions + np.array([50.0, 0.0, 0.0])
    with pytest.raises(NotContinued, match="of no step"):
        foresee(directory, moved, 50 * np.eye(3), ["HILLS"], begins=False)
