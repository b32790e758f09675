"""A driver that is killed, at any moment and again and again, leaves no trace."""

import pytest

from tests.harness.ipi import finish

N_STEPS = 2000
FILES = ("HILLS", "COLVAR", "lj38.out", "lj38.pos_0.extxyz", "lj38.extras_0")

EVERY_STEP = ('<trajectory stride="100" filename="pos"', '<trajectory stride="1" filename="pos"')
INPUT = (N_STEPS, EVERY_STEP)


@pytest.mark.parametrize("rounds", [3, pytest.param(6, marks=pytest.mark.long)])
def test_ten_kills_a_round_leave_every_file_as_it_would_have_been(run, undisturbed, doomed, rounds):
    run.prepare(*INPUT)
    assert finish(run.ipi(), doomed(rounds, seed=20), patience=280.0) == [0, 0], run.log(
        "driver.log"
    )
    assert f"{10 * rounds} kills" in run.log("driver.log")
    for name in FILES:
        assert run.read(name) == undisturbed.read(name), name
