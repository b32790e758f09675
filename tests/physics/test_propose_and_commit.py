"""Evaluating changes nothing; committing adds each hill once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.biased_system.system import BiasedEvaluation
from ipi_mtd.files.hills import read_hills
from ipi_mtd.structures.structure import Structure
from tests.harness.session import Session, session_of

PACE = 5


@pytest.fixture
def session(
    lj38: Callable[[str], dict[str, Any]],
    make_run: Callable[[dict[str, Any]], Run],
    tmp_path: Path,
) -> Iterator[Session]:
    """LJ38 with the histogram and a hill every 5 steps, written down in ``tmp_path/"run"``."""
    content = lj38("histogram")
    content["metad"] |= {"pace": PACE}
    run = make_run(content)
    session = session_of(run, tmp_path / "run")
    yield session
    session.close()


def bits(evaluation: BiasedEvaluation) -> list[bytes]:
    """Every number of an answer."""
    total = evaluation.total
    numbers = (total.energy, total.forces, total.virial, evaluation.s, evaluation.bias)
    return [np.asarray(x).tobytes() for x in numbers]


def commit_steps(session: Session, shaken: Callable[..., Structure], n: int) -> list[int]:
    """Take steps, and return how many hills there were after each."""
    n_hills = []
    for seed in range(n):
        session.propose(shaken(session.structure, seed, by=0.02))
        session.commit()
        n_hills.append(session.n_hills)
    return n_hills


def test_an_evaluation_is_the_same_to_the_last_bit_whatever_was_evaluated_between(
    session: Session, shaken: Callable[..., Structure]
) -> None:
    commit_steps(session, shaken, 21)
    structure = shaken(session.structure, seed=100)
    (before,) = session.system.evaluate([structure])
    for seed in range(30):
        session.system.evaluate([shaken(session.structure, seed, by=0.1 * seed)])
    (after,) = session.system.evaluate([structure])
    assert before.bias > 0.0
    assert bits(after) == bits(before)


def test_evaluating_leaves_clock_hills_and_files_as_they_are(
    session: Session, shaken: Callable[..., Structure], tmp_path: Path
) -> None:
    commit_steps(session, shaken, 21)
    files = sorted((tmp_path / "run").iterdir())
    before = [file.read_bytes() for file in files]
    session.system.evaluate([shaken(session.structure, seed) for seed in range(100, 110)])
    assert [file.read_bytes() for file in files] == before
    assert (session.step, session.n_hills) == (21, 4)


def test_a_batch_is_evaluated_as_its_structures_one_by_one(
    session: Session, shaken: Callable[..., Structure]
) -> None:
    commit_steps(session, shaken, 21)
    structures = [shaken(session.structure, seed) for seed in range(5)]
    one_by_one = [bits(session.system.evaluate([structure])[0]) for structure in structures]
    assert list(map(bits, session.system.evaluate(structures))) == one_by_one


def test_one_hill_is_deposited_every_pace_and_none_at_step_0(
    session: Session, shaken: Callable[..., Structure], tmp_path: Path
) -> None:
    n_hills = commit_steps(session, shaken, 4 * PACE + 1)
    assert n_hills == [step // PACE for step in range(4 * PACE + 1)]
    hills = read_hills(tmp_path / "run/HILLS")
    times = [PACE * k * 0.0025 for k in range(1, 5)]  # ps
    np.testing.assert_allclose(hills.times, times, rtol=1e-12)


def test_the_hill_of_a_step_is_not_in_its_own_answer_but_in_the_next(
    session: Session, shaken: Callable[..., Structure]
) -> None:
    commit_steps(session, shaken, PACE)
    structure = shaken(session.structure, seed=100)
    proposed = session.propose(structure)
    assert proposed.bias == 0.0
    assert session.n_hills == 0
    session.commit()
    (after,) = session.system.evaluate([structure])
    height = 0.04 / 627.5095  # kcal/mol
    assert after.bias == pytest.approx(height, rel=1e-3)  # the center is between the nodes


def test_proposing_the_same_structure_again_is_the_same_step(
    session: Session, shaken: Callable[..., Structure]
) -> None:
    commit_steps(session, shaken, PACE)
    structure = shaken(session.structure, seed=100)
    copy = Structure(structure.positions.copy(), structure.cell.copy(), structure.types)
    first = session.propose(structure)
    assert bits(session.propose(copy)) == bits(first)
    session.commit()
    assert bits(session.propose(copy)) == bits(first)  # asked for once more, after the commit
    session.commit()
    assert (session.step, session.n_hills) == (PACE + 1, 1)


def test_committing_twice_commits_once(session: Session, shaken: Callable[..., Structure]) -> None:
    commit_steps(session, shaken, PACE + 1)
    session.commit()
    session.commit()
    assert (session.step, session.n_hills) == (PACE + 1, 1)


def test_a_proposal_without_commit_leaves_no_hill(
    session: Session, shaken: Callable[..., Structure], tmp_path: Path
) -> None:
    commit_steps(session, shaken, PACE)
    session.propose(shaken(session.structure, seed=100))
    assert session.n_hills == 0
    assert len(read_hills(tmp_path / "run/HILLS")) == 0
