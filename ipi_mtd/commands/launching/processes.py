"""i-PI and the driver as two processes: started in order, watched, ended together."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ipi_mtd.commands.launching.going_on import ONCE
from ipi_mtd.commands.launching.ipi_log import last_line, what_was_wrong, why_it_stopped
from ipi_mtd.errors import UserError

log = logging.getLogger(__name__)

LOOK_EVERY = 0.1
"""Seconds between two looks at the processes."""

PATIENCE = 10.0
"""Seconds that i-PI is given to end: it takes about one when it waits for no answer."""

GRACE = 3.0
"""Seconds that the driver is given to end after i-PI has."""


class Pair:
    """An i-PI server and the driver that serves it.

    Parameters
    ----------
    driver : the command of the driver
    output : the run directory, where i-PI runs
    ipi_log, driver_log : the files for what they print
    retries : how many times a driver that was killed is started again

    Attributes
    ----------
    ready : whether the driver has loaded everything, and holds the directory
    connected : whether it is connected to i-PI
    """

    def __init__(
        self, driver: Sequence[str], output: Path, ipi_log: Path, driver_log: Path, retries: int
    ) -> None:
        self._driver_command = list(driver)
        self._output = output
        self._retries = retries
        self._ipi: subprocess.Popen[bytes] | None = None
        self._driver: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._unread = b""
        self._said: IO[bytes] | None = None  # by the driver, before it is ready
        self._log_starts: dict[Path, int] = {}
        self._ipi_ended_with: int | None = None  # by itself
        self._lost = False
        self._ipi_log = ipi_log
        self._driver_log = driver_log
        self.ready = self.connected = False

    def start_driver(self) -> None:
        """Let the driver load; nothing is written to the run directory before it is ready."""
        if self._pipe is not None:
            os.close(self._pipe)
        self.ready, self.connected, self._unread = False, False, b""
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        self._log_starts[self._driver_log] = _size(self._driver_log)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (for as long as the driver runs)
        try:
            self._driver = _spawn(
                [*self._driver_command, "--progress-fd", str(theirs)],
                self._said,
                pass_fds=(theirs,),
            )
        finally:
            os.close(theirs)

    def start_ipi(self, input_xml: str) -> None:
        """Start i-PI in the run directory."""
        self._log_starts[self._ipi_log] = _size(self._ipi_log)
        with self._ipi_log.open("ab") as stream:
            self._ipi = _spawn(
                [find_ipi(), input_xml],
                stream,
                cwd=self._output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},  # its last words are not lost
            )

    @property
    def has_ipi(self) -> bool:
        """Whether i-PI has been started."""
        return self._ipi is not None

    def look(self) -> bool:
        """Wait a little; return whether all that was started goes on."""
        assert self._driver is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._driver.wait(LOOK_EVERY)
        if self._ipi is not None:
            self._ipi_ended_with = self._ipi.poll()
            if self._ipi_ended_with is not None:
                return False
        code = self._driver.poll()
        if code is None:
            return True
        if code < 0 and self._retries > 0:
            self._retries -= 1
            log.warning("the driver was killed (signal %d): starting it again", -code)
            if self.ready:  # what was to be done with earlier files has been done
                self._driver_command = [w for w in self._driver_command if w not in ONCE]
            self.start_driver()
            return True
        return False

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the driver has said of the run; its warnings go to the terminal."""
        assert self._pipe is not None
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._pipe, 65536):
                self._unread += data
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "warning" in message:
                log.warning("%s", message["warning"])
            elif "ready" in message:
                self.ready = True
            elif "connected" in message:
                self.connected = True
            elif "lost" in message:
                self._lost = True
            else:
                yield message

    def stop(self) -> None:
        """End both, i-PI first: it writes its RESTART and tells the driver."""
        ipi, driver = self._ipi, self._driver
        if ipi is not None:
            if driver is not None and (driver.poll() == 0 or self._lost):
                _wait(ipi, PATIENCE)  # it is about to end
                self._ipi_ended_with = ipi.poll()
            _terminate(ipi, PATIENCE)
        if driver is not None:
            if ipi is not None:
                _wait(driver, GRACE)
            _terminate(driver, GRACE)
            driver.kill()
            driver.wait()
        if ipi is not None:
            _wait(ipi, PATIENCE)  # if it was waiting for an answer, it no longer is
            ipi.kill()
            ipi.wait()

    def close(self) -> None:
        """Give back what was open, after both have ended."""
        if self._said is not None:
            self._said.close()
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def judge(self) -> str | None:
        """Say what went wrong, after both have ended.

        Returns
        -------
        why : str, optional
            Why i-PI stopped before its last step, if it did so in order.

        Raises
        ------
        UserError
            If i-PI or the driver was killed, ended with an error, or went away without the other
            one's word; the message has the last thing that it said.
        """
        assert self._driver is not None
        if self._ipi is None:
            raise UserError(self._failure_of_driver())
        said = self._since_start(self._ipi_log)
        if self._ipi_ended_with:  # the driver had no choice
            raise UserError(self._failure_of_ipi(self._ipi_ended_with, said))
        if self._ipi_ended_with == 0:
            stopped = why_it_stopped(said)
            if stopped is None and (wrong := what_was_wrong(said)) is not None:
                raise UserError(f"i-PI stopped: {wrong} (see {self._ipi_log})")
            if self._lost and stopped is None:
                raise UserError(self._failure_of_ipi(0, said))
            return stopped
        if self._driver.returncode:
            raise UserError(self._failure_of_driver())
        if self._ipi.returncode:
            raise UserError(self._failure_of_ipi(self._ipi.returncode, said))
        return None

    def _failure_of_ipi(self, code: int, said: str) -> str:
        if code < 0:
            return f"i-PI was killed ({signal.Signals(-code).name}), see {self._ipi_log}"
        reason = what_was_wrong(said) or last_line(said) or f"status {code}"
        return f"i-PI failed: {reason} (see {self._ipi_log})"

    def _failure_of_driver(self) -> str:
        assert self._driver is not None
        assert self._said is not None
        code = self._driver.returncode
        if self.ready:
            said, see = self._since_start(self._driver_log), f" (see {self._driver_log})"
        else:
            self._said.seek(0)
            said, see = self._said.read().decode(errors="replace"), ""
        if code < 0:
            return f"the driver was killed ({signal.Signals(-code).name})" + (
                f", see {self._driver_log}" if see else " while it was loading"
            )
        last = (last_line(said) or f"status {code}").removeprefix("ipi-mtd: ")
        return f"the driver failed: {last}{see}" if self._ipi is not None else last

    def _since_start(self, log_file: Path) -> str:
        with log_file.open("rb") as stream:
            stream.seek(self._log_starts[log_file])
            return stream.read().decode(errors="replace")


def find_ipi() -> str:
    """The program of i-PI.

    Raises
    ------
    UserError
        If i-PI is neither beside Python nor on the PATH.
    """
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("i-pi", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    if found is None:
        raise UserError("i-pi is not installed in this environment: pip install ipi")
    return found


def _spawn(command: list[str], stream: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stream,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us: we end them in order
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        **options,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


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
