"""i-PI, drivers and launchers as processes, in a directory and at an address of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.harness.inputs import ROOT
from tests.harness.tables import read_rows

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

Process = subprocess.Popen[str]


def unused_address() -> str:
    """A name for a unix socket that no other test has, in this session or in another."""
    return f"test-{uuid.uuid4().hex[:12]}"


def socket_file(address: str) -> Path:
    """Where i-PI makes the socket of that name."""
    return Path(f"/tmp/ipi_{address}")


@contextmanager
def reserved_port() -> Iterator[int]:
    """A TCP port of 127.0.0.1 that no one else is given as long as the context lasts.

    It is bound and never listened at: Linux lets i-PI, which sets SO_REUSEADDR too, listen there.
    """
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def processes_in(directory: Path) -> list[psutil.Process]:
    """The processes that work in a directory, but for the one of the tests."""
    found = []
    for process in psutil.process_iter():
        try:
            inside = Path(process.cwd()).is_relative_to(directory)
            running = process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue
        if inside and running and process.pid != os.getpid():
            found.append(process)
    return found


def finish(*processes: Process, patience: float = 120.0) -> list[int]:
    """Wait for processes; those that hang are killed, which the exit status then shows."""
    deadline = time.monotonic() + patience
    codes = []
    for process in processes:
        try:
            codes.append(process.wait(max(0.1, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            process.kill()
            codes.append(process.wait())
    return codes


def wait_for_rows(colvar: Path, n_rows: int, writer: Process, patience: float = 120.0) -> None:
    """Wait until COLVAR has so many rows, and as long as its writer is alive."""
    deadline = time.monotonic() + patience
    while not colvar.exists() or colvar.read_bytes().count(b"\n") <= n_rows:
        assert writer.poll() is None, f"it ended with {writer.poll()} before row {n_rows}"
        assert time.monotonic() < deadline, f"no row {n_rows} of {colvar} in time"
        time.sleep(0.01)


@dataclass
class Site:
    """A directory and an address where processes of a test work, which end with it.

    What a process prints is appended to a file: ``i-pi.log``, ``driver.log``, ``launch.log``.
    """

    directory: Path
    address: str = field(default_factory=unused_address)
    port: int | None = None
    started: list[Process] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        """The file of i-PI's socket."""
        return socket_file(self.address)

    def write(self, name: str, text: str) -> Path:
        """Make a file, and the directories above it."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(
        self, *command: object, log: str | None = None, directory: Path | None = None
    ) -> Process:
        """Start a process, here or elsewhere; without a log its output is a pair of pipes."""
        directory = directory or self.directory
        with ExitStack() as stack:
            stream = subprocess.PIPE
            if log is not None:
                stream = stack.enter_context((directory / log).open("ab"))
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=directory,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                text=True,
            )
        self.started.append(process)
        return process

    def ipi(self, file: str = "input.xml", directory: Path | None = None) -> Process:
        """Start i-PI."""
        return self.start(BIN / "i-pi", file, log="i-pi.log", directory=directory)

    def driver(
        self, *options: str | Path, config: str = "lj38.toml", largest_file: int | None = None
    ) -> Process:
        """Start the driver at the address, which may write files of so many bytes."""
        limit = [] if largest_file is None else ["prlimit", f"--fsize={largest_file}"]
        command = [*limit, sys.executable, "-m", "ipi_mtd", "run", config]
        port = [] if self.port is None else ["--port", self.port]
        address = ["--address", self.address, *port]
        return self.start(*command, *address, *options, log="driver.log")

    def launch(self, *arguments: str | Path) -> Process:
        """Start ``ipi-mtd launch``."""
        return self.start(sys.executable, "-m", "ipi_mtd", "launch", *arguments, log="launch.log")

    def log(self, name: str) -> str:
        """What a process has printed."""
        return (self.directory / name).read_text()

    def read(self, name: str) -> bytes:
        """A file, byte by byte."""
        return (self.directory / name).read_bytes()

    def rows(self, name: str) -> list[list[float]]:
        """The rows of HILLS or COLVAR."""
        return read_rows(self.directory / name).tolist()

    def wait_for_rows(self, n_rows: int) -> None:
        """Wait until COLVAR has so many rows, while what was started last is alive."""
        wait_for_rows(self.directory / "COLVAR", n_rows, self.started[-1])

    def clear_socket(self) -> None:
        """Remove the file that an i-PI leaves behind when it is killed."""
        self.socket.unlink(missing_ok=True)

    def end(self) -> None:
        """End whatever is still running, also what a launcher has started."""
        for process in processes_in(self.directory):
            process.kill()
        for process in self.started:
            process.kill()
            process.communicate()
        self.clear_socket()
