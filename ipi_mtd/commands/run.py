"""The `run` command: one driver, from the configuration to EXIT."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

import torch

from ipi_mtd.assembly.address import address_of
from ipi_mtd.assembly.agreement import compare_with_input, require_virial
from ipi_mtd.assembly.describe import describe, describe_cell
from ipi_mtd.assembly.run import Run
from ipi_mtd.commands.progress import Launcher, Progress
from ipi_mtd.config import RunConfig
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server.connecting import connect
from ipi_mtd.server.conversation import Conversation, serve
from ipi_mtd.server.guardian import Guardian
from ipi_mtd.server.wire import ProtocolError, Wire
from ipi_mtd.walker import Walker

log = logging.getLogger(__name__)


def run(
    config: RunConfig,
    output: Path,
    start: Start,
    launcher: Launcher | None = None,
    barostat: str | None = None,
) -> None:
    """Serve i-PI until it says EXIT.

    Parameters
    ----------
    config : the configuration
    output : where HILLS, COLVAR and the journal go
    start : what to do with the files of an earlier run
    launcher : the process that has started this one and starts i-PI when it is ready
    barostat : where i-PI's input has one, as the launcher has found

    Raises
    ------
    UserError
        If the configuration is not complete, does not fit i-PI's input or the files of an earlier
        run, or if i-PI cannot be reached or breaks off.
    """
    torch.set_num_threads(config.threads)
    assembled = Run(config)
    missing_virial = assembled.system.potential.missing_virial(assembled.structure)
    if launcher is not None:
        require_virial(barostat, missing_virial)
        launcher.forward_warnings()
        if missing_virial is not None:  # the potential has warned before
            launcher.tell(warning=missing_virial)
    elif compared := compare_with_input(config, assembled.structure, missing_virial):
        log.info("%s", compared)
    record = assembled.open(output, start)
    try:
        if launcher is not None:
            launcher.ready(output)
        log.info("%s", describe(assembled))
        log.info("%s", describe_cell(assembled.structure))
        walker = assembled.walker(record)
        progress = Progress(assembled, walker, launcher)
        try:
            _serve(config, assembled, walker, progress, launcher)
        except ProtocolError as error:
            if launcher is not None:
                launcher.tell(lost=str(error))
            raise
        finally:
            progress.finish()
        n_hills = assembled.biases.n_deposits
        log.info("i-PI said EXIT after step %d, %d hills", progress.last, n_hills)
    finally:
        record.close()


def _serve(
    config: RunConfig, assembled: Run, walker: Walker, progress: Progress, launcher: Launcher | None
) -> None:
    server = connect(address_of(config), config.socket.patience)
    if launcher is not None:
        launcher.tell(connected=True)
    guardian = Guardian(server)
    connection = Wire(server, len(assembled.structure.types))
    try:
        # nothing of what is loaded by now is ever freed: let no collection look at it
        gc.collect()
        gc.freeze()
        conversation = Conversation(walker, assembled.cv_names, progress.step)
        serve(connection, conversation, assembled.system)
    finally:
        connection.close()
        guardian.close()
