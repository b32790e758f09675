"""The directory of a run: HILLS, COLVAR and the journal, kept in step.

It stores bytes and knows nothing of what they mean. With the first positions of a connection,
:mod:`ipi_mtd.record.recognition` says which step they are:

* the last proposal: it is repeated, with the lines that were written down for it.
* an earlier step: the files are rolled back to that step; what is cut off is kept beside them.
* the next step: the lines of the last proposal are appended now, and the run goes on.
* none of these: the directory refuses to guess.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.journal_format import NO_NUMBERS, Proposal
from ipi_mtd.record.appended import AppendedFile
from ipi_mtd.record.continuing import has_rows, require_continuable
from ipi_mtd.record.earlier_files import has_rows_in, require_directory, set_aside
from ipi_mtd.record.identity import require_same
from ipi_mtd.record.journal import Earlier, Journal
from ipi_mtd.record.recognition import JOURNAL, Kind, distance, recognize, require_continued

FIRST_WAY = 0.02
"""Bohr; stands for the longest way of an atom where there is none yet, after step 0."""

log = logging.getLogger(__name__)


class Start(Enum):
    """What to do with the files of an earlier run."""

    RESUME = "go on where the journal says; refuse what it does not know"
    FRESH = "set the files aside and begin anew"
    KEEP_HILLS = "go on with all hills, whatever the positions are"


class Table(Protocol):
    """A file that rows are appended to."""

    @property
    def file(self) -> str:
        """Its name."""

    @property
    def header(self) -> bytes:
        """What a new one starts with."""


@dataclass(frozen=True, slots=True, eq=False)
class Resumed:
    """What the first positions of a connection are, and what has been done about it.

    Parameters
    ----------
    step : the step that they are
    own : what the walker kept for its biases before this step; None in a run that begins
    repeated : the step as it was written down the first time, if this is not the first time
    finished : for each file the lines of the step before, which are history now
    withdrawn : for each file what was cut from it that had been history
    """

    step: int
    own: FloatArray | None = None
    repeated: Proposal | None = None
    finished: Sequence[bytes] = ()
    withdrawn: Sequence[bytes] = ()


class RunDirectory:
    """The files of one run directory, locked while the object is open.

    Opening them changes none, but for those that are set aside; an error leaves the directory as it
    was. HILLS, COLVAR, ... are touched first when the first positions are there.

    Parameters
    ----------
    directory : where the files go
    tables : HILLS, COLVAR, ...
    n_atoms : int
    identity : what makes the run what it is; resuming as something else is refused
    start : what to do with the files of an earlier run
    take_over : whether to go on with hills that have no journal, as PLUMED's RESTART does
    configuration : the path of the configuration, for who finds the journal
    own : how many numbers the walker keeps for each bias that asks for some
    of_deposits : names of the files whose rows are not to be lost
    in_todays_words : the identity of an older journal as it would be said today

    Raises
    ------
    UserError
        If the directory belongs to another run or is in use, or cannot be written to.
    """

    def __init__(
        self,
        directory: Path,
        tables: Sequence[Table],
        n_atoms: int,
        identity: dict[str, Any],
        start: Start = Start.RESUME,
        *,
        take_over: bool = False,
        configuration: str | None = None,
        own: Mapping[str, int] | None = None,
        of_deposits: Sequence[str] = (),
        in_todays_words: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.directory = directory
        self.start = start
        self._of_deposits = of_deposits
        names = tuple(table.file for table in tables)
        self._files: list[AppendedFile] = []
        require_directory(directory)
        known = (directory / JOURNAL).exists()
        goes_on = start is Start.KEEP_HILLS or (start is Start.RESUME and (take_over or known))
        if goes_on:
            for table in tables:
                require_continuable(directory / table.file, table.header, whole=not known)
        try:
            if start is Start.FRESH:
                set_aside(directory, names)
            self._journal = Journal(
                directory / JOURNAL,
                n_atoms,
                names,
                identity,
                configuration=configuration,
                own=own,
            )
        except NotADirectoryError as error:
            raise UserError(f"{directory}: {error.strerror}") from error
        except OSError as error:
            raise UserError(f"{error.filename or directory}: {error.strerror}") from error
        try:
            require_same(self._journal.path, in_todays_words(self._journal.identity), identity)
            self._files += [AppendedFile(directory / t.file, t.header) for t in tables]
            if self._journal.proposal is not None:
                self._require_whole(self._journal.proposal)
            elif start is Start.RESUME and not take_over:
                self._require_no_rows()
        except OSError as error:
            self.close()
            raise UserError(f"{error.filename or directory}: {error.strerror}") from error
        except UserError:
            self.close()
            raise
        self._last: FloatArray | None = None
        self._longest_way = FIRST_WAY
        self._below: dict[str, bytes] = {}

    @property
    def last(self) -> Proposal | None:
        """The step that was last written down, None in a run that has not begun."""
        return self._journal.proposal

    def begin(self) -> None:
        """Make the directory and the journal, if they are not there.

        Raises
        ------
        UserError
            If they cannot be written.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._journal.begin()
        except OSError as error:
            raise UserError(f"{error.filename or self.directory}: {error.strerror}") from error

    def close(self) -> None:
        """Release the directory."""
        self._journal.close()
        for file in self._files:
            file.close()

    def history(self, name: str) -> bytes | None:
        """What is in a file, without what is only proposed; None if it has no rows."""
        (file,) = (file for file in self._files if file.path.name == name)
        proposal = self._journal.proposal
        size = file.size
        if proposal is not None:
            size = proposal.offsets[self._journal.header.files.index(name)]
        data = file.read(0, size)
        return data if has_rows(io.BytesIO(data)) else None

    def put_below(self, name: str, header: bytes) -> None:
        """Have a header written between the rows of an earlier program and those to come."""
        self._below[name] = header

    def resume(self, positions: FloatArray, cell: FloatArray) -> Resumed:
        """Find out which step the first positions are, and make the files fit.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr
        cell : (3, 3) array, bohr

        Raises
        ------
        UserError
            If they belong to no step of the run.
        """
        proposal = self._journal.proposal
        found = recognize(self._journal, positions, cell)
        if self.start is not Start.KEEP_HILLS:
            require_continued(self._journal, found, self._of_deposits)
        if proposal is None:
            self._begin_files()
            return Resumed(0)
        if found.kind is Kind.REPEATED:
            self._cut(proposal)
            return Resumed(proposal.step, proposal.own_before, repeated=proposal)
        if found.earlier is not None and self.start is not Start.KEEP_HILLS:
            return self._roll_back(found.earlier, proposal, positions, cell)
        self._cut(proposal)
        self._last = proposal.positions
        self.commit()
        return Resumed(proposal.step + 1, proposal.own_after, finished=proposal.lines)

    def propose(
        self,
        step: int,
        positions: FloatArray,
        cell: FloatArray,
        lines: Sequence[bytes],
        own_before: FloatArray = NO_NUMBERS,
        own_after: FloatArray = NO_NUMBERS,
    ) -> None:
        """Write down an answer, before it is given.

        Parameters
        ----------
        step : of the walker
        positions : (n_atoms, 3) array, bohr
        cell : (3, 3) array, bohr
        lines : what is to be appended to each file
        own_before, own_after : what the walker keeps for its biases

        Raises
        ------
        UserError
            If the answer cannot be written down.
        """
        if any(lines):
            self._journal.check()
        for file, line in zip(self._files, lines, strict=True):
            if line:
                file.check()
        if self._last is not None:
            way = distance(positions, self._last, cell)
            # the memory bridges the turning points of a small molecule
            self._longest_way = max(way, 0.99 * self._longest_way)
        self._last = positions
        proposal = self._journal.proposal
        self._journal.record(
            Proposal(
                step=step,
                longest_way=self._longest_way,
                cell=cell,
                positions=positions,
                offsets=tuple(file.size for file in self._files),
                lines=tuple(lines),
                incarnation=0 if proposal is None else proposal.incarnation,
                own_before=own_before,
                own_after=own_after,
            )
        )

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

    def _begin_files(self) -> None:
        for file in self._files:
            if not has_rows_in(file):
                file.start()
            file.append(self._below.pop(file.path.name, b""))

    def _cut(self, proposal: Proposal) -> None:
        for file, offset in zip(self._files, proposal.offsets, strict=True):
            file.cut(offset)
        self._longest_way = proposal.longest_way
        self._last = None

    def _roll_back(
        self, earlier: Earlier, last: Proposal, positions: FloatArray, cell: FloatArray
    ) -> Resumed:
        kept = [
            file.keep_tail(offset, f"after-step-{earlier.step}")
            for file, offset in zip(self._files, earlier.after, strict=True)
        ]
        withdrawn = [
            file.read(start, stop)
            for file, start, stop in zip(self._files, earlier.before, last.offsets, strict=True)
        ]
        lines = tuple(
            file.read(start, stop)
            for file, start, stop in zip(self._files, earlier.before, earlier.after, strict=True)
        )
        repeated = replace(
            last,
            step=earlier.step,
            longest_way=FIRST_WAY,
            cell=cell,
            positions=positions,
            offsets=earlier.before,
            lines=lines,
            incarnation=last.incarnation + 1,
            own_before=earlier.own_before,
            own_after=earlier.own_after,
        )
        # From here on the journal knows of nothing behind this step, so it has to be told before
        # the files are cut: a crash in between repeats the step.
        self._journal.record(repeated)
        log.warning(
            "i-PI was restarted at step %d: rolled back%s",
            earlier.step,
            "".join(f"; the rest is in {path}" for path in kept if path),
        )
        self._cut(repeated)
        return Resumed(
            earlier.step, earlier.own_before, repeated=repeated, withdrawn=tuple(withdrawn)
        )

    def _require_whole(self, proposal: Proposal) -> None:
        for file, size in zip(self._files, proposal.offsets, strict=True):
            file.require(size)

    def _require_no_rows(self) -> None:
        for file in self._files:
            if has_rows_in(file):
                raise UserError(
                    f"{file.path}: belongs to a run without a journal here; go on with its hills "
                    "with --keep-hills, set it aside with --fresh, or name another --output"
                )
