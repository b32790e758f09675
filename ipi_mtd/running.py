"""The `run` and `check` commands: one driver, from the configuration to EXIT."""

from __future__ import annotations

import gc
import json
import logging
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ipi_mtd.address import Address
from ipi_mtd.assembly import Run
from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.config import Config
from ipi_mtd.cvs.gradient_check import check_gradients
from ipi_mtd.driver import connect, serve
from ipi_mtd.errors import UserError
from ipi_mtd.guardian import Guardian
from ipi_mtd.history import Start
from ipi_mtd.ipi_input import interpret
from ipi_mtd.ipi_input.agreement import require_agreement
from ipi_mtd.ipi_input.paths import NoSuchFile
from ipi_mtd.structure import Structure
from ipi_mtd.structures import say_cell, say_pbc
from ipi_mtd.wire import Wire

log = logging.getLogger(__name__)

SAY_EVERY = 60.0
"""Seconds between two lines of progress in the log."""

TELL_EVERY = 0.2
"""Seconds between two messages to the process that draws the progress bar."""


def run(
    config: Config, source: Path, output: Path, start: Start, progress_fd: int | None = None
) -> None:
    """Serve i-PI until it says EXIT.

    Parameters
    ----------
    config : the configuration
    source : its file, for messages
    output : where HILLS, COLVAR and the journal go
    start : what to do with the files of an earlier run
    progress_fd : int, optional
        A file descriptor that gets a line of JSON now and then.

    Raises
    ------
    UserError
        If anything is wrong that a user can mend.
    """
    assembled = Run(config, source)
    if found := compare_with_input(config, assembled.structure):
        log.info("%s", found)
    history = assembled.open_history(output, start)
    try:
        log.info("%s", describe(assembled))
        log.info("%s", describe_cell(assembled.structure))
        server = connect(address_of(config), config.socket.patience)
        guardian = Guardian(server)
        connection = Wire(server, len(assembled.structure.types))
        try:
            # nothing of what is loaded by now is ever freed: let no collection look at it
            gc.collect()
            gc.freeze()
            progress = Progress(assembled, progress_fd)
            serve(
                connection, assembled.system, assembled.structure, assembled.cv_names, progress.step
            )
            progress.finish()
        finally:
            connection.close()
            guardian.close()
        log.info("i-PI said EXIT after step %d, %d hills", progress.last, assembled.n_hills)
    finally:
        history.close()


def check(config: Config, source: Path) -> Iterator[str]:
    """Load everything, evaluate the structure of the configuration, and describe it.

    Raises
    ------
    UserError
        If anything is wrong that a user can mend.
    """
    assembled = Run(config, source)
    found = compare_with_input(config, assembled.structure)
    yield describe(assembled)
    if found is not None:
        yield found
    for model in assembled.models.values():
        model.verify(assembled.structure)
    (evaluation,) = assembled.system.evaluate([assembled.structure])
    for name, value in zip(assembled.cv_names, evaluation.s.tolist(), strict=True):
        yield f"{name} = {value:.9g}"
    yield f"potential = {evaluation.potential:.9g} hartree"
    yield f"a force call takes {1e3 * time_of_a_force_call(assembled):.2f} ms"
    yield describe_cell(assembled.structure)
    yield check_derivatives(assembled)


def time_of_a_force_call(assembled: Run, seconds: float = 1.0) -> float:
    """The median over some calls, in seconds.

    The atoms move from call to call: a calculator of ASE answers from memory where they do not.
    """
    rng = np.random.default_rng(0)
    times: list[float] = []
    while len(times) < 3 or (len(times) < 20 and sum(times) < seconds):
        shake = 0.01 * rng.normal(size=assembled.structure.positions.shape)
        moved = replace(assembled.structure, positions=assembled.structure.positions + shake)
        begin = time.perf_counter()
        assembled.system.evaluate([moved])
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def check_derivatives(assembled: Run) -> str:
    """One line on the gradients of the CVs.

    Raises
    ------
    UserError
        If one is not the derivative of its CV.
    """
    checks = check_gradients(
        assembled.cvs.evaluate,
        assembled.cvs.cvs,
        assembled.structure,
        eps=max(model.eps for model in assembled.models.values()),
    )
    wrong = [f"the gradient of {check.name} {check.fault}" for check in checks if check.fault]
    if wrong:
        models = ", ".join(str(model.path) for model in assembled.models.values())
        raise UserError(f"{models}: {'; '.join(wrong)}")
    worst = max(check.deviation for check in checks)
    return f"the gradients of the CVs agree with central differences, to {worst:.1g}"


def compare_with_input(config: Config, structure: Structure) -> str | None:
    """Compare the configuration with i-PI's input, if it names one and it is the one in use.

    Parameters
    ----------
    config : the configuration
    structure : its structure

    Returns
    -------
    str, optional
        What came of it.

    Raises
    ------
    UserError
        If they contradict each other, or the input asks for what the driver cannot serve.
    """
    address, path = address_of(config), config.socket.input
    if path is None:
        return None
    if not path.exists():
        return f"{path}: there is no such i-PI input, so it is not checked"
    try:
        ipi = interpret(path, Path.cwd())
    except NoSuchFile as error:  # i-PI may be started elsewhere
        return f"{error}, so it is not checked"
    if not any(socket.is_at(address) for socket in ipi.sockets):
        return f"{path}: no ffsocket listens at {address}, so it is not checked"
    require_agreement(ipi, config, structure, address)
    return f"{path} agrees"


def address_of(config: Config) -> Address:
    """Where the server of a configuration listens."""
    socket = config.socket
    return Address(socket.address, socket.port if socket.mode == "inet" else None, socket.prefix)


def describe(assembled: Run) -> str:
    """One line on what is loaded and where it runs."""
    models = ", ".join(f"{model.path} on {model.device}" for model in assembled.models.values())
    return (
        f"{len(assembled.structure.types)} atoms; CVs {', '.join(assembled.cv_names)} "
        f"from {models}; potential {assembled.config.potential.kind}"
    )


def describe_cell(structure: Structure) -> str:
    """One line on whether the run is periodic."""
    if not structure.pbc.any():
        return "isolated: the cell that i-PI sends is ignored"
    return f"{say_pbc(structure.pbc)}, with a cell of {say_cell(structure.cell)} here"


class Progress:
    """What a user is told while the run goes on."""

    def __init__(self, assembled: Run, fd: int | None) -> None:
        self._run = assembled
        self._fd = fd
        self._said = self._told = time.monotonic()
        self._said_step = 0
        self._evaluation: BiasedEvaluation | None = None
        self.last = 0

    def step(self, evaluation: BiasedEvaluation) -> None:
        """Called after each step."""
        self._evaluation = evaluation
        self.last = self._run.system.step - 1
        now = time.monotonic()
        if self._fd is not None:
            if now - self._told >= TELL_EVERY:
                self._told = now
                self._tell(evaluation)
        elif now - self._said >= SAY_EVERY:
            pace = (now - self._said) / max(1, self.last - self._said_step)
            self._said, self._said_step = now, self.last
            cvs = zip(self._run.cv_names, evaluation.s.tolist(), strict=True)
            log.info(
                "step %d, %.2f ms/step, %s, %d hills",
                self.last,
                1e3 * pace,
                ", ".join(f"{name} {value:.4g}" for name, value in cvs),
                self._run.n_hills,
            )

    def finish(self) -> None:
        """Called after the last step."""
        if self._fd is not None and self._evaluation is not None:
            self._tell(self._evaluation)

    def _tell(self, evaluation: BiasedEvaluation) -> None:
        message = {
            "step": self.last,
            "hills": self._run.n_hills,
            "bias": sum(evaluation.biases.values()),
            "cvs": dict(zip(self._run.cv_names, evaluation.s.tolist(), strict=True)),
        }
        assert self._fd is not None
        try:
            os.write(self._fd, json.dumps(message).encode() + b"\n")
        except OSError:  # nobody looks any more
            self._fd = None
