"""Which step of a run a structure is.

It cannot be learned from i-PI's protocol; it follows from the positions. The first ones of a driver
are one of these:

* those of the last proposal: i-PI did not receive the answer, or was restarted from a checkpoint
  of that very step.
* those of an earlier step: i-PI was restarted from an older checkpoint.
* those of the next step, as far from the last proposal as a step goes: i-PI received the last
  answer.
* none of these: the run is another one.

Where the run is periodic, an atom and its images are the same.

The question changes nothing, so it can be asked before i-PI is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.record.journal import Earlier, Journal, text_precision
from ipi_mtd.structures.images import displacements

JOURNAL = "ipi-mtd.journal"

WAYS = 10.0
"""A structure that is farther from the last one than this many times the longest way that an atom
went in a step is not its successor."""


class Kind(Enum):
    """What a structure is to the run."""

    FIRST = auto()
    REPEATED = auto()
    NEXT = auto()
    EARLIER = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Recognized:
    """What a structure is to the run.

    Parameters
    ----------
    kind : see the head of the module; FIRST in a run without steps
    step : which step it is; the last one of the run for what is UNKNOWN
    earlier : what the journal remembers of it, if it is EARLIER
    """

    kind: Kind
    step: int
    earlier: Earlier | None = field(default=None, compare=False)


class NotContinued(UserError):
    """The run that a directory holds does not go on with the first positions."""


def recognize(journal: Journal, positions: FloatArray, cell: FloatArray) -> Recognized:
    """Find out which step of a run a structure is.

    Parameters
    ----------
    journal : of the run
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
        As i-PI sends it; it counts in the directions in which the run is periodic.
    """
    proposal = journal.proposal
    if proposal is None:
        return Recognized(Kind.FIRST, 0)
    cell = cell * np.any(proposal.cell, axis=1, keepdims=True)
    way = distance(positions, proposal.positions, cell)
    if way <= text_precision(proposal.positions, cell):
        return Recognized(Kind.REPEATED, proposal.step)
    if (earlier := journal.find(positions, cell)) is not None:
        return Recognized(Kind.EARLIER, earlier.step, earlier)
    if way <= WAYS * proposal.longest_way:
        return Recognized(Kind.NEXT, proposal.step + 1)
    return Recognized(Kind.UNKNOWN, proposal.step)


def distance(positions: FloatArray, origins: FloatArray, cell: FloatArray) -> float:
    """The longest way that a coordinate went, bohr."""
    return float(np.abs(displacements(positions, origins, cell)).max(initial=0.0))


def require_continued(
    journal: Journal, found: Recognized, hills: Sequence[str], *, begins: bool = False
) -> None:
    """Refuse what belongs to another run, or would begin this one again and lose its hills.

    Parameters
    ----------
    journal : of the run
    found : what the first positions are
    hills : the names of the HILLS files
    begins : whether i-PI is known to begin, rather than to go on from a checkpoint

    Raises
    ------
    NotContinued
        If the structure is of no step, or the first one of a run with hills.
    """
    if found.kind is Kind.UNKNOWN:
        raise NotContinued(
            f"{journal.path}: the positions that i-PI starts from are those of no step of this "
            f"run (the last is {found.step}); begin anew with --fresh, go on with all hills with "
            "--keep-hills, or name another --output"
        )
    if found.earlier is not None and (begins or found.step == 0):
        n_hills = _hills_after(found.earlier, journal, hills)
        if n_hills:
            assert journal.proposal is not None
            raise NotContinued(
                f"{journal.path}: i-PI begins at step {found.step} again, but this run is at step "
                f"{journal.proposal.step} and would lose {plural(n_hills, 'hill')}: let i-PI "
                "go on from its RESTART or a checkpoint, or begin anew with --fresh (or with "
                "--keep-hills, on top of them)"
            )


def foresee(
    directory: Path,
    positions: FloatArray,
    cell: FloatArray,
    hills: Sequence[str],
    *,
    begins: bool,
) -> Recognized:
    """What a driver in a run directory will make of the first positions.

    Parameters
    ----------
    directory : of the run
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
    hills : the names of the HILLS files
    begins : whether i-PI begins, rather than goes on from a checkpoint

    Raises
    ------
    UserError
        If it will refuse them, or another driver is at work there.
    """
    journal = Journal.existing(directory / JOURNAL)
    if journal is None:
        return Recognized(Kind.FIRST, 0)
    try:
        if journal.header.n_atoms != len(positions):
            return Recognized(Kind.UNKNOWN, 0)  # the driver says what is different
        found = recognize(journal, positions, cell)
        require_continued(journal, found, hills, begins=begins)
    finally:
        journal.close()
    return found


def plural(n: int, what: str) -> str:
    """So many of something, in words."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _hills_after(earlier: Earlier, journal: Journal, hills: Sequence[str]) -> int:
    sizes = dict(zip(journal.header.files, earlier.after, strict=True))
    n_hills = 0
    for name in set(hills) & sizes.keys():
        path = journal.path.with_name(name)
        if path.exists():
            lines = path.read_bytes()[sizes[name] :].splitlines()
            n_hills += sum(not line.startswith(b"#") for line in lines)
    return n_hills
