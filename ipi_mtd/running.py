"""The `run` command: one driver, from the configuration to EXIT."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

from ipi_mtd.address import Address
from ipi_mtd.assembly import Run
from ipi_mtd.config import Config
from ipi_mtd.driver import connect, serve
from ipi_mtd.guardian import Guardian
from ipi_mtd.history import Start
from ipi_mtd.ipi_input import interpret
from ipi_mtd.ipi_input.agreement import require_agreement
from ipi_mtd.ipi_input.paths import NoSuchFile
from ipi_mtd.progress import Launcher, Progress
from ipi_mtd.structure import Structure
from ipi_mtd.structures import say_cell, say_pbc
from ipi_mtd.wire import ProtocolError, Wire

log = logging.getLogger(__name__)


def run(
    config: Config, source: Path, output: Path, start: Start, launcher: Launcher | None = None
) -> None:
    """Serve i-PI until it says EXIT.

    Parameters
    ----------
    config : the configuration
    source : its file, for messages
    output : where HILLS, COLVAR and the journal go
    start : what to do with the files of an earlier run
    launcher : the process that has started this one and starts i-PI when it is ready

    Raises
    ------
    UserError
        If anything is wrong that a user can mend.
    """
    assembled = Run(config, source)
    if launcher is not None:
        launcher.forward_warnings()
    elif compared := compare_with_input(config, assembled.structure):
        log.info("%s", compared)
    history = assembled.open_history(output, start)
    try:
        if launcher is not None:
            launcher.ready(output)
        log.info("%s", describe(assembled))
        log.info("%s", describe_cell(assembled.structure))
        progress = Progress(assembled, launcher)
        try:
            _serve(assembled, progress, launcher)
        except ProtocolError as error:
            if launcher is not None:
                launcher.tell(lost=str(error))
            raise
        finally:
            progress.finish()
        log.info("i-PI said EXIT after step %d, %d hills", progress.last, assembled.n_hills)
    finally:
        history.close()


def _serve(assembled: Run, progress: Progress, launcher: Launcher | None) -> None:
    config = assembled.config
    server = connect(address_of(config), config.socket.patience)
    if launcher is not None:
        launcher.tell(connected=True)
    guardian = Guardian(server)
    connection = Wire(server, len(assembled.structure.types))
    try:
        # nothing of what is loaded by now is ever freed: let no collection look at it
        gc.collect()
        gc.freeze()
        serve(connection, assembled.system, assembled.structure, assembled.cv_names, progress.step)
    finally:
        connection.close()
        guardian.close()


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
