"""What a driver says while it runs: in its log, and to the process that has launched it."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from ipi_mtd.assembly.run import Run
from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.commands.log_file import LOG
from ipi_mtd.walker import Walker

SAY_EVERY = 60.0
"""Seconds between two lines of progress in the log."""

TELL_EVERY = 0.2
"""Seconds between two messages to the launcher."""

log = logging.getLogger(__name__)


class Launcher(logging.Handler):
    """The process that has started this one; it reads messages, a line of JSON each.

    ===========  ==================================================================================
    key          meaning
    ===========  ==================================================================================
    ready        everything is loaded and compared, and the run directory held
    connected    so is the driver, to i-PI
    warning      a warning, for the terminal
    step, ...    how far the run is, see :class:`Progress`
    lost         i-PI went away or does not keep to the protocol
    ===========  ==================================================================================

    Parameters
    ----------
    fd : what it reads from
    """

    def __init__(self, fd: int) -> None:
        super().__init__(logging.WARNING)
        self._fd: int | None = fd

    def forward_warnings(self) -> None:
        """Pass on warnings from now on; what it has read as well, it warns of itself."""
        logging.getLogger("ipi_mtd").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on a warning."""
        self.tell(warning=record.getMessage())

    def ready(self, directory: Path) -> None:
        """Say that i-PI may be started, and from now on write the log in the run directory.

        Before, nothing may be written there: what was said so far is in the launcher's file.
        """
        with (directory / LOG).open("ab") as file:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            said = os.pread(sys.stderr.fileno(), 2**20, 0)
            file.write(said)
            file.flush()
            for stream in (sys.stdout, sys.stderr):
                os.dup2(file.fileno(), stream.fileno())
        self.tell(ready=True)

    def tell(self, **message: Any) -> None:
        """Send a message."""
        if self._fd is None:
            return
        try:
            os.write(self._fd, json.dumps(message).encode() + b"\n")
        except OSError:  # nobody looks any more
            self._fd = None


class Progress:
    """How far the run is: a line in the log now and then, or a message to the launcher.

    Parameters
    ----------
    run : the run
    walker : whose steps are told
    launcher : who wants messages instead of lines
    """

    def __init__(self, run: Run, walker: Walker, launcher: Launcher | None) -> None:
        self._run = run
        self._walker = walker
        self._launcher = launcher
        self._began = time.time()
        self._said = self._told = time.monotonic()
        self._said_step = 0
        self._first: int | None = None
        self._evaluation: BiasedEvaluation | None = None
        self.last = 0

    def step(self, evaluation: BiasedEvaluation) -> None:
        """Called after each step."""
        self._evaluation = evaluation
        self.last = self._walker.step - 1
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = self.last, time.time()
            self._said, self._said_step = now, self.last
        if self._launcher is not None:
            if now - self._told >= TELL_EVERY:
                self._told = now
                self._tell(self._launcher, evaluation)
        elif now - self._said >= SAY_EVERY:
            pace = (now - self._said) / max(1, self.last - self._said_step)
            self._said, self._said_step = now, self.last
            log.info(
                "step %d, %.2f ms/step, %s, %d hills",
                self.last,
                1e3 * pace,
                ", ".join(f"{name} {value:.4g}" for name, value in self._cvs(evaluation).items()),
                self._run.biases.n_deposits,
            )

    def finish(self) -> None:
        """Called after the last step."""
        if self._launcher is not None and self._evaluation is not None:
            self._tell(self._launcher, self._evaluation)

    def _tell(self, launcher: Launcher, evaluation: BiasedEvaluation) -> None:
        launcher.tell(
            first=self._first,
            step=self.last,
            began=self._began,
            now=time.time(),
            hills=self._run.biases.n_deposits,
            bias=sum(evaluation.biases.values()),
            cvs=self._cvs(evaluation),
        )

    def _cvs(self, evaluation: BiasedEvaluation) -> dict[str, float]:
        return dict(zip(self._run.cv_names, evaluation.s.tolist(), strict=True))
