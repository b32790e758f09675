"""A driver that is killed, at any moment and again and again, leaves no trace."""

from tests.harness.ipi import finish

N_STEPS = 2000
FILES = ("HILLS", "COLVAR", "lj38.out", "lj38.pos_0.extxyz", "lj38.extras_0")

EVERY_STEP = ('<trajectory stride="100" filename="pos"', '<trajectory stride="1" filename="pos"')
INPUT = (N_STEPS, EVERY_STEP)


def test_thirty_kills_leave_every_file_as_it_would_have_been(run, undisturbed, doomed):
    run.prepare(*INPUT)
    assert finish(run.ipi(), doomed(rounds=3, seed=20)) == [0, 0], run.log("driver.log")
    assert "30 kills" in run.log("driver.log")
    for name in FILES:
        assert run.read(name) == undisturbed.read(name), name
