"""Force calls of a real i-PI that are not new steps move no clock and add no hill."""

import pytest

from tests.harness.ipi import finish

N_STEPS = 100
INPUT = (N_STEPS,)

PROPERTIES = "temperature{kelvin},"
NVT = '<dynamics mode="nvt" splitting="baoab">'
FORCE = '<force forcefield="driver"/>'


def test_properties_that_ask_again(run, undisturbed):
    run.prepare(*INPUT, (PROPERTIES, f"{PROPERTIES} scaledcoords, kinetic_td,"))
    run.without_check()
    assert finish(run.ipi(), run.driver()) == [0, 0], run.log("driver.log")
    assert run.read("HILLS") == undisturbed.read("HILLS")
    assert run.read("COLVAR") == undisturbed.read("COLVAR")


def test_beads_are_refused_when_their_structures_alternate(run):
    run.prepare(N_STEPS, ('<initialize nbeads="1">', '<initialize nbeads="4">')).without_check()
    run.ipi()
    assert finish(run.driver()) == [1]
    assert "go back and forth instead of one trajectory" in run.log("driver.log")
    assert len(run.rows("HILLS")) == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('nbeads="1"', 'nbeads="4"'), "<initialize nbeads> is more than 1"),
        ((NVT, f"{NVT} <nmts> [2] </nmts>"), "<nmts> asks the forces"),
        (("<timeout>", "<batch_size> 2 </batch_size> <timeout>"), "<batch_size> is not served"),
        (('mode="unix"', 'mode="shm"'), 'mode="shm" of the ffsocket is not served'),
        (("> 2.5 <", "> 5.0 <"), "<timestep> is 5 fs"),
    ],
)
def test_an_input_that_is_named_is_refused_before_the_first_step(run, change, reason):
    run.prepare(N_STEPS, change)
    assert finish(run.driver()) == [1]
    assert reason in run.log("driver.log")


def test_batches_are_refused_when_i_pi_announces_them(run):
    run.prepare(N_STEPS, ("<timeout>", "<batch_size> 2 </batch_size> <timeout>")).without_check()
    run.ipi()
    assert finish(run.driver()) == [1]
    assert "i-PI asks for batches" in run.log("driver.log")
