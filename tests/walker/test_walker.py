"""What is asked of a walker, what it answers, and when that becomes history."""

import numpy as np
import pytest
from run_directory import contents, make_system, open_run, serve, trajectory

from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import read_hills
from ipi_mtd.walker import SharedBiases, Walker

N_STEPS = 30
TYPES = np.array([18, 1, 18], dtype=np.int32)
CELL = np.array([[10.0, 1.0, 2.0], [0.0, 11.0, 3.0], [0.5, 0.0, 12.0]])


def walker_of(periodic):
    system = make_system()
    return Walker(system, SharedBiases(system.terms), TYPES, np.array(periodic))


@pytest.mark.parametrize("periodic", [(True,) * 3, (False,) * 3, (True, True, False)])
def test_a_cell_counts_only_where_the_run_is_periodic(periodic):
    question = walker_of(periodic).asked(np.eye(3), CELL)
    np.testing.assert_array_equal(question.structure.cell, CELL * np.array(periodic)[:, None])
    np.testing.assert_array_equal(question.structure.types, TYPES)


def test_positions_are_copied():
    positions = np.eye(3)
    question = walker_of((False,) * 3).asked(positions, CELL)
    positions[:] = 7.0
    np.testing.assert_array_equal(question.structure.positions, np.eye(3))


def test_what_was_answered_is_answered_again_without_evaluating(tmp_path):
    session = open_run(tmp_path)
    (structure,) = trajectory(1)
    first = session.propose(structure)
    assert session.walker.asked(structure.positions, structure.cell) is first
    session.commit()
    assert session.walker.asked(structure.positions, structure.cell) is first


def test_an_evaluation_that_fails_after_a_restart_loads_no_hill_twice(tmp_path, monkeypatch):
    structures = trajectory(N_STEPS)
    first = open_run(tmp_path)
    serve(first, structures[:29])
    first.close()
    again = open_run(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(again.system.cvs, "evaluate", fail)
        with pytest.raises(UserError, match="the model failed"):
            again.propose(structures[29])
    again.propose(structures[29])
    assert again.n_hills == len(read_hills(tmp_path / "HILLS")) == 7


def fail(*_):
    raise UserError("the model failed")


@pytest.mark.parametrize("back", [0, 1, 5, 12])
def test_an_i_pi_that_comes_back_to_a_driver_that_lives_is_followed(tmp_path, back):
    """It goes on from the last step, or a checkpoint some steps back."""
    structures = trajectory(N_STEPS)
    undisturbed = open_run(tmp_path / "undisturbed")
    serve(undisturbed, structures)
    session = open_run(tmp_path / "disturbed")
    serve(session, structures[:25])
    session.walker.connected()
    serve(session, structures[24 - back :])
    assert contents(tmp_path / "disturbed") == contents(tmp_path / "undisturbed")
    for s in np.linspace(0.0, 30.0, 200):
        (V, dV), (V_there, dV_there) = (
            one.biases[0].bias.evaluate([s]) for one in (session, undisturbed)
        )
        assert (V, *dV) == (V_there, *dV_there)


@pytest.mark.parametrize("arrived", [True, False])
def test_an_i_pi_that_comes_back_before_it_has_shown_that_the_answer_arrived(tmp_path, arrived):
    structures = trajectory(N_STEPS)
    undisturbed = open_run(tmp_path / "undisturbed")
    serve(undisturbed, structures)
    session = open_run(tmp_path / "disturbed")
    serve(session, structures[:24])
    session.propose(structures[24])  # with a hill
    session.walker.connected()
    serve(session, structures[24 + arrived :])
    assert contents(tmp_path / "disturbed") == contents(tmp_path / "undisturbed")
    assert session.n_hills == undisturbed.n_hills


def test_an_answer_is_written_down_before_it_is_given(tmp_path):
    session = open_run(tmp_path)
    (structure,) = trajectory(1)
    evaluation = session.propose(structure)
    assert isinstance(evaluation, BiasedEvaluation)
    np.testing.assert_array_equal(session.history.last.positions, structure.positions)
    assert session.step == 0
    session.commit()
    assert session.step == 1
