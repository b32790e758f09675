"""i-PI and the driver as two processes that end together, whatever ends first."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from ipi_mtd.address import Address
from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import read_hills
from ipi_mtd.launching import clear_stale_socket

ROOT = Path(__file__).parents[1]


@dataclass
class Launched:
    """A directory with inputs in which `ipi-mtd launch` is run."""

    directory: Path
    model: Path
    address: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex}")
    process: subprocess.Popen | None = None

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.directory / "run"

    @property
    def socket(self) -> Path:
        """The file of i-PI's socket."""
        return Path(f"/tmp/ipi_{self.address}")

    def write(self, steps, *replacements):
        """Write i-PI's input as the example has it, its structure a directory above."""
        text = (ROOT / "inputs/input.xml").read_text()
        for old, new in [
            ("<address> lj38 ", f"<address> {self.address} "),
            ("<checkpoint", "<!-- checkpoint"),
            ('overwrite="True"/>', "-->"),
            ("lj38/octahedron.xyz", "structures/octahedron.xyz"),
            *replacements,
        ]:
            assert old in text
            text = text.replace(old, new)
        text = re.sub("<total_steps>.*</total_steps>", f"<total_steps>{steps}</total_steps>", text)
        for place, name, content in [
            ("inputs", "input.xml", text),
            ("structures", "octahedron.xyz", (ROOT / "lj38/octahedron.xyz").read_text()),
            ("elsewhere", "nothing", ""),
        ]:
            (self.directory / place).mkdir(exist_ok=True)
            (self.directory / place / name).write_text(content)
        return self

    def start(self, *options, input_xml="../inputs/input.xml"):
        """Start the launcher in some other directory."""
        config = os.path.relpath(ROOT / "inputs/lj38.toml", self.directory / "elsewhere")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ipi_mtd", "launch", input_xml, config),
                *("--address", self.address, "--model", self.model, "--output", "../run"),
                *options,
            ],
            cwd=self.directory / "elsewhere",
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def wait_for_rows(self, n_rows):
        """Wait until COLVAR has so many rows."""
        deadline = time.monotonic() + 120
        colvar = self.run / "COLVAR"
        while not colvar.exists() or colvar.read_bytes().count(b"\n") <= n_rows:
            assert time.monotonic() < deadline
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def child(self, name):
        """One of the two processes."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if name in " ".join(child.cmdline())]
        return found

    def finish(self, seconds=120):
        """Wait for the launcher; its status and what it said, without the progress bar."""
        out, err = self.process.communicate(timeout=seconds)
        assert out == ""
        return self.process.returncode, [
            line for line in err.splitlines() if line.startswith("ipi-mtd: ")
        ]

    def left(self, seconds=5.0):
        """What is still there of the run after a while: processes and the socket."""
        deadline = time.monotonic() + seconds
        while left := [*_processes_in(self.directory), *filter(Path.exists, [self.socket])]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return left

    def end(self):
        """End what a test has left."""
        for process in _processes_in(self.directory):
            process.kill()
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.socket.unlink(missing_ok=True)


def _processes_in(directory):
    found = []
    for process in psutil.process_iter():
        try:
            inside = Path(process.cwd()).is_relative_to(directory)
        except (psutil.Error, OSError):
            continue
        if inside and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@pytest.fixture
def launched(tmp_path, exported):
    """A directory to launch in; what a test leaves running is ended."""
    launched = Launched(tmp_path, exported / "histo-cv.pt")
    yield launched
    launched.end()


@pytest.fixture(scope="module")
def finished(tmp_path_factory, exported):
    """A run of 95 steps that was launched from another directory, and its status and lines."""
    launched = Launched(tmp_path_factory.mktemp("finished"), exported / "histo-cv.pt")
    launched.write(95).socket.touch()
    launched.socket.unlink()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(launched.socket))
    result = launched.start().finish()
    left = launched.left()
    yield launched, result, left
    launched.end()


def test_both_run_to_the_end_and_nothing_is_left(finished):
    launched, (status, lines), left = finished
    assert (status, left) == (0, [])
    assert lines == [f"ipi-mtd: {launched.socket}: removed, nobody was listening"]
    assert len(read_hills(launched.run / "HILLS")) == 3
    assert (launched.run / "RESTART").exists()
    assert "EXIT after step 95, 3 hills" in (launched.run / "ipi-mtd.log").read_text()


def test_the_extras_come_out_in_the_trajectory_of_i_pi(finished):
    run = finished[0].run
    theirs = np.loadtxt(run / "lj38.extras_0")  # a row each 10 steps, the first of step 0
    ours = read_colvar(run / "COLVAR")
    np.testing.assert_allclose(theirs[:, 0], ours["cv1"], rtol=1e-7)
    np.testing.assert_allclose(theirs[:, 1], ours["cv2"], rtol=1e-7)


def test_the_restart_file_is_an_input_that_goes_on(finished):
    launched = finished[0]
    restart = launched.run / "RESTART"
    text = restart.read_text().replace("<total_steps>95<", "<total_steps>125<")
    restart.write_text(text)
    assert launched.start("--quiet", input_xml="../run/RESTART").finish() == (0, [])
    colvar = read_colvar(launched.run / "COLVAR")
    np.testing.assert_allclose(colvar["time"], 0.025 * np.arange(13), atol=1e-12)
    assert len(read_hills(launched.run / "HILLS")) == 4
    assert launched.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_both_and_i_pi_writes_its_restart(launched, number):
    launched.write(100_000).start().wait_for_rows(11)
    begin = time.monotonic()
    launched.process.send_signal(number)
    status, lines = launched.finish()
    assert time.monotonic() - begin < 15.0
    assert status == 130
    assert lines == [
        "ipi-mtd: interrupted: stopping i-PI, which writes its RESTART",
        "ipi-mtd: interrupted",
    ]
    assert (launched.run / "RESTART").exists()
    assert "i-PI said EXIT" in (launched.run / "ipi-mtd.log").read_text()
    assert launched.left() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the children")
def test_a_killed_launcher_leaves_no_orphans(launched):
    launched.write(100_000).start().wait_for_rows(2)
    launched.process.kill()
    assert launched.finish()[0] == -signal.SIGKILL
    left = launched.left(10.0)
    assert [each for each in left if each != launched.socket] == []


def test_a_driver_that_cannot_start_ends_i_pi(launched):
    (launched.directory / "model.pt").write_text("not a model")
    launched.model = launched.directory / "model.pt"
    status, (line,) = launched.write(1000).start().finish()
    assert status == 1
    assert line.startswith(f"ipi-mtd: the driver failed: {launched.model}: this is not a model")
    assert launched.left() == []


def test_an_i_pi_that_cannot_start_ends_the_driver(launched):
    wrong = ('filename="extras"', 'filename="out"')
    begin = time.monotonic()
    status, (line,) = launched.write(1000, wrong).start().finish()
    assert time.monotonic() - begin < 30.0
    assert status == 1
    assert line.startswith("ipi-mtd: i-PI failed: ")
    assert launched.left() == []


def test_what_i_pi_refuses_is_said_before_anything_starts(launched):
    wrong = ("<total_steps>", "<wishes> 3 </wishes> <total_steps>")
    status, (line,) = launched.write(1000, wrong).start().finish()
    assert status == 1
    assert "input.xml: i-PI says: Tag name 'wishes' is not a recognized property of" in line
    assert not (launched.directory / "run").exists()
    assert launched.left() == []


def test_a_killed_driver_is_started_again_and_the_run_goes_on(launched):
    launched.write(150).start("--retries", "1").wait_for_rows(4)
    launched.child("ipi_mtd").kill()
    status, lines = launched.finish()
    assert (status, launched.left()) == (0, [])
    assert lines == ["ipi-mtd: the driver was killed (signal 9): starting it again"]
    times = read_colvar(launched.run / "COLVAR")["time"]
    np.testing.assert_allclose(times, 0.025 * np.arange(16), atol=1e-12)
    assert len(read_hills(launched.run / "HILLS")) == 5


@pytest.mark.parametrize(("victim", "name"), [("ipi_mtd", "the driver"), ("i-pi", "i-PI")])
def test_if_one_is_killed_the_other_ends_and_the_line_says_which(launched, victim, name):
    launched.write(100_000).start().wait_for_rows(2)
    begin = time.monotonic()
    launched.child(victim).kill()
    status, (line,) = launched.finish()
    assert time.monotonic() - begin < 15.0
    assert status == 1
    assert line.startswith(f"ipi-mtd: {name} was killed (SIGKILL), see ")
    assert launched.left() == []


@pytest.fixture
def address():
    """A unix socket's address that nobody uses."""
    address = Address(f"test-{uuid.uuid4().hex}")
    yield address
    address.path.unlink(missing_ok=True)


def test_a_socket_file_that_nobody_listens_at_is_removed(address):
    assert not clear_stale_socket(address)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address.path))
    assert clear_stale_socket(address)
    assert not address.path.exists()


def test_a_socket_that_somebody_listens_at_is_refused_without_disturbing_him(address):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address.path))
        server.listen(1)
        with pytest.raises(UserError, match=f"{address.path}: another i-PI is listening there"):
            clear_stale_socket(address)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_file_that_is_no_socket_is_not_removed(address):
    address.path.write_text("precious")
    with pytest.raises(UserError, match="is in the way of i-PI's socket, and is not a socket"):
        clear_stale_socket(address)
    assert address.path.read_text() == "precious"


def test_an_address_too_long_for_a_unix_socket_is_refused():
    with pytest.raises(UserError, match="too long"):
        clear_stale_socket(Address("x" * 200))
