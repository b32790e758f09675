"""The `launch` command: i-PI and the driver, from one command line.

Nothing in the run directory is changed before everything is known to fit: i-PI is asked what its
input means, the first structure is looked up in the journal, and the driver has loaded what it
needs, compared it with the run that is there, and holds the directory. Then i-PI is started.
"""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree

from tqdm.contrib.logging import logging_redirect_tqdm

from ipi_mtd.assembly.address import address_of
from ipi_mtd.assembly.agreement import find_barostat, require_agreement
from ipi_mtd.assembly.structure import structure_of
from ipi_mtd.commands.launching.going_on import INPUT, ONCE, Continuation
from ipi_mtd.commands.launching.processes import Pair, find_ipi
from ipi_mtd.commands.launching.progress_bar import ProgressBar
from ipi_mtd.commands.launching.summary import what_came_out
from ipi_mtd.commands.launching.waiting import Watch
from ipi_mtd.commands.log_file import LOG
from ipi_mtd.config import RunConfig
from ipi_mtd.errors import UserError
from ipi_mtd.record.earlier_files import require_unused
from ipi_mtd.record.recognition import NotContinued, foresee
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import Interpretation, interpret, read_ipi_input
from ipi_mtd.server.listening import clear_stale_socket, is_stale

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be run, and known to fit.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    content : its input, with absolute paths
    address : where our driver connects
    """

    ipi: Interpretation
    content: ElementTree[Element]
    address: Address

    @property
    def sockets(self) -> list[Address]:
        """Where i-PI will listen."""
        return [socket.address for socket in self.ipi.sockets if socket.address is not None]


def launch(
    input_xml: Path,
    config_path: Path,
    config: RunConfig,
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
    quiet : whether to leave out the progress bar and the words at the end

    Raises
    ------
    UserError
        If i-PI refuses its input or is not installed, the input and the configuration are not about
        the same run, the run directory holds another run or is in use, a socket is taken, the
        driver cannot load what it needs, or one of the processes failed. Only in the last case
        has a file changed.
    """
    find_ipi()
    hills = config.files_of_biases()
    options = [*arguments, *(["--retries", str(retries)] if retries else [])]
    going_on = Continuation(config_path, output, hills, address_of(config), options)
    plan = _plan(input_xml, config, going_on)
    command = [sys.executable, "-m", "ipi_mtd", "run", str(config_path), "--output", str(output)]
    if (found := find_barostat(plan.ipi, plan.address)) is not None:
        command += ["--barostat", found]
    pair = Pair([*command, *arguments], output, output / "i-pi.log", output / LOG, retries)
    bar = ProgressBar(plan.ipi, config, quiet)
    interrupted = False
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        # on a terminal a message does not share its line with the bar
        with logging_redirect_tqdm() if sys.stderr.isatty() else nullcontext():
            _run(pair, plan, output, bar)
    except KeyboardInterrupt:
        interrupted = True
        bar.close()
        if pair.has_ipi:
            log.info("interrupted: stopping i-PI, which writes its RESTART")
    finally:
        bar.close()
        pair.stop()
        for socket in plan.sockets if pair.has_ipi else ():
            clear_stale_socket(socket)
        signal.signal(signal.SIGTERM, previous)
    for message in pair.messages():
        bar.note(message)
    try:
        stopped = None if interrupted else pair.judge()
    except UserError as error:
        if bar.last is None or bar.last["step"] == 0:  # nothing to go on with
            raise
        raise UserError(f"{error}; {going_on.advice()}") from error
    finally:
        pair.close()
    if bar.first is not None and bar.last is not None and not quiet:
        if stopped is not None:
            where = (bar.last["step"], plan.ipi.total_steps)
            log.info("i-PI stopped after step %d of %d: %s", *where, stopped)
        for line in what_came_out(bar.first, bar.last, config, output, plan.ipi):
            log.info("%s", line)
        log.info("%s", going_on.advice())
    if interrupted:
        raise KeyboardInterrupt


def _plan(input_xml: Path, config: RunConfig, going_on: Continuation) -> Plan:
    """Look at everything that can be looked at without loading the models."""
    address = going_on.address
    ipi = _interpret(input_xml, going_on)
    require_agreement(ipi, config, structure_of(config), address)
    plan = Plan(ipi, read_ipi_input(input_xml).with_absolute_paths(Path.cwd()), address)
    require_unused(going_on.output)
    if not set(going_on.options) & set(ONCE):
        sent = ipi.sent_to(address)
        try:
            foresee(
                going_on.output, sent.positions, sent.cell, going_on.hills, begins=ipi.step == 0
            )
        except NotContinued as error:
            raise UserError(f"{error}; {going_on.advice()}") from error
    for socket in plan.sockets:
        is_stale(socket)
    return plan


def _interpret(input_xml: Path, going_on: Continuation) -> Interpretation:
    try:
        return interpret(input_xml, Path.cwd())
    except UserError as error:
        if input_xml.resolve().parent != going_on.output.resolve():
            raise
        # a RESTART that is not whole
        raise UserError(f"{error}; {going_on.advice()}") from error


def _run(pair: Pair, plan: Plan, output: Path, bar: ProgressBar) -> None:
    """Let the driver load, then start i-PI, then watch both."""
    pair.start_driver()
    while pair.look() and not pair.ready:
        list(pair.messages())
    if not pair.ready:
        return
    try:
        plan.content.write(output / INPUT)
    except OSError as error:
        raise UserError(f"{error.filename or output}: {error.strerror}") from error
    _clear(plan.sockets)
    pair.start_ipi(INPUT)
    watch = Watch(plan.ipi, plan.address)
    going = True
    while going:
        going = pair.look()
        for message in pair.messages():
            bar.show(message)
            watch.moved()
        if pair.connected:
            watch.look()
        else:
            watch.begin()


def _clear(sockets: list[Address]) -> None:
    for socket in sockets:
        if clear_stale_socket(socket):
            log.info("%s: removed, nobody was listening", socket.path)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
