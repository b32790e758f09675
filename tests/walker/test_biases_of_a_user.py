"""A bias that the package does not know runs, is recorded, goes back and is printed like any."""

import itertools

import numpy as np
import pytest
from run_directory import N_ATOMS, SquaredRadius, as_text, trajectory

from ipi_mtd.assembly.columns import Columns
from ipi_mtd.biased_system import BiasedSystem, BiasTerm
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.potentials import NoPotential
from ipi_mtd.record.run_directory import RunDirectory
from ipi_mtd.record.tables import ColvarTable, DepositTable
from ipi_mtd.walker import SharedBiases, Walker
from ipi_mtd.walker.own_numbers import OwnNumbers
from tests.harness.session import Session
from tests.walker.toys import EVERY, MovingRestraint, RunningVariance

N_STEPS = 30
TYPES = np.full(N_ATOMS, 18, dtype=np.int32)
PRINTED = ["r2", "pull.bias", "pull.center", "pull.work", "var.variance"]


@pytest.fixture
def system():
    terms = [BiasTerm("pull", MovingRestraint(), (0,)), BiasTerm("var", RunningVariance(), (0,))]
    return BiasedSystem(NoPotential(), SquaredRadius(), terms, 0.01)


def tables_of(system):
    columns = Columns(system.cvs.cvs, [], {}, system.terms, 1.0).named(PRINTED)
    (_, variance) = system.terms
    return [
        DepositTable("var", variance.bias.file),
        ColvarTable("COLVAR", columns, {}, 1, None, 1.0),
    ]


def open_walker(system, shared, directory):
    """One more walker of a system, in a directory of its own."""
    tables = tables_of(system)
    own = OwnNumbers(system.terms).counts
    record = RunDirectory(directory, tables, N_ATOMS, {}, own=own, of_deposits=["VARIANCE"])
    record.begin()
    walker = Walker(system, shared, TYPES, np.full(3, True), record, tables)
    return Session(system, shared, walker, record)


def follow(session, structures):
    for structure in structures:
        session.propose(structure)
        session.commit()


def bytes_of(directory):
    return {name: (directory / name).read_bytes() for name in ("COLVAR", "VARIANCE")}


def test_their_columns_are_what_they_say(tmp_path, system):
    session = open_walker(system, SharedBiases(system.terms), tmp_path)
    follow(session, trajectory(N_STEPS))
    session.close()
    colvar = read_colvar(tmp_path / "COLVAR")
    r2, steps = colvar["r2"], np.arange(N_STEPS)
    center = 10.0 + 0.02 * steps
    np.testing.assert_allclose(colvar["pull.center"], center, rtol=1e-14)
    np.testing.assert_allclose(colvar["pull.bias"], (r2 - center) ** 2, rtol=1e-12)
    work = np.cumsum((r2 - center - 0.02) ** 2 - (r2 - center) ** 2)
    np.testing.assert_allclose(colvar["pull.work"], work, rtol=1e-9)
    variances = [r2[: k + 1].var() for k in steps]
    np.testing.assert_allclose(colvar["var.variance"], variances, rtol=1e-9, atol=1e-12)


def test_two_walkers_at_different_steps_each_have_their_own(tmp_path, system):
    shared = SharedBiases(system.terms)
    first = open_walker(system, shared, tmp_path / "first")
    second = open_walker(system, shared, tmp_path / "second")
    one, other = trajectory(N_STEPS), trajectory(N_STEPS, seed=8)
    follow(first, one[:10])
    for structures in zip(one[10:], other, strict=False):
        questions = [
            session.walker.asked(structure.positions, structure.cell)
            for session, structure in zip((first, second), structures, strict=True)
        ]
        evaluations = system.evaluate(
            [question.structure for question in questions],
            [question.occasion for question in questions],
        )
        for session, evaluation in zip((first, second), evaluations, strict=True):
            session.walker.answered(evaluation)
            session.walker.arrived()
    assert (first.step, second.step) == (N_STEPS, N_STEPS - 10)
    for name, n_steps in (("first", N_STEPS), ("second", N_STEPS - 10)):
        colvar = read_colvar(tmp_path / name / "COLVAR")
        steps = np.arange(n_steps)
        np.testing.assert_allclose(colvar["pull.center"], 10.0 + 0.02 * steps, rtol=1e-14)
        variances = [colvar["r2"][: k + 1].var() for k in steps]
        np.testing.assert_allclose(colvar["var.variance"], variances, rtol=1e-9, atol=1e-12)
    told = [np.loadtxt(tmp_path / name / "VARIANCE")[:, 1] for name in ("first", "second")]
    (_, variance) = system.terms
    assert sorted(variance.bias.told) == sorted(itertools.chain(*told))
    assert len(variance.bias.told) == N_STEPS // EVERY + (N_STEPS - 10) // EVERY


@pytest.mark.parametrize("restarts", ["driver and i-PI", "i-PI alone"])
def test_after_a_restart_from_an_older_checkpoint_all_is_as_if_nothing_had_happened(
    tmp_path, system, restarts
):
    structures = trajectory(N_STEPS)
    follow(open_walker(system, SharedBiases(system.terms), tmp_path / "undisturbed"), structures)
    undisturbed = bytes_of(tmp_path / "undisturbed")

    (_, variance) = system.terms
    variance.bias.told.clear()
    shared = SharedBiases(system.terms)
    session = open_walker(system, shared, tmp_path / "disturbed")
    follow(session, structures[:21])
    match restarts:
        case "i-PI alone":
            session.walker.connected()
        case _:
            session.close()
            variance.bias.told.clear()
            session = open_walker(system, shared, tmp_path / "disturbed")
            shared.rebuild(session.history)
    follow(session, [as_text(structures[9]), *structures[10:]])
    assert bytes_of(tmp_path / "disturbed") == undisturbed
    told = np.loadtxt(tmp_path / "undisturbed/VARIANCE")[:, 1]
    assert sorted(variance.bias.told) == sorted(told)


def test_what_is_learned_after_a_roll_back_is_of_another_incarnation(tmp_path, system):
    structures = trajectory(N_STEPS)
    session = open_walker(system, SharedBiases(system.terms), tmp_path)
    follow(session, structures[:12])
    before = session.history.last
    session.walker.connected()
    follow(session, structures[5:12])
    after = session.history.last
    assert (before.step, before.incarnation) == (11, 0)
    assert (after.step, after.incarnation) == (11, 1)
    assert after.lines == before.lines
