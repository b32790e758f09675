"""The history of a run on disk: HILLS, COLVAR and the journal kept in step.

When the driver starts, :mod:`ipi_mtd.record.recognition` says which step the first positions are:

* the last proposal: it is repeated, with the hill that was written down for it.
* an earlier step: the files are rolled back to that step; what is cut off is kept beside them.
* the next step: the lines of the last proposal are appended now, and the run goes on.
* none of these: the driver refuses to guess.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Metad
from ipi_mtd.biased_system.system import BiasedEvaluation, BiasedSystem
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hill, parse_hill
from ipi_mtd.files.journal_format import Proposal
from ipi_mtd.record.appended import AppendedFile
from ipi_mtd.record.continuing import has_rows
from ipi_mtd.record.journal import Journal, lock
from ipi_mtd.record.recognition import JOURNAL, Kind, distance, recognize, require_continued
from ipi_mtd.record.tables import HillsTable, require_continuable_tables
from ipi_mtd.record.writing import unused
from ipi_mtd.structures.structure import Structure

FIRST_STRIDE = 0.02
"""Bohr; stands for the stride where there is none yet, after step 0."""

log = logging.getLogger(__name__)


class Start(Enum):
    """What to do with the files of an earlier run."""

    RESUME = "go on where the journal says; refuse what it does not know"
    FRESH = "set the files aside and begin anew"
    KEEP_HILLS = "go on with all hills, whatever the positions are"


class TableWriter(Protocol):
    """What one file gets at each step; see :mod:`ipi_mtd.record.tables`."""

    file: str
    header: bytes

    def line(self, step: int, evaluation: BiasedEvaluation, hills: Mapping[str, Hill]) -> bytes:
        """The bytes to append at this step, often none."""


class RunHistory:
    """The files of one run directory, locked while the object is open.

    Opening them changes none, but for those that are set aside; an error leaves the directory as it
    was. HILLS, COLVAR, ... are touched first when the first positions are there.

    Parameters
    ----------
    directory : where the files go
    tables : what is written to HILLS, COLVAR, ...
    n_atoms : int
    identity : what makes the run what it is; resuming as something else is refused
    start : what to do with the files of an earlier run
    take_over : whether to go on with hills that have no journal, as PLUMED's RESTART does
    configuration : the path of the configuration, for who finds the journal

    Raises
    ------
    UserError
        If the directory belongs to another run or is in use, or cannot be written to.
    """

    def __init__(
        self,
        directory: Path,
        tables: Sequence[TableWriter],
        n_atoms: int,
        identity: dict[str, Any],
        start: Start = Start.RESUME,
        *,
        take_over: bool = False,
        configuration: str | None = None,
    ) -> None:
        self.directory = directory
        self._tables = tables
        self._start = start
        names = tuple(table.file for table in tables)
        self._files: list[AppendedFile] = []
        _require_directory(directory)
        known = (directory / JOURNAL).exists()
        if start is Start.KEEP_HILLS or (start is Start.RESUME and (take_over or known)):
            keeps = start is Start.KEEP_HILLS
            require_continuable_tables(directory, tables, known=known, of_any_cv=keeps)
        try:
            if start is Start.FRESH:
                _set_aside(directory, names)
            self._journal = Journal(
                directory / JOURNAL, n_atoms, names, identity, configuration=configuration
            )
        except NotADirectoryError as error:
            raise UserError(f"{directory}: {error.strerror}") from error
        except OSError as error:
            raise UserError(f"{error.filename or directory}: {error.strerror}") from error
        try:
            _require_same(self._journal.path, self._journal.identity, identity)
            self._files += [AppendedFile(directory / t.file, t.header) for t in tables]
            if self._journal.proposal is not None:
                self._require_whole(self._journal.proposal)
            elif start is Start.RESUME and not take_over:
                self._require_no_rows()
            directory.mkdir(parents=True, exist_ok=True)
            self._journal.begin()
        except OSError as error:
            self.close()
            raise UserError(f"{error.filename or directory}: {error.strerror}") from error
        except UserError:
            self.close()
            raise
        self._repeated: tuple[bytes, ...] | None = None
        self._last: FloatArray | None = None
        self._stride = FIRST_STRIDE

    def close(self) -> None:
        """Release the directory."""
        self._journal.close()
        for file in self._files:
            file.close()

    def resume(self, structure: Structure, system: BiasedSystem) -> int:
        """Find out which step a structure is and load the hills before it.

        Raises
        ------
        UserError
            If the structure belongs to no step of the run.
        """
        proposal = self._journal.proposal
        found = recognize(self._journal, structure.positions, structure.cell)
        if self._start is not Start.KEEP_HILLS:
            hills = [table.file for table in self._tables if isinstance(table, HillsTable)]
            require_continued(self._journal, found, hills)
        if proposal is None:
            self._begin()
            step = 0
        elif found.kind is Kind.REPEATED:
            step = self._repeat(proposal)
        elif found.kind is Kind.EARLIER and self._start is not Start.KEEP_HILLS:
            step = self._roll_back(found.step, structure)
        else:
            step = self._finish(proposal)
        n_hills = self._load_hills(system)
        if proposal is not None:
            log.info("resuming at step %d with %d hills", step, n_hills)
        return step

    def propose(
        self, step: int, evaluation: BiasedEvaluation, hills: Mapping[str, Hill]
    ) -> Mapping[str, Hill]:
        """Write down an answer, before it is given.

        Returns
        -------
        hills : the hills to add when it is committed
            Those given, or for a repeated step those that were written down the first time.

        Raises
        ------
        UserError
            If the answer cannot be written down.
        """
        lines = self._repeated
        if lines is None:
            lines = tuple(table.line(step, evaluation, hills) for table in self._tables)
        else:
            hills = self._read_back(lines)
            self._repeated = None
        if any(lines):
            self._journal.check()
        for file, line in zip(self._files, lines, strict=True):
            if line:
                file.check()
        structure = evaluation.structure
        if self._last is not None:
            way = distance(structure.positions, self._last, structure.cell)
            # the memory bridges the turning points of a small molecule
            self._stride = max(way, 0.99 * self._stride)
        self._last = structure.positions
        self._journal.record(
            Proposal(
                step=step,
                stride=self._stride,
                cell=structure.cell,
                positions=structure.positions,
                offsets=tuple(file.size for file in self._files),
                lines=lines,
            )
        )
        return hills

    def commit(self) -> None:
        """Append what was proposed.

        Raises
        ------
        UserError
            If it cannot be written; the next start makes up for it.
        """
        proposal = self._journal.proposal
        assert proposal is not None
        for file, line in zip(self._files, proposal.lines, strict=True):
            file.append(line)

    def _begin(self) -> None:
        for file in self._files:
            if not _has_rows(file):
                file.start()

    def _repeat(self, proposal: Proposal) -> int:
        for file, offset in zip(self._files, proposal.offsets, strict=True):
            file.cut(offset)
        self._repeated = proposal.lines
        self._stride = proposal.stride
        return proposal.step

    def _finish(self, proposal: Proposal) -> int:
        self._repeat(proposal)
        self._repeated = None
        self._last = proposal.positions
        self.commit()
        return proposal.step + 1

    def _roll_back(self, step: int, structure: Structure) -> int:
        before = self._journal.offsets(step)
        after = self._journal.offsets(step + 1)
        kept = [
            file.keep_tail(offset, f"after-step-{step}")
            for file, offset in zip(self._files, after, strict=True)
        ]
        # From here on the journal knows of nothing behind this step, so it has to be told before
        # the files are cut: a crash in between repeats the step.
        lines = tuple(
            file.read(*bounds)
            for file, bounds in zip(self._files, zip(before, after, strict=True), strict=True)
        )
        proposal = Proposal(step, FIRST_STRIDE, structure.cell, structure.positions, before, lines)
        self._journal.record(proposal)
        log.warning(
            "i-PI was restarted at step %d: rolled back%s",
            step,
            "".join(f"; the rest is in {path}" for path in kept if path),
        )
        return self._repeat(proposal)

    def _load_hills(self, system: BiasedSystem) -> int:
        n_hills = 0
        biases = {term.name: term.bias for term in system.biases}
        for table, file in zip(self._tables, self._files, strict=True):
            if isinstance(table, HillsTable):
                metad = biases[table.term]
                assert isinstance(metad, Metad)
                anything_goes = self._start is Start.KEEP_HILLS
                old = table.read(self.directory / table.file, of_any_cv=anything_goes)
                for hill in old:
                    metad.add(hill)
                file.append(table.header_below(old))
                n_hills += metad.n_hills
        return n_hills

    def _read_back(self, lines: tuple[bytes, ...]) -> dict[str, Hill]:
        """The hills in the lines of one step."""
        return {
            table.term: parse_hill(line)
            for table, line in zip(self._tables, lines, strict=True)
            if isinstance(table, HillsTable) and line
        }

    def _require_whole(self, proposal: Proposal) -> None:
        for file, size in zip(self._files, proposal.offsets, strict=True):
            file.require(size)

    def _require_no_rows(self) -> None:
        for file in self._files:
            if _has_rows(file):
                raise UserError(
                    f"{file.path}: belongs to a run without a journal here; go on with its hills "
                    "with --keep-hills, set it aside with --fresh, or name another --output"
                )


def _require_directory(path: Path) -> None:
    """Refuse a place where no directory can be; one that is not there yet is made later."""
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if not is_directory:
        raise UserError(f"{path}: {os.strerror(errno.EEXIST)}")


def _has_rows(file: AppendedFile) -> bool:
    return has_rows(file.read(0, file.size).splitlines())


def require_unused(directory: Path) -> None:
    """Make sure that no driver is at work in a run directory.

    Raises
    ------
    UserError
        If one is.
    """
    path = directory / JOURNAL
    if path.exists():
        with path.open("r+b") as file:
            lock(file.fileno(), path)


def _set_aside(directory: Path, names: Sequence[str]) -> None:
    require_unused(directory)
    for name in (*names, JOURNAL):
        path = directory / name
        if path.exists():
            backup = unused(directory / f"{name}.old")
            os.rename(path, backup)  # noqa: PTH104
            log.warning("%s: set aside as %s", path, backup.name)


def _require_same(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Refuse to resume as another run.

    Raises
    ------
    UserError
        Which names what is different.
    """
    before, after = _flat(old), _flat(json.loads(json.dumps(new)))
    changes = [
        f"`{key}` was {before.get(key, 'absent')}, is {after.get(key, 'absent')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if changes:
        raise UserError(
            f"{path}: the run was made with other settings: {'; '.join(changes)}; go back to them, "
            "begin anew with --fresh, or name another --output"
        )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    flat = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}.{key}" if prefix else key))
    return flat
