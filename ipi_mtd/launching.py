"""The `launch` command: i-PI and the driver as two processes that end together."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tqdm.contrib.logging import logging_redirect_tqdm

from ipi_mtd.address import Address
from ipi_mtd.assembly import structure_of
from ipi_mtd.config import Config
from ipi_mtd.errors import UserError
from ipi_mtd.history import require_unused
from ipi_mtd.ipi_input import interpret, read_ipi_input
from ipi_mtd.ipi_input.agreement import require_agreement
from ipi_mtd.progress_bar import ProgressBar
from ipi_mtd.running import address_of

log = logging.getLogger(__name__)

LOOK_EVERY = 0.1
"""Seconds between two looks at the processes."""

PATIENCE = 10.0
"""Seconds that i-PI is given to end: it takes about one when it waits for no answer."""

GRACE = 3.0
"""Seconds that the driver is given to end after i-PI has."""


def launch(
    input_xml: Path,
    config_path: Path,
    config: Config,
    output: Path,
    arguments: list[str],
    *,
    retries: int,
    quiet: bool,
) -> None:
    """Run i-PI and the driver until i-PI has done its steps.

    Parameters
    ----------
    input_xml : i-PI's input
    config_path : the driver's configuration
    config : its content, with what the command line overrides
    output : where both run
    arguments : more of the command line, for the driver
    retries : how many times a driver that was killed is started again
    quiet : whether to leave out the progress bar

    Raises
    ------
    UserError
        If something is wrong with the input, or one of the processes failed.
    """
    address = address_of(config)
    ipi = interpret(input_xml, Path.cwd())
    require_agreement(ipi, config, structure_of(config), address)
    content = read_ipi_input(input_xml).with_absolute_paths(Path.cwd())
    require_unused(output)
    if clear_stale_socket(address):
        log.info("%s: removed, nobody was listening", address.path)
    ours = output / "i-pi-input.xml"
    try:
        output.mkdir(parents=True, exist_ok=True)
        content.write(ours)
    except OSError as error:
        raise UserError(f"{error.filename or output}: {error.strerror}") from error

    pair = Pair(ours, config_path, output, arguments, retries)
    bar = ProgressBar(ipi, config, quiet)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with logging_redirect_tqdm():  # a message does not share its line with the bar
            pair.start()
            while pair.look():
                bar.show(pair.progress())
            bar.show(pair.progress())
    except KeyboardInterrupt:
        bar.close()
        log.info("interrupted: stopping i-PI, which writes its RESTART")
        raise
    finally:
        bar.close()
        pair.stop()
        clear_stale_socket(address)
        signal.signal(signal.SIGTERM, previous)
    pair.judge()


class Pair:
    """An i-PI server and the driver that serves it."""

    def __init__(
        self, ipi_input: Path, config: Path, output: Path, arguments: list[str], retries: int
    ) -> None:
        self._output = output
        self._ipi_command = [_find_ipi(), ipi_input.name]
        self._driver_command = [
            *(sys.executable, "-m", "ipi_mtd", "run", str(config), "--output", str(output)),
            *arguments,
        ]
        self._retries = retries
        self._ipi: subprocess.Popen[bytes] | None = None
        self._driver: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._unread = b""
        self._log_starts: dict[Path, int] = {}
        self._ipi_ended_with: int | None = None
        self.ipi_log = output / "i-pi.log"
        self.driver_log = output / "ipi-mtd.log"

    def start(self) -> None:
        """Start both."""
        self._ipi = self._spawn(self._ipi_command, self.ipi_log, cwd=self._output)
        self._start_driver()

    def look(self) -> bool:
        """Wait a little; return whether both go on."""
        assert self._ipi is not None
        assert self._driver is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._driver.wait(LOOK_EVERY)
        self._ipi_ended_with = self._ipi.poll()
        code = self._driver.poll()
        if self._ipi_ended_with is not None:
            return False
        if code is None:
            return True
        if code < 0 and self._retries > 0:
            self._retries -= 1
            log.warning("the driver was killed (signal %d): starting it again", -code)
            # what was to be done with earlier files has been done
            self._driver_command = [
                word for word in self._driver_command if word not in ("--fresh", "--keep-hills")
            ]
            self._start_driver()
            return True
        return False

    def progress(self) -> dict[str, Any] | None:
        """The newest message of the driver, None if there is none."""
        assert self._pipe is not None
        with contextlib.suppress(BlockingIOError):
            self._unread += os.read(self._pipe, 65536)
        *lines, self._unread = self._unread.split(b"\n")
        return json.loads(lines[-1]) if lines else None

    def stop(self) -> None:
        """End both, i-PI first: it writes its RESTART and tells the driver."""
        ipi, driver = self._ipi, self._driver
        if ipi is not None:
            if driver is not None and driver.poll() == 0:
                _wait(ipi, PATIENCE)  # it said EXIT, and is about to end
            _terminate(ipi, PATIENCE)
        if driver is not None:
            _wait(driver, GRACE)
            _terminate(driver, GRACE)
            driver.kill()
            driver.wait()
        if ipi is not None:
            _wait(ipi, PATIENCE)  # if it was waiting for an answer, it no longer is
            ipi.kill()
            ipi.wait()
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def judge(self) -> None:
        """Say what went wrong, after both have ended.

        Raises
        ------
        UserError
            If one of them failed.
        """
        assert self._ipi is not None
        assert self._driver is not None
        if self._ipi_ended_with:  # the driver had no choice
            raise UserError(self._failure("i-PI", self._ipi_ended_with, self.ipi_log))
        if self._driver.returncode:
            raise UserError(self._failure("the driver", self._driver.returncode, self.driver_log))
        if self._ipi.returncode:
            raise UserError(self._failure("i-PI", self._ipi.returncode, self.ipi_log))

    def _failure(self, who: str, code: int, log_file: Path) -> str:
        if code < 0:
            return f"{who} was killed ({signal.Signals(-code).name}), see {log_file}"
        with log_file.open("rb") as stream:
            stream.seek(self._log_starts[log_file])
            lines = stream.read().decode(errors="replace").strip().splitlines()
        last = lines[-1].removeprefix("ipi-mtd: ") if lines else f"status {code}"
        return f"{who} failed: {last} (see {log_file})"

    def _start_driver(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
        self._unread = b""
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            self._driver = self._spawn(
                [*self._driver_command, "--progress-fd", str(theirs)],
                self.driver_log,
                pass_fds=(theirs,),
            )
        finally:
            os.close(theirs)

    def _spawn(self, command: list[str], log_file: Path, **options: Any) -> subprocess.Popen[bytes]:
        with log_file.open("ab") as stream:
            self._log_starts[log_file] = stream.tell()
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we end them in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                **options,
            )


def clear_stale_socket(address: Address) -> bool:
    """Remove the file of a unix socket that nobody listens at; return whether there was one.

    Raises
    ------
    UserError
        If somebody does, or something else is there.
    """
    if address.port is not None:
        return False
    if address.path.exists() and not address.path.is_socket():
        raise UserError(f"{address.path}: is in the way of i-PI's socket, and is not a socket")
    # a socket of another kind learns whether somebody is there without connecting to him
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(address.path))
        except FileNotFoundError:
            return False
        except ConnectionRefusedError:
            address.path.unlink(missing_ok=True)
            return True
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise UserError(f"{address.path}: {error.strerror or error}") from error
    raise UserError(f"{address.path}: another i-PI is listening there; give this one its own name")


def _find_ipi() -> str:
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("i-pi", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    if found is None:
        raise UserError("i-pi is not installed in this environment: pip install ipi")
    return found


def _terminate(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ask a process to end."""
    if process.poll() is None:
        process.terminate()
        _wait(process, patience)


def _wait(process: subprocess.Popen[bytes], patience: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)


def _die_with_parent() -> None:
    """In the child: ask Linux for a SIGTERM when the launcher is killed.

    Linux may send it again as the launcher's other threads end, and at the second one i-PI ends
    without writing its RESTART.
    """
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
