"""Keeping the journal of a run; its format is in :mod:`ipi_mtd.files.journal_format`."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.journal_format import (
    N_PROJECTIONS,
    NO_NUMBERS,
    VERSION,
    Header,
    Proposal,
    encode_older_slot,
    encode_proposal,
    encode_slot,
    read_header,
    read_last_proposal,
    read_slots,
)
from ipi_mtd.record.writing import require_in_place, write_all
from ipi_mtd.structures.images import ISOLATED, wound

IN_USE = "another driver is using this run directory"


class Journal:
    """The journal of one run directory, held under an exclusive lock while it is open.

    Opening it writes nothing; `begin` does. A journal that is not there yet is locked from then on.

    Parameters
    ----------
    path : where the journal is or will be
    n_atoms : int
    files : names of the files that the run appends to
    identity : what the run is, as JSON can hold it
    capacity : int
        How many steps back an i-PI checkpoint can be recognized.
    configuration : the path of the configuration, for who finds the journal
    own : how many numbers the walker keeps for each bias that asks for some

    Attributes
    ----------
    identity : what the journal on disk says the run is
    proposal : the last proposal, None in a run without steps

    Raises
    ------
    UserError
        If another driver holds the journal, or the file is something else.
    """

    def __init__(
        self,
        path: Path,
        n_atoms: int,
        files: tuple[str, ...],
        identity: dict[str, Any],
        capacity: int = 2**20,
        configuration: str | None = None,
        own: Mapping[str, int] | None = None,
    ) -> None:
        self.path = path
        self._fd: int | None = None
        with contextlib.suppress(FileNotFoundError):
            self._fd = _open_locked(path, os.O_RDWR)
        header = None if self._fd is None else read_header(path)
        self._is_new = header is None
        wanted = Header.make(n_atoms, files, identity, capacity, configuration, own)
        self.header = header or wanted
        self.identity = self.header.identity
        self._told = identity
        if (self.header.n_atoms, self.header.files) != (n_atoms, files):
            self.close()
            raise UserError(
                f"{path}: belongs to a run of {self.header.n_atoms} atoms that writes "
                f"{', '.join(self.header.files)}; this one has {n_atoms} atoms and writes "
                f"{', '.join(files)}"
            )
        if self.header.own != wanted.own:
            self.close()
            raise UserError(
                f"{path}: belongs to a run that keeps {_say(self.header.own)} with each step; this "
                f"one keeps {_say(wanted.own)}"
            )
        self._serial, self.proposal = 0, None
        if self._fd is not None:
            self._serial, self.proposal = read_last_proposal(self._fd, self.header)

    @classmethod
    def existing(cls, path: Path) -> Journal | None:
        """The journal of whatever run it belongs to, None if there is none.

        Raises
        ------
        UserError
            If a driver holds it, or the file is something else.
        """
        header = read_header(path) if path.exists() else None
        if header is None:
            return None
        return cls(
            path, header.n_atoms, header.files, header.identity, header.capacity, own=header.own
        )

    def begin(self) -> None:
        """Make the file, if there is none, or one of today's version from an older one.

        Raises
        ------
        UserError
            If it cannot be written, or another driver was faster.
        """
        if self._fd is None:
            try:
                self._fd = _open_locked(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            except FileExistsError as error:
                raise UserError(f"{self.path}: {IN_USE}") from error
            except OSError as error:
                raise UserError(f"{self.path}: {error.strerror}") from error
        if self._is_new:
            write_all(self._fd, self.header.encode(), 0, self.path)
            self._is_new = False
        elif self.header.version != VERSION:
            self._carry_over()

    def close(self) -> None:
        """Give the journal and its lock back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def check(self) -> None:
        """Make sure that the journal is still where the next driver will look for it.

        Raises
        ------
        UserError
            If it was removed or renamed; what it held is then written back.
        """
        assert self._fd is not None
        require_in_place(self._fd, self.path)

    def _carry_over(self) -> None:
        """Put a journal of today's version in the place of an older one, in one act."""
        old, there = self.header, self.path.with_name(f"{self.path.name}.new")
        new = Header.make(
            old.n_atoms, old.files, self._told, old.capacity, old.configuration, old.own
        )
        there.unlink(missing_ok=True)
        fd = _open_locked(there, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        write_all(fd, new.encode(), 0, there)
        if self.proposal is not None:
            for slot in read_slots(self.path, old, self.proposal.step):
                write_all(fd, encode_older_slot(slot, new), new.slot_offset(slot["step"]), there)
            self._serial = 1
            write_all(fd, encode_proposal(self.proposal, 1), new.place(1), there)
        os.fsync(fd)
        os.replace(there, self.path)  # noqa: PTH105
        assert self._fd is not None
        os.close(self._fd)
        self._fd, self.header = fd, new

    def record(self, proposal: Proposal) -> None:
        """Write down what is about to be answered.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        frame = encode_proposal(proposal, self._serial + 1)
        if len(frame) > self.header.proposal_size:
            raise UserError(f"{self.path}: a step of {len(frame)} bytes does not fit")
        assert self._fd is not None
        self._serial += 1
        write_all(self._fd, frame, self.header.place(self._serial % 2), self.path)
        projections = _project(wound(proposal.positions, proposal.cell))
        slot = encode_slot(proposal, projections, self.header)
        write_all(self._fd, slot, self.header.slot_offset(proposal.step), self.path)
        self.proposal = proposal

    def find(self, positions: FloatArray, cell: FloatArray) -> Earlier | None:
        """The latest step before the last one that had these positions.

        They are compared to the precision of i-PI's text files.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr
        cell : (3, 3) array, bohr
        """
        if self.proposal is None:
            return None
        slots = read_slots(self.path, self.header, self.proposal.step)
        numbers = wound(positions, cell)
        tolerance = text_precision(positions, cell) * np.sqrt(numbers.size)
        same = (np.abs(slots["projections"] - _project(numbers)) < tolerance).all(axis=1)
        same &= np.isin(slots["step"] + 1, slots["step"])
        if not same.any():
            return None
        step = int(slots["step"][same].max())
        before, after = (slots[slots["step"] == k][0] for k in (step, step + 1))
        has_own = self.header.n_own > 0
        return Earlier(
            step=step,
            before=tuple(before["offsets"].tolist()),
            after=tuple(after["offsets"].tolist()),
            own_before=before["own"].copy() if has_own else NO_NUMBERS,
            own_after=after["own"].copy() if has_own else NO_NUMBERS,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A step before the last one, as the journal remembers it.

    Parameters
    ----------
    step : int
    before, after : the size of each file before the step and after it, bytes
    own_before, own_after : (n_own,) array
        What the walker kept for its biases.
    """

    step: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    own_before: FloatArray
    own_after: FloatArray


def lock(fd: int, path: Path) -> None:
    """Lock an open journal.

    Raises
    ------
    UserError
        If another driver has done so; the file is still open.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UserError(f"{path}: {IN_USE}") from error


def _open_locked(path: Path, flags: int) -> int:
    fd = os.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        lock(fd, path)
    except UserError:
        os.close(fd)
        raise
    return fd


def describe(path: Path, n_steps: int) -> Iterator[str]:
    """Lines on what a journal holds; a driver may be using it.

    Parameters
    ----------
    path : of the journal
    n_steps : how many of the last steps to show

    Raises
    ------
    UserError
        If the file is no journal.
    """
    header = read_header(path)
    if header is None:
        yield f"{path}: nothing yet"
        return
    yield f"{header.n_atoms} atoms; writes {', '.join(header.files)}"
    if header.configuration is not None:
        yield f"configuration: {header.configuration}"
    for key, value in header.identity.items():
        yield f"{key}: {value}"
    with path.open("rb") as file:
        _, proposal = read_last_proposal(file.fileno(), header)
    if proposal is None:
        yield "no step yet"
        return
    slots = np.sort(read_slots(path, header, proposal.step), order="step")
    yield f"steps {slots['step'][0]} to {slots['step'][-1]} can be recognized"
    for slot in slots[-n_steps:]:
        sizes = zip(header.files, slot["offsets"], strict=True)
        before = ", ".join(f"{name} has {size} bytes" for name, size in sizes)
        yield f"before step {slot['step']}: {before}"
    if proposal.incarnation:
        yield f"rolled back {proposal.incarnation} times: incarnation {proposal.incarnation}"
    for name, line in zip(header.files, proposal.lines, strict=True):
        if line:
            yield f"step {proposal.step} adds to {name}: {line.decode().strip()}"


def text_precision(positions: FloatArray, cell: FloatArray = ISOLATED) -> float:
    """How far a coordinate may be off after it went through a text file of i-PI, bohr.

    i-PI writes some nine significant digits, about 4e-10 bohr in a small cluster; a step of
    dynamics moves the atoms a million times farther. In a periodic system an atom may have gone
    some ten cells before it was folded back.
    """
    farthest = max(float(np.abs(positions).max(initial=0.0)), 10.0 * float(np.abs(cell).max()))
    return 1e-8 * max(1.0, farthest)


def _say(own: Mapping[str, int]) -> str:
    return ", ".join(f"{n} numbers for '{name}'" for name, n in own.items()) or "nothing"


def _project(numbers: FloatArray) -> FloatArray:
    """(4,) array: sums with random signs, which tell any two configurations apart."""
    projected: FloatArray = _signs(numbers.size) @ numbers
    return projected


@functools.cache
def _signs(n: int) -> FloatArray:
    """(4, n) signs, the same in every run."""
    signs = np.random.default_rng(20020823).integers(0, 2, size=(N_PROJECTIONS, n))
    return (2 * signs - 1).astype(np.float64)
