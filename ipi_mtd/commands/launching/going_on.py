"""How to go on with a run that has ended: from which checkpoint, with which command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.record.recognition import foresee
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import Interpretation, interpret, read_ipi_input

INPUT = "i-pi-input.xml"
"""The input as i-PI gets it from `launch`, in the run directory."""

ONCE = ("--fresh", "--keep-hills")
"""Options on earlier files, which are not given again to go on."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a later launch has to know of this one.

    Parameters
    ----------
    config : the driver's configuration
    output : the run directory
    hills : the names of the HILLS files
    address : where the driver connects
    options : further words of the command line
    """

    config: Path
    output: Path
    hills: Sequence[str]
    address: Address
    options: Sequence[str]

    def command(self, checkpoint: Path) -> str:
        """The command that goes on from a checkpoint."""
        words = ["ipi-mtd", "launch", str(checkpoint), str(self.config)]
        words += ["--output", str(self.output)]
        return shlex.join([*words, *(word for word in self.options if word not in ONCE)])

    def advice(self) -> str:
        """What to do after i-PI or the driver has ended, or refused to begin."""
        found = self.newest()
        if found is None:
            return "there is no RESTART or checkpoint of this run to go on from"
        if found.step >= found.total_steps:
            return (
                f"all {found.total_steps} steps are done; to do more, raise <total_steps> in "
                f"{found.path}, then `{self.command(found.path)}`"
            )
        return f"to go on from step {found.step}: `{self.command(found.path)}`"

    def newest(self) -> Interpretation | None:
        """The checkpoint of the highest step that is whole and a step of this run."""
        steps = {path: _step(path) for path in _checkpoints(self.output)}
        for path in sorted(steps, key=lambda path: (-steps[path], path.name != "RESTART", path)):
            if steps[path] > 0 and (found := self._usable(path)) is not None:
                return found
        return None

    def _usable(self, path: Path) -> Interpretation | None:
        try:
            found = interpret(path, Path.cwd())
            sent = found.sent_to(self.address)
            foresee(self.output, sent.positions, sent.cell, self.hills, begins=False)
        except UserError:
            return None
        return found


def _checkpoints(directory: Path) -> Iterator[Path]:
    """What i-PI has written to start from, under whatever name."""
    for path in sorted(directory.glob("*")):
        if path.is_file() and path.name != INPUT:
            with path.open("rb") as file:
                if b"<simulation" in file.read(4096):
                    yield path


def _step(path: Path) -> int:
    """The step of a checkpoint, -1 if it is not whole."""
    try:
        return int(read_ipi_input(path).root.findtext("step", "-1"))
    except (UserError, ValueError):
        return -1
