"""The `run` command: one driver, from the configuration to EXIT."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

from ipi_mtd.assembly.address import address_of
from ipi_mtd.assembly.agreement import compare_with_input, require_virial
from ipi_mtd.assembly.describe import describe, describe_cell
from ipi_mtd.assembly.run import Run
from ipi_mtd.commands.progress import Launcher, Progress
from ipi_mtd.config import Config
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server.conversation import connect, serve
from ipi_mtd.server.guardian import Guardian
from ipi_mtd.server.wire import ProtocolError, Wire

log = logging.getLogger(__name__)


def run(
    config: Config,
    source: Path,
    output: Path,
    start: Start,
    launcher: Launcher | None = None,
    barostat: str | None = None,
) -> None:
    """Serve i-PI until it says EXIT.

    Parameters
    ----------
    config : the configuration
    source : its file, for messages
    output : where HILLS, COLVAR and the journal go
    start : what to do with the files of an earlier run
    launcher : the process that has started this one and starts i-PI when it is ready
    barostat : where i-PI's input has one, as the launcher has found

    Raises
    ------
    UserError
        If anything is wrong that a user can mend.
    """
    assembled = Run(config, source)
    missing_virial = assembled.system.potential.missing_virial(assembled.structure)
    if launcher is not None:
        require_virial(barostat, missing_virial)
        launcher.forward_warnings()
        if missing_virial is not None:  # the potential has warned before
            launcher.tell(warning=missing_virial)
    elif compared := compare_with_input(config, assembled.structure, missing_virial):
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
