"""If another driver is missing, that is said once, with the forcefield and the address."""

from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.commands.launching import waiting
from ipi_mtd.commands.launching.waiting import Watch
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import Interpretation
from ipi_mtd.server.ipi_input.elements import Force, ForceField, Motion, System

OURS, THEIRS, UNUSED = Address("bias"), Address("forces"), Address("localhost", 31415)
SYSTEM = System(
    names=("Ar",),
    masses=np.ones(1),
    positions=np.zeros((1, 3)),
    folded=np.zeros((1, 3)),
    cell=np.eye(3),
    nbeads=1,
    temperature=None,
    motion=Motion("dynamics"),
    forces=(Force("pot"),),
    biases=(Force("mtd"),),
    bias_weights=(1.0,),
)
IPI = Interpretation(
    path=Path("input.xml"),
    step=0,
    total_steps=100,
    systems=(SYSTEM,),
    forcefields=(
        ForceField("ffsocket", "mtd", address=OURS),
        ForceField("ffsocket", "pot", address=THEIRS),
        ForceField("ffsocket", "spare", address=UNUSED),
        ForceField("fflj", "lj"),
    ),
)


@pytest.fixture
def clock(monkeypatch):
    """The time, and who is connected."""
    state = {"now": 100.0, "connected": []}
    monkeypatch.setattr(waiting, "has_client", lambda address: address in state["connected"])
    state["watch"] = Watch(IPI, OURS, lambda: state["now"])
    return state


def pass_time(clock, seconds):
    """Look ten times a second, as the launcher does."""
    for _ in range(round(10 * seconds)):
        clock["now"] += 0.1
        clock["watch"].look()


def test_at_the_start_it_is_said_after_some_seconds_and_once(clock, caplog):
    pass_time(clock, 4.5)
    assert caplog.messages == []
    pass_time(clock, 60.0)
    (said,) = caplog.messages
    assert 'the driver of its forcefield "pot" at /tmp/ipi_forces' in said


def test_mid_run_it_takes_longer(clock, caplog):
    pass_time(clock, 1.0)
    clock["watch"].moved()
    pass_time(clock, 29.0)
    assert caplog.messages == []
    pass_time(clock, 2.0)
    assert len(caplog.messages) == 1


def test_after_it_has_gone_on_it_is_said_again(clock, caplog):
    pass_time(clock, 10.0)
    clock["watch"].moved()
    pass_time(clock, 40.0)
    assert len(caplog.messages) == 2


def test_a_driver_that_is_connected_and_slow_is_not_missing(clock, caplog):
    clock["connected"] = [THEIRS]
    pass_time(clock, 600.0)
    assert caplog.messages == []
