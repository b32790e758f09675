"""The driver and a real i-PI server."""

from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.commands.fes import structure_marks
from ipi_mtd.config import read_config
from tests.harness.example import ExampleRun
from tests.harness.ipi import finish, reserved_port

ROOT = Path(__file__).parents[2]
STEPS = 60


def started(site, exported, *changes):
    """A run of the example at a site, i-PI and the driver both started."""
    run = ExampleRun.at(site, exported)
    run.prepare(STEPS, ('stride="100" filename="pos"', 'stride="10" filename="pos"'), *changes)
    run.both()
    return run


@pytest.fixture(scope="module")
def pairs(new_site, exported):
    """The same run over each kind of connection, all at once."""
    classic = "<consolidate_messages> False </consolidate_messages> <timeout>"
    more = "".join(
        f'<trajectory stride="{STEPS}" filename="{kind}" format="{kind}"> positions </trajectory>'
        for kind in ("xyz", "pdb")
    )
    inet = new_site("inet")
    with reserved_port() as port:
        inet.address, inet.port = "127.0.0.1", port
        there = f"<address> 127.0.0.1 </address> <port> {port} </port>"
        yield {
            "unix": started(new_site("unix"), exported, ("<checkpoint ", f"{more}<checkpoint ")),
            "classic": started(new_site("classic"), exported, ("<timeout>", classic)),
            "inet": started(
                inet,
                exported,
                ('mode="unix"', 'mode="inet"'),
                ("<address> 127.0.0.1 </address>", there),
            ),
        }


@pytest.fixture(params=["unix", "classic", "inet"])
def pair(request, pairs):
    """One of these runs, finished."""
    finish(*pairs[request.param].started)
    return pairs[request.param]


def test_after_exit_the_status_is_zero(pair):
    assert finish(*pair.started) == [0, 0]
    assert f"i-PI said EXIT after step {STEPS}, 2 hills" in pair.log("driver.log")


@pytest.mark.parametrize("other", ["classic", "inet"])
def test_the_trajectory_does_not_depend_on_the_connection(pairs, other):
    finish(*pairs["unix"].started, *pairs[other].started)
    for name in ("lj38.pos_0.extxyz", "lj38.extras_0", "lj38.out", "HILLS", "COLVAR"):
        assert pairs[other].read(name) == pairs["unix"].read(name)


def test_the_extras_of_each_printed_step_come_out(pair):
    assert np.loadtxt(pair.directory / "lj38.extras_0").shape == (STEPS // 10 + 1, 4)


@pytest.mark.parametrize(
    ("file", "step", "places"),
    [
        ("lj38.xyz_0.xyz", 0, 1e-3),
        ("lj38.pdb_0.pdb", 0, 0.05),  # three decimals of an angstrom
        ("lj38.pos_0.extxyz", 0, 1e-6),
        ("RESTART", STEPS, 1e-6),
    ],
)
def test_what_i_pi_writes_has_the_cvs_of_its_step(pairs, exported, file, step, places):
    finish(*pairs["unix"].started)
    source = ROOT / "inputs/lj38.toml"
    config = read_config(source)
    models = {
        name: model.model_copy(update={"file": exported / "histo-cv.pt"})
        for name, model in config.models.items()
    }
    config = config.model_copy(update={"models": models})
    ((_, s),) = structure_marks(config, [pairs["unix"].directory / file])
    rows = np.loadtxt(pairs["unix"].directory / "COLVAR")
    np.testing.assert_allclose(list(s.values()), rows[step // 10, 1:3], atol=places)


def test_the_driver_fails_with_a_reason_when_i_pi_is_killed(site, exported):
    run = ExampleRun.at(site, exported).prepare(1_000_000)
    ipi, driver = run.both()
    run.wait_for_rows(2)
    ipi.kill()
    assert finish(driver, patience=30.0) == [1]
    assert run.log("driver.log").splitlines()[-1] in (
        "ipi-mtd: i-PI closed the connection without saying EXIT",
        "ipi-mtd: i-PI is gone: Broken pipe",
        "ipi-mtd: i-PI is gone: Connection reset by peer",
    )
