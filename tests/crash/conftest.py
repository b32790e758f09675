"""The example's run, disturbed and undisturbed."""

import sys
from pathlib import Path

import pytest

from tests.harness.example import ExampleRun
from tests.harness.ipi import finish


@pytest.fixture
def run(site, exported):
    """A run directory; what a test leaves running there is ended."""
    return ExampleRun.at(site, exported)


@pytest.fixture(scope="module")
def undisturbed(request, new_site, exported):
    """The run of the module's `INPUT` that nothing happens to."""
    run = ExampleRun.at(new_site("undisturbed"), exported).prepare(*request.module.INPUT)
    assert finish(*run.both()) == [0, 0], run.log("driver.log")
    steps, *_ = request.module.INPUT
    # what the others are compared with is not empty: a hill each 30 steps, a row each 10
    assert len(run.rows("HILLS")) == steps // 30
    assert len(run.rows("COLVAR")) == steps // 10 + 1
    return run


@pytest.fixture
def doomed(run):
    """Starts drivers that are killed, one after the other."""

    def start(rounds, seed):
        script = Path(__file__).with_name("doomed.py")
        arguments = ["lj38.toml", run.address, ".", rounds, seed]
        return run.start(sys.executable, script, *arguments, log="driver.log")

    return start
