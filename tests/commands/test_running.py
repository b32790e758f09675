"""The driver and a real i-PI server."""

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.commands.fes import structure_marks
from ipi_mtd.config import read_config

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
STEPS = 60


@dataclass
class Pair:
    """An i-PI server and a driver in a directory of their own."""

    directory: Path
    model: Path
    address: str
    port: int | None = None
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, steps, *replacements):
        """Start both."""
        text = (ROOT / "inputs/input.xml").read_text()
        for old, new in [
            ("<address> lj38 ", f"<address> {self.address} "),
            ("lj38/octahedron.xyz", str(ROOT / "lj38/octahedron.xyz")),
            ('stride="100" filename="pos"', 'stride="10" filename="pos"'),
            *replacements,
        ]:
            assert old in text
            text = text.replace(old, new)
        text = re.sub("<total_steps>.*</total_steps>", f"<total_steps>{steps}</total_steps>", text)
        self.directory.mkdir()
        (self.directory / "input.xml").write_text(text)
        options = ["--address", self.address, "--model", self.model]
        options += ["--port", str(self.port)] * (self.port is not None)
        for name, command in {
            "i-pi.log": [BIN / "i-pi", "input.xml"],
            "driver.log": [BIN / "ipi-mtd", "run", ROOT / "inputs/lj38.toml", *options],
        }.items():
            with (self.directory / name).open("w") as log:
                self.processes.append(
                    subprocess.Popen(
                        command,
                        cwd=self.directory,
                        env={**os.environ, "OMP_NUM_THREADS": "1"},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        return self

    def finish(self):
        """Wait for both, and end what hangs; their status."""
        for process in self.processes:
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
        return [process.wait() for process in self.processes]

    def read(self, name):
        """A file that one of them wrote."""
        return (self.directory / name).read_text()

    def end(self):
        """End what is still there."""
        for process in self.processes:
            process.kill()
            process.wait()
        Path(f"/tmp/ipi_{self.address}").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, exported):
    """The same run over each kind of connection, all at once."""
    directory = tmp_path_factory.mktemp("pairs")
    model = exported / "histo-cv.pt"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = [f"test-{uuid.uuid4().hex}" for _ in range(2)]
    inet = f"<address> 127.0.0.1 </address> <port> {port} </port>"
    classic = "<consolidate_messages> False </consolidate_messages> <timeout>"
    more = "".join(
        f'<trajectory stride="{STEPS}" filename="{kind}" format="{kind}"> positions </trajectory>'
        for kind in ("xyz", "pdb")
    )
    pairs = {
        "unix": Pair(directory / "unix", model, names[0]).start(
            STEPS, ("<checkpoint ", f"{more}<checkpoint ")
        ),
        "classic": Pair(directory / "classic", model, names[1]).start(
            STEPS, ("<timeout>", classic)
        ),
        "inet": Pair(directory / "inet", model, "127.0.0.1", port).start(
            STEPS, ('mode="unix"', 'mode="inet"'), ("<address> 127.0.0.1 </address>", inet)
        ),
    }
    yield pairs
    for pair in pairs.values():
        pair.end()


@pytest.fixture(params=["unix", "classic", "inet"])
def pair(request, pairs):
    """One of these runs, finished."""
    pairs[request.param].finish()
    return pairs[request.param]


def test_after_exit_the_status_is_zero(pair):
    assert pair.finish() == [0, 0]
    assert f"i-PI said EXIT after step {STEPS}, 2 hills" in pair.read("driver.log")


def test_the_trajectory_does_not_depend_on_the_connection(pair, pairs):
    pairs["unix"].finish()
    for name in ("lj38.pos_0.extxyz", "lj38.extras_0", "lj38.out", "HILLS", "COLVAR"):
        assert pair.read(name) == pairs["unix"].read(name)


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
    pairs["unix"].finish()
    source = ROOT / "inputs/lj38.toml"
    config = read_config(source)
    models = {
        name: model.model_copy(update={"file": exported / "histo-cv.pt"})
        for name, model in config.models.items()
    }
    config = config.model_copy(update={"models": models})
    ((_, s),) = structure_marks(config, source, [pairs["unix"].directory / file])
    rows = np.loadtxt(pairs["unix"].directory / "COLVAR")
    np.testing.assert_allclose(list(s.values()), rows[step // 10, 1:3], atol=places)


@pytest.fixture
def endless(tmp_path, exported):
    """A pair that has run for a while and would go on."""
    name = f"test-{uuid.uuid4().hex}"
    pair = Pair(tmp_path / "run", exported / "histo-cv.pt", name).start(1_000_000)
    yield pair
    pair.end()


def test_the_driver_fails_with_a_reason_when_i_pi_is_killed(endless):
    ipi, driver = endless.processes
    colvar = endless.directory / "COLVAR"
    while not colvar.exists() or colvar.read_bytes().count(b"\n") < 3:
        assert driver.poll() is None
        time.sleep(0.02)
    ipi.kill()
    assert driver.wait(30) == 1
    assert endless.read("driver.log").splitlines()[-1] in (
        "ipi-mtd: i-PI closed the connection without saying EXIT",
        "ipi-mtd: i-PI is gone: Broken pipe",
        "ipi-mtd: i-PI is gone: Connection reset by peer",
    )
