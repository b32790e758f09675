"""A walker: one trajectory, from the positions that are asked for to its history.

Evaluating is one act and making history another. What a walker is asked is evaluated by whoever
holds it, alone or with other walkers' structures as one batch; what it answers is written down
before it is given; and the step becomes history once it is known that the answer arrived.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray, IntArray, coincide
from ipi_mtd.bias import Learned
from ipi_mtd.biased_system import BiasedEvaluation, BiasedSystem, Occasion
from ipi_mtd.files.journal_format import Proposal
from ipi_mtd.record.run_directory import Resumed
from ipi_mtd.record.tables import TableWriter
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure
from ipi_mtd.walker.biases import Deposits, SharedBiases
from ipi_mtd.walker.own_numbers import OwnNumbers

log = logging.getLogger(__name__)


class Record(Protocol):
    """Where the steps are written down; see :mod:`ipi_mtd.record.run_directory`."""

    def resume(self, positions: FloatArray, cell: FloatArray) -> Resumed:
        """Which step the first positions of a connection are; the files then fit."""

    def propose(
        self,
        step: int,
        positions: FloatArray,
        cell: FloatArray,
        lines: Sequence[bytes],
        own_before: FloatArray,
        own_after: FloatArray,
    ) -> None:
        """Write down an answer before it is given."""

    def commit(self) -> None:
        """Append what was proposed to the files."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A structure to evaluate for a walker.

    Parameters
    ----------
    structure : the structure
    occasion : the step it is, and what is wanted of it
    """

    structure: Structure
    occasion: Occasion


class Walker:
    """One trajectory of a biased system: its clock, its last answer, and what is recorded.

    Parameters
    ----------
    system : evaluates; this walker's questions are for it
    biases : what the walkers share
    types : (n_atoms,) array, of the structures
    periodic : (3,) array
        Where False the run is not periodic, whatever cell is asked with.
    record : where the steps are written down; None keeps them in memory only
    tables : the files of the record, in its order

    Attributes
    ----------
    step : the step that the next new structure will be
    own : what it keeps for each bias that asks for it
    """

    def __init__(
        self,
        system: BiasedSystem,
        biases: SharedBiases,
        types: IntArray,
        periodic: npt.NDArray[np.bool_],
        record: Record | None = None,
        tables: Sequence[TableWriter] = (),
    ) -> None:
        self.step = 0
        self.own: Mapping[str, FloatArray] = system.first_own()
        self._biases = biases
        self._types = types
        self._periodic = periodic[:, None]
        self._record = record
        self._tables = tuple(tables)
        self._packing = OwnNumbers(biases.terms)
        self._neighborhood = Neighborhood()
        self._last: BiasedEvaluation | None = None
        self._proposed: Mapping[str, Learned] | None = None  # not yet known to have arrived
        self._taught: Deposits = {}  # what the biases have learned from the last step
        self._repeated: Proposal | None = None
        self.connected()

    def connected(self) -> None:
        """Whoever asks is another one, and may have gone back: the next positions tell."""
        self._is_found = False

    def asked(self, positions: FloatArray, cell: FloatArray) -> Question | BiasedEvaluation:
        """What to evaluate, or the answer if it is known.

        The same structure as the last one is the same step: i-PI asks again when it did not
        receive an answer, or wants a property of the step.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr
            They are copied.
        cell : (3, 3) array, bohr
            Lattice vectors as rows.

        Raises
        ------
        UserError
            If the positions are of no step of the run.
        """
        structure = Structure(positions.copy(), cell * self._periodic, self._types)
        if not self._is_found:
            self._find(structure)
        if self._last is not None and _same(self._last.structure, structure):
            return self._last
        return Question(structure, self._occasion())

    def answered(self, evaluation: BiasedEvaluation) -> None:
        """Write down the answer that is about to be given.

        Raises
        ------
        UserError
            If it cannot be written down; it must not be given then.
        """
        learned, lines = self._recorded() or self._new(evaluation)
        if self._record is not None:
            own = {name: one.own for name, one in learned.items()}
            self._record.propose(
                self.step,
                evaluation.structure.positions,
                evaluation.structure.cell,
                lines,
                self._packing.pack(self.own),
                self._packing.pack(own),
            )
        self._repeated, self._taught = None, {}
        self._last = evaluation
        self._proposed = learned

    def arrived(self) -> None:
        """Make the last answer history, once: teach the biases and move the clock.

        Raises
        ------
        UserError
            If it cannot be written down; the next start makes up for it.
        """
        if self._proposed is None:
            return
        learned, self._proposed = self._proposed, None
        if self._record is not None:
            self._record.commit()
        self._taught = {
            name: [one.deposit] for name, one in learned.items() if one.deposit is not None
        }
        self._biases.learn(self._taught)
        self.own = {name: one.own for name, one in learned.items()}
        self.step += 1

    def _find(self, structure: Structure) -> None:
        """Repeat, finish or roll back: find the step of the first positions of a connection."""
        if self._record is not None:
            resumed = self._record.resume(structure.positions, structure.cell)
            self._biases.forget(self._taught)  # the record counts from before the last step
            self._biases.learn(self._decoded(resumed.finished))
            self._biases.forget(self._decoded(resumed.withdrawn))
            self._taught, self._proposed, self._last = {}, None, None
            self._repeated = resumed.repeated
            if resumed.own is not None:
                self.own = {**self.own, **self._packing.unpack(resumed.own)}
                log.info("resuming at step %d with %d hills", resumed.step, self._biases.n_deposits)
            self.step = resumed.step
        self._is_found = True

    def _occasion(self) -> Occasion:
        columns = [column for t in self._tables for column in t.columns_at(self.step).values()]
        return Occasion(
            self.step,
            self.own,
            self._neighborhood,
            quantities=list(dict.fromkeys(c.quantity for c in columns if c.quantity is not None)),
            models=list(dict.fromkeys(c.model for c in columns if c.model is not None)),
        )

    def _new(self, evaluation: BiasedEvaluation) -> tuple[Mapping[str, Learned], Sequence[bytes]]:
        """What the biases learn from a step, and what is written of it."""
        learned = {
            term.name: term.bias.propose(evaluation.seen[term.name]) for term in self._biases.terms
        }
        return learned, [table.line(self.step, evaluation, learned) for table in self._tables]

    def _recorded(self) -> tuple[Mapping[str, Learned], Sequence[bytes]] | None:
        """The same of a step that is repeated: as it was written down the first time."""
        if self._repeated is None:
            return None
        own = {**self.own, **self._packing.unpack(self._repeated.own_after)}
        deposits = self._decoded(self._repeated.lines)
        learned = {
            name: Learned(numbers, next(iter(deposits.get(name, ())), None))
            for name, numbers in own.items()
        }
        return learned, self._repeated.lines

    def _decoded(self, lines: Sequence[bytes]) -> Deposits:
        """The deposits in lines that were written down, one of each file or none at all."""
        names = [table.file for table in self._tables]
        return self._biases.decode(dict(zip(names, lines, strict=True))) if lines else {}


def _same(one: Structure, other: Structure) -> bool:
    return coincide(one.positions, other.positions) and np.array_equal(one.cell, other.cell)
