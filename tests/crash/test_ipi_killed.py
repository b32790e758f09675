"""i-PI is killed and restarted from a checkpoint: the bias goes back with it."""

import random
import signal

import numpy as np
import pytest

from tests.harness.ipi import Site, finish

N_STEPS = 2000  # i-PI takes a second to notice a SIGTERM
CHECKPOINTS = (
    '<checkpoint stride="1000" filename="checkpoint" overwrite="True"/>',
    '<checkpoint stride="100" filename="checkpoint" overwrite="False"/>'
    '<checkpoint stride="70" filename="other" overwrite="True"/>',
)

INPUT = (N_STEPS, CHECKPOINTS)


def kill_at(run: Site, number: signal.Signals, n_rows: int) -> None:
    """Run both until COLVAR has so many rows, then send i-PI a signal."""
    ipi, driver = run.ipi(), run.driver()
    run.wait_for_rows(n_rows)
    ipi.send_signal(number)
    finish(ipi, driver)
    run.clear_socket()


def restart(run: Site, checkpoint: str) -> int:
    """Restart i-PI from a file, and return the step that it was written at."""
    text = run.log(checkpoint)
    step = int(text.split("<step>")[1].split("</step>")[0])
    assert finish(run.ipi(checkpoint), run.driver()) == [0, 0], run.log("driver.log")
    return step


def require_equal_up_to(run: Site, undisturbed: Site, step: int) -> None:
    """Equal to the last digit until a step, and closely for the steps after it."""
    for name, period in (("HILLS", 30), ("COLVAR", 10)):
        ours, theirs = run.rows(name), undisturbed.rows(name)
        assert len(ours) == len(theirs)
        known = step // period + (name == "COLVAR")
        assert ours[:known] == theirs[:known]
        soon = (step + 300) // period
        np.testing.assert_allclose(ours[:soon], theirs[:soon], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_at_a_random_moment_and_restarted_from_the_last_checkpoint(run, undisturbed, number):
    run.prepare(*INPUT)
    kill_at(run, number, random.Random(number).randint(20, 45))
    checkpoint = {signal.SIGKILL: "lj38.other", signal.SIGTERM: "RESTART"}[number]
    step = restart(run, checkpoint)
    assert step > 0
    require_equal_up_to(run, undisturbed, step)


def test_and_restarted_from_ever_older_checkpoints(run, undisturbed):
    run.prepare(*INPUT)
    kill_at(run, signal.SIGKILL, 52)
    for number in (4, 2):
        step = restart(run, f"lj38.checkpoint_{number}")
        assert step == 100 * number
        require_equal_up_to(run, undisturbed, step)
        assert (run.directory / f"HILLS.after-step-{step}").exists()


def test_and_the_driver_with_it(run, undisturbed):
    run.prepare(*INPUT)
    ipi, driver = run.ipi(), run.driver()
    run.wait_for_rows(33)
    driver.kill()
    ipi.kill()
    finish(ipi, driver)
    run.clear_socket()
    require_equal_up_to(run, undisturbed, restart(run, "lj38.checkpoint_2"))


def test_and_started_again_from_the_beginning_needs_to_be_told(run, undisturbed):
    run.prepare(*INPUT)
    kill_at(run, signal.SIGKILL, 40)
    before = run.read("HILLS")
    ipi = run.ipi()
    assert finish(run.driver()) == [1]
    assert "begin anew with --fresh" in run.log("driver.log")
    assert run.read("HILLS") == before
    assert finish(ipi, run.driver("--fresh")) == [0, 0], run.log("driver.log")
    assert run.read("HILLS") == undisturbed.read("HILLS")
    assert run.read("COLVAR") == undisturbed.read("COLVAR")
    assert run.read("HILLS.old") == before


def test_a_checkpoint_of_another_run_is_refused(run):
    run.prepare(60, CHECKPOINTS)
    assert finish(run.ipi(), run.driver()) == [0, 0], run.log("driver.log")
    before = run.read("HILLS")
    run.prepare(60, CHECKPOINTS, ("octahedron.xyz", "icosahedron.xyz"))
    run.ipi()
    assert finish(run.driver()) == [1]
    assert "are those of no step of this run (the last is 60)" in run.log("driver.log")
    assert run.read("HILLS") == before
