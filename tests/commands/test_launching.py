"""i-PI and the driver as two processes that end together, whatever ends first."""

import os
import re
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from ipi_mtd.commands.cli import cli
from ipi_mtd.commands.launching.going_on import Continuation
from ipi_mtd.commands.launching.processes import Pair
from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import read_hills
from ipi_mtd.record.journal import Journal
from ipi_mtd.server.address import Address
from ipi_mtd.server.listening import clear_stale_socket
from tests.harness.inputs import OCTAHEDRON, example_input
from tests.harness.ipi import BIN, Site, processes_in, unused_address, wait_for_rows

ROOT = Path(__file__).parents[2]


@dataclass(kw_only=True)
class Launched(Site):
    """A directory with inputs in which `ipi-mtd launch` is run."""

    model: Path
    said: str = ""

    @classmethod
    def at(cls, site, models):
        """The same place; what is started there ends with the site."""
        return cls(site.directory, site.address, started=site.started, model=models / "histo-cv.pt")

    @property
    def run(self):
        """The run directory."""
        return self.directory / "run"

    @property
    def process(self):
        """The launcher that was started last."""
        return self.started[-1]

    def write_inputs(self, steps, *changes):
        """Write i-PI's input as the example has it, its structure a directory above."""
        text = example_input(
            self.address,
            steps,
            ("<checkpoint", "<!-- checkpoint"),
            ('overwrite="True"/>', "-->"),
            ("lj38/octahedron.xyz", "structures/octahedron.xyz"),
            *changes,
        )
        self.write("inputs/input.xml", text)
        self.write("structures/octahedron.xyz", OCTAHEDRON.read_text())
        self.write("elsewhere/nothing", "")
        return self

    def launch(self, *options, input_xml="../inputs/input.xml"):
        """Start the launcher in some other directory, its output a pair of pipes."""
        config = os.path.relpath(ROOT / "inputs/lj38.toml", self.directory / "elsewhere")
        self.start(
            *(sys.executable, "-m", "ipi_mtd", "launch", input_xml, config),
            *("--address", self.address, "--model", self.model, "--output", "../run"),
            *options,
            directory=self.directory / "elsewhere",
        )
        return self

    def wait_for_rows(self, n_rows):
        """Wait until COLVAR has so many rows."""
        wait_for_rows(self.run / "COLVAR", n_rows, self.process)

    def child(self, name):
        """One of the two processes."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if name in " ".join(child.cmdline())]
        return found

    def finish(self, seconds=120):
        """Wait for the launcher; its status and what it said, without the progress bar."""
        out, err = self.process.communicate(timeout=seconds)
        assert out == ""
        self.said = err
        return self.process.returncode, [
            line for line in err.splitlines() if line.startswith("ipi-mtd: ")
        ]

    def left(self, seconds=5.0):
        """What is still there of the run after a while: processes and the socket."""
        deadline = time.monotonic() + seconds
        while left := [*processes_in(self.directory), *filter(Path.exists, [self.socket])]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return left


@pytest.fixture
def launched(site, exported):
    """A directory to launch in; what a test leaves running is ended."""
    return Launched.at(site, exported)


@pytest.fixture(scope="module")
def finished(new_site, exported):
    """A run of 95 steps that was launched from another directory, and its status and lines."""
    launched = Launched.at(new_site("finished"), exported).write_inputs(95)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(launched.socket))
    result = launched.launch().finish()
    return launched, result, launched.left()


def test_both_run_to_the_end_and_nothing_is_left(finished):
    launched, (status, lines), left = finished
    assert (status, left) == (0, [])
    assert lines[0] == f"ipi-mtd: {launched.socket}: removed, nobody was listening"
    assert len(read_hills(launched.run / "HILLS")) == 3
    assert (launched.run / "RESTART").exists()
    assert "EXIT after step 95, 3 hills" in (launched.run / "ipi-mtd.log").read_text()


def test_at_the_end_it_says_what_came_out_and_how_to_go_on(finished):
    _, (_, lines), _ = finished
    assert re.fullmatch(
        r"ipi-mtd: steps 0 to 95 in \d+\.\d s \(\d+\.\d\d ms/step, .* ns/day\), 3 hills", lines[1]
    )
    assert lines[2] == (
        "ipi-mtd: in ../run: HILLS, COLVAR, lj38.extras_0, lj38.out, lj38.pos_0.extxyz"
    )
    start, command = lines[3].split("`")[:2]
    assert start == (
        "ipi-mtd: all 95 steps are done; to do more, raise <total_steps> in ../run/RESTART, then "
    )
    assert command.startswith("ipi-mtd launch ../run/RESTART ")
    assert "--output ../run" in command
    assert len(lines) == 4


def test_the_extras_come_out_in_the_trajectory_of_i_pi(finished):
    run = finished[0].run
    theirs = np.loadtxt(run / "lj38.extras_0")  # a row each 10 steps, the first of step 0
    ours = read_colvar(run / "COLVAR")
    np.testing.assert_allclose(theirs[:, 0], ours["cv1"], rtol=1e-7)
    np.testing.assert_allclose(theirs[:, 1], ours["cv2"], rtol=1e-7)


def test_where_there_is_no_terminal_every_line_is_there_once_and_whole(finished):
    launched, (_, lines), _ = finished
    assert launched.said == "".join(f"{line}\n" for line in dict.fromkeys(lines))


@pytest.fixture
def continuation(finished, tmp_path):
    """The finished run in a directory of its own, and how to go on with it."""
    launched = finished[0]
    shutil.copytree(launched.run, tmp_path / "run")
    address = Address(launched.address)
    return Continuation(Path("a b.toml"), tmp_path / "run", ["HILLS"], address, ["--fresh"])


def checkpoint(continuation, name, step, *, of_another_run=False):
    """A checkpoint of that step, with the positions of the last one."""
    restart = (continuation.output / "RESTART").read_text()
    text = restart.replace("<step>95<", f"<step>{step}<").replace(
        "<total_steps>95<", "<total_steps>200<"
    )
    if of_another_run:
        text = re.sub(r"(<q [^>]*>\s*\[)\s*[^,]*,", r"\1 77.0,", text)
    (continuation.output / name).write_text(text)


def test_to_go_on_it_takes_the_newest_checkpoint_that_is_whole_and_of_this_run(continuation):
    run = continuation.output
    checkpoint(continuation, "lj38.chk_3", 70)
    checkpoint(continuation, "lj38.chk_4", 80)
    checkpoint(continuation, "lj38.chk_5", 90, of_another_run=True)
    (run / "RESTART").write_bytes((run / "RESTART").read_bytes()[:-200])
    assert continuation.advice() == (
        f"to go on from step 80: `ipi-mtd launch {run}/lj38.chk_4 'a b.toml' --output {run}`"
    )


@pytest.mark.parametrize("content", ["", "<simulation> <step>95</step>"])
def test_without_a_checkpoint_that_is_said(continuation, content):
    (continuation.output / "RESTART").write_text(content)
    assert continuation.advice() == "there is no RESTART or checkpoint of this run to go on from"


def everything(directory):
    """All files of a directory, byte by byte, and when they were changed."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir()}


def refused(launched, *options, input_xml, monkeypatch):
    """Launch in this process, where a driver must not even be started; what is said."""
    monkeypatch.chdir(launched.directory / "elsewhere")
    monkeypatch.setattr(Pair, "start_driver", lambda _: pytest.fail("a driver was started"))
    command = ["launch", input_xml, str(ROOT / "inputs/lj38.toml"), "--output", "../run"]
    command += ["--address", launched.address, "--model", str(launched.model), *options]
    before = everything(launched.run)
    error = CliRunner().invoke(cli, command).exception
    assert everything(launched.run) == before
    return str(error)


def test_the_same_input_again_is_refused_with_the_command_to_go_on(finished, monkeypatch):
    said = refused(finished[0], input_xml="../inputs/input.xml", monkeypatch=monkeypatch)
    assert "i-PI begins at step 0 again, but this run is at step 95 and would lose 3 hills" in said
    assert "begin anew with --fresh" in said
    assert "raise <total_steps> in ../run/RESTART, then `ipi-mtd launch ../run/RESTART " in said


def test_a_checkpoint_that_is_not_whole_is_refused_with_one_that_is(finished, monkeypatch):
    half = finished[0].run / "lj38.half"
    half.write_bytes((finished[0].run / "RESTART").read_bytes()[:3000])
    said = refused(finished[0], input_xml="../run/lj38.half", monkeypatch=monkeypatch)
    half.unlink()
    assert said.startswith("../run/lj38.half: is not XML, or not all of it")
    assert "`ipi-mtd launch ../run/RESTART " in said


def test_a_finished_run_is_refused(finished, monkeypatch):
    said = refused(finished[0], input_xml="../run/RESTART", monkeypatch=monkeypatch)
    assert said.startswith("../run/RESTART: <total_steps> is 95, and step 95 is done: raise it")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("<fixcom>", "<wishes> 3 </wishes> <fixcom>"), "i-PI says: .*wishes"),
        (("[ 100, 100, 100 ]", "[ 100, 100 ]"), "i-PI says: "),
        (("octahedron.xyz", "icosahedron.xyz"), "are those of no step of this run"),
        (("> 2.5 <", "> 3.5 <"), "<timestep> is 3.5 fs"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(finished, monkeypatch, change, reason):
    launched = finished[0]
    shutil.copy(ROOT / "lj38/icosahedron.xyz", launched.directory / "structures")
    text = (launched.directory / "inputs/input.xml").read_text()
    assert change[0] in text
    (launched.directory / "inputs/other.xml").write_text(text.replace(*change))
    said = refused(launched, input_xml="../inputs/other.xml", monkeypatch=monkeypatch)
    assert re.search(reason, said)


def test_a_socket_that_is_in_use_is_refused(finished, monkeypatch):
    launched = finished[0]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(launched.socket))
        server.listen(1)
        said = refused(
            launched, "--fresh", input_xml="../inputs/input.xml", monkeypatch=monkeypatch
        )
    launched.socket.unlink()
    assert said.startswith(f"{launched.socket}: another i-PI is listening there")


def test_a_directory_in_use_is_refused(finished, monkeypatch):
    journal = Journal.existing(finished[0].run / "ipi-mtd.journal")
    said = refused(finished[0], "--fresh", input_xml="../inputs/input.xml", monkeypatch=monkeypatch)
    journal.close()
    assert "another driver is using this run directory" in said


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--model", "no-such.pt"], "ipi-mtd: no-such.pt: there is no such model file"),
        (["--device", "nonsense"], "ipi-mtd: device 'nonsense'"),
    ],
)
def test_what_the_driver_refuses_leaves_the_directory_as_it_was(finished, options, reason):
    launched = finished[0]
    restart = launched.run / "RESTART"
    restart.write_text(restart.read_text().replace("<total_steps>95<", "<total_steps>125<"))
    before = everything(launched.run)
    status, (line,) = launched.launch(*options, input_xml="../run/RESTART").finish()
    assert (status, everything(launched.run)) == (1, before)
    assert line.startswith(reason)
    restart.write_text(restart.read_text().replace("<total_steps>125<", "<total_steps>95<"))
    assert launched.left() == []


def test_the_restart_file_is_an_input_that_goes_on(finished):
    launched = finished[0]
    restart = launched.run / "RESTART"
    text = restart.read_text().replace("<total_steps>95<", "<total_steps>125<")
    restart.write_text(text)
    assert launched.launch("--quiet", input_xml="../run/RESTART").finish() == (0, [])
    colvar = read_colvar(launched.run / "COLVAR")
    np.testing.assert_allclose(colvar["time"], 0.025 * np.arange(13), atol=1e-12)
    assert len(read_hills(launched.run / "HILLS")) == 4
    assert launched.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_both_and_i_pi_writes_its_restart(launched, number):
    launched.write_inputs(100_000).launch().wait_for_rows(11)
    begin = time.monotonic()
    launched.process.send_signal(number)
    status, lines = launched.finish()
    assert time.monotonic() - begin < 15.0
    assert status == 130
    assert lines[0] == "ipi-mtd: interrupted: stopping i-PI, which writes its RESTART"
    assert re.match(r"ipi-mtd: steps 0 to \d+ in .* hills?$", lines[1])
    assert re.match(r"ipi-mtd: to go on from step \d+: `ipi-mtd launch ../run/RESTART ", lines[3])
    assert lines[4:] == ["ipi-mtd: interrupted"]
    assert (launched.run / "RESTART").exists()
    assert "i-PI said EXIT" in (launched.run / "ipi-mtd.log").read_text()
    assert launched.left() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the children")
def test_a_killed_launcher_leaves_no_orphans(launched):
    launched.write_inputs(100_000).launch().wait_for_rows(2)
    launched.process.kill()
    assert launched.finish()[0] == -signal.SIGKILL
    left = launched.left(10.0)
    assert [each for each in left if each != launched.socket] == []


def test_a_driver_that_cannot_start_is_the_error_and_i_pi_is_not_started(launched):
    (launched.directory / "model.pt").write_text("not a model")
    launched.model = launched.directory / "model.pt"
    status, (line,) = launched.write_inputs(1000).launch().finish()
    assert status == 1
    assert line.startswith(f"ipi-mtd: {launched.model}: this is not a model")
    assert not launched.run.exists()
    assert launched.left() == []


def test_an_i_pi_that_stops_at_its_input_ends_the_driver(launched):
    wrong = ('filename="pos" format="ase"', 'filename="pos" cell_units="angstroom"')
    begin = time.monotonic()
    status, (line,) = launched.write_inputs(1000, wrong).launch().finish()
    assert time.monotonic() - begin < 30.0
    assert status == 1
    assert line.startswith(
        "ipi-mtd: i-PI failed: TypeError: angstroom is an undefined unit for kind length. (see "
    )
    assert launched.left() == []


def test_a_killed_driver_is_started_again_and_the_run_goes_on(launched):
    launched.write_inputs(150).launch("--retries", "1").wait_for_rows(4)
    launched.child("ipi_mtd").kill()
    status, lines = launched.finish()
    assert (status, launched.left()) == (0, [])
    assert lines[0] == "ipi-mtd: the driver was killed (signal 9): starting it again"
    assert lines[1].startswith("ipi-mtd: steps 0 to 150 in ")
    times = read_colvar(launched.run / "COLVAR")["time"]
    np.testing.assert_allclose(times, 0.025 * np.arange(16), atol=1e-12)
    assert len(read_hills(launched.run / "HILLS")) == 5


def test_a_missing_driver_of_another_forcefield_is_named_and_waited_for(launched):
    theirs = unused_address()
    socket_of_theirs = (
        f'<ffsocket name="pot" mode="unix"> <address> {theirs} </address> </ffsocket>'
    )
    launched.write_inputs(
        40,
        ("  <system>", f"  {socket_of_theirs}\n  <system>"),
        ('<force forcefield="driver"/>', '<force forcefield="pot"/>'),
        ("</temperature>", '</temperature> <bias> <force forcefield="driver"/> </bias>'),
        ('extra_type="cv1,cv2,bias,potential"> extras', 'extra_type="cv1"> extras_bias'),
    ).launch()
    err = launched.process.stderr
    said = next(line for line in err if "no step for" in line)
    assert f'the driver of its forcefield "pot" at /tmp/ipi_{theirs}' in said
    launcher = launched.process
    launched.start(BIN / "i-pi-py_driver", "-u", "-a", theirs, "-m", "dummy", log="other.log")
    launched.started.append(launcher)
    status, lines = launched.finish()
    assert (status, launched.left()) == (0, [])
    assert lines[0].startswith("ipi-mtd: steps 0 to 40 in ")


@pytest.mark.parametrize(("victim", "name"), [("ipi_mtd", "the driver"), ("i-pi", "i-PI")])
def test_if_one_is_killed_the_other_ends_and_the_line_says_which(launched, victim, name):
    launched.write_inputs(100_000).launch().wait_for_rows(2)
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
    address = Address(unused_address())
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
