"""A walker driven without a server: one propose and one commit for each step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipi_mtd.assembly.run import Run
from ipi_mtd.biased_system import BiasedEvaluation, BiasedSystem
from ipi_mtd.record.run_directory import RunDirectory, Start
from ipi_mtd.structures.structure import Structure
from ipi_mtd.walker import Question, SharedBiases, Walker


@dataclass
class Session:
    """What a connection to i-PI does with a walker."""

    system: BiasedSystem
    shared: SharedBiases
    walker: Walker
    history: RunDirectory | None = None
    structure: Structure | None = None

    def propose(self, structure: Structure) -> BiasedEvaluation:
        """Ask for a structure, and write the answer down."""
        asked = self.walker.asked(structure.positions, structure.cell)
        if not isinstance(asked, Question):
            return asked
        (evaluation,) = self.system.evaluate([asked.structure], [asked.occasion])
        self.walker.answered(evaluation)
        return evaluation

    def commit(self) -> None:
        """Let the answer arrive."""
        self.walker.arrived()

    def close(self) -> None:
        """Release the directory."""
        if self.history is not None:
            self.history.close()

    @property
    def step(self) -> int:
        return self.walker.step

    @property
    def biases(self) -> Any:
        return self.system.terms

    @property
    def n_hills(self) -> int:
        return self.shared.n_deposits


def session_of(run: Run, directory: Path | None = None, start: Start = Start.RESUME) -> Session:
    """A session of a run, written down in a directory if there is one."""
    record = None if directory is None else run.open(directory, start)
    return Session(run.system, run.biases, run.walker(record), record, run.structure)
