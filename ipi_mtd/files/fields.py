"""PLUMED's table format, shared by HILLS, COLVAR and the free energy.

=============================  ===================================================================
line                           meaning
=============================  ===================================================================
``#! FIELDS name name ...``    the columns of the rows that follow
``#! SET name value``          a constant of the whole table, one word
``#! SET min_cv -pi``          with ``max_cv``: the period of a column; PLUMED compares the text
``# text``                     a comment; PLUMED skips it, but only below the first FIELDS line
(blank)                        nothing
anything else                  a row: one number for each column, with a comment after ``#`` if any
=============================  ===================================================================

A writer that starts again repeats the whole header, so the same FIELDS and SET lines may come many
times; they must agree, but for a constant that the reader lets change. Only lines that end in a
newline count: a last line without one was cut short by a writer that was killed, and so were the
zero bytes that a power failure can leave.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.periods import Period
from ipi_mtd.written_number import WrittenNumber


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The contents of one file.

    Parameters
    ----------
    names : tuple of str
        The columns.
    constants : mapping of str to str
        The SET lines.
    changes : tuple of (row, str)
        From which row on the constant that may change has which value; the first is row 0.
    comments : tuple of str
        The comment lines, without the ``#`` and the blanks around them.
    rows : (n_rows, n_names) array
    end : int, bytes
        Where the last whole line ends; what lies behind it was cut short.
    """

    names: tuple[str, ...]
    constants: Mapping[str, str]
    changes: tuple[tuple[int, str], ...]
    comments: tuple[str, ...]
    rows: FloatArray
    end: int

    def column(self, name: str) -> FloatArray:
        """(n_rows,) array: the column of that name, which must be in `names`."""
        return self.rows[:, self.names.index(name)]


def format_header(names: Sequence[str], constants: Mapping[str, str] | None = None) -> bytes:
    """Return the FIELDS line and one SET line for each constant.

    Raises
    ------
    UserError
        If a name or a value is not one word, or a name comes twice.
    """
    constants = constants or {}
    for word in (*names, *constants, *constants.values()):
        if len(word.split()) != 1 or word.strip() != word:
            raise UserError(f"a name or value in a PLUMED header must be one word, got {word!r}")
    if len(set(names)) != len(names):
        raise UserError(f"the columns of a PLUMED file need different names, got {' '.join(names)}")
    lines = [f"#! FIELDS {' '.join(names)}\n"]
    lines += [f"#! SET {name} {value}\n" for name, value in constants.items()]
    return "".join(lines).encode()


def format_row(values: Sequence[float]) -> bytes:
    """Return one row, right aligned; the shortest digits that read back to the same bits."""
    return ("".join(map(format_cell, values)) + "\n").encode()


def format_cell(value: float, number: str | None = None) -> str:
    """Return one number of a row, with all its digits or as a format of C says."""
    return f" {float(value)!r:>23}" if number is None else f" {number}" % value


def read_table(path: Path, changing: str = "") -> Table:
    """Read every whole line of a file.

    Parameters
    ----------
    path : of the file
    changing : a constant that need not stay what it is

    Raises
    ------
    UserError
        If the file cannot be read, or as for `parse_table`.
    """
    return parse_table(read_bytes(path), path, changing)


def read_bytes(path: Path) -> bytes:
    """What a file holds.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def parse_table(data: bytes, path: Path, changing: str = "") -> Table:
    """Read every whole line of what a file holds.

    Parameters
    ----------
    data : what it holds
    path : of the file, for messages
    changing : a constant that need not stay what it is

    Raises
    ------
    UserError
        If there is no FIELDS line, or a line breaks the format.
    """
    try:
        end = data.rfind(b"\n") + 1
        text = data[:end].decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a text file (byte {error.start})") from error
    header = read_header(path, _hash_lines(text), changing)
    changes = [(_rows_above(text, line), value) for line, value in header.changes]
    rows = _rows(path, text, len(header.names))
    comments = tuple(header.comments)
    return Table(header.names, header.constants, tuple(changes), comments, rows, end)


def line_of_row(data: bytes, row: int) -> int:
    """Return the number, from 1, of the line that holds a row, counted from 0."""
    lines = data.decode().split("\n")
    rows = (i for i, line in enumerate(lines, start=1) if line.partition("#")[0].strip())
    return next(itertools.islice(rows, row, None))


def period_constants(periods: Mapping[str, Period]) -> dict[str, str]:
    """Return the SET lines that state the periods of the periodic columns."""
    return {
        f"{side}_{name}": format_bound(bound)
        for name, period in periods.items()
        if period is not None
        for side, bound in zip(("min", "max"), period, strict=True)
    }


def read_period(path: Path, table: Table, name: str) -> Period:
    """Return (lower, upper) of a periodic column, None for any other.

    Raises
    ------
    UserError
        If a bound is missing or no number, or they are in the wrong order.
    """
    texts = [table.constants.get(f"{side}_{name}") for side in ("min", "max")]
    if texts == [None, None]:
        return None
    with contextlib.suppress(ValueError):
        lower, upper = (WrittenNumber(text or "") for text in texts)
        if lower < upper:
            return lower, upper
    raise UserError(
        f"{path}: min_{name} and max_{name} must be two numbers in ascending order,"
        f" got {texts[0]} and {texts[1]}"
    )


def format_bound(bound: float) -> str:
    """A bound as it was written; if that is not known, as PLUMED's users would write it."""
    if isinstance(bound, WrittenNumber):
        return bound.text
    return {math.pi: "pi", -math.pi: "-pi"}.get(bound, repr(float(bound)).removesuffix(".0"))


@dataclass(slots=True)
class Header:
    """What the lines that start with ``#`` say; see `Table`, but for the lines of the changes."""

    names: tuple[str, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[int, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_header(path: Path, lines: Iterable[tuple[int, str]], changing: str = "") -> Header:
    """Read the lines that start with ``#``.

    Parameters
    ----------
    path : of the file, for messages
    lines : number and text of each
    changing : a constant that need not stay what it is

    Raises
    ------
    UserError
        If there is no FIELDS line, or a line breaks the format.
    """
    header = Header()
    for number, line in lines:
        where = f"{path}, line {number}"
        match line.split():
            case ["#!", "FIELDS", *fields]:
                if not fields or len(set(fields)) != len(fields):
                    raise UserError(f"{where}: FIELDS needs different column names, got {line!r}")
                if header.names and header.names != tuple(fields):
                    raise UserError(
                        f"{where}: the columns change within the file,"
                        f" from {' '.join(header.names)} to {' '.join(fields)}"
                    )
                header.names = tuple(fields)
            case ["#!", "SET", name, value]:
                before = header.constants.get(name, value)
                if name == changing:
                    header.constants[name] = value
                    if not header.changes or header.changes[-1][1] != value:
                        header.changes.append((number, value))
                elif not same_constant(header.constants.setdefault(name, value), value):
                    raise UserError(
                        f"{where}: {name} changes within the file, from {before} to {value}"
                    )
            case ["#!", ("FIELDS" | "SET"), *_]:
                raise UserError(f"{where}: SET needs a name and a value, got {line!r}")
            case _:
                header.comments.append(line[1:].strip())
    if not header.names:
        raise UserError(f"{path}: has no '#! FIELDS' line; is it a file of PLUMED's format?")
    return header


def same_constant(one: str, other: str) -> bool:
    """Whether two words are the same, or the same number but for rounding."""
    if one == other:
        return True
    try:
        return math.isclose(WrittenNumber(one), WrittenNumber(other), rel_tol=1e-6)
    except ValueError:
        return False


def _hash_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give number and text of each line that starts with ``#``.

    Jumping from one ``#`` to the next costs nothing in the rows between them, of which there can be
    millions.
    """
    number, counted, at = 1, 0, text.find("#")
    while at >= 0:
        start, stop = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        number, counted = number + text.count("\n", counted, start), start
        if not text[start:at].strip():
            yield number, text[at:stop].strip()
        at = text.find("#", stop)


def _rows_above(text: str, number: int) -> int:
    """How many rows there are above a line, counted from 1."""
    above = text.split("\n", number - 1)[:-1]
    return sum(1 for line in above if line.partition("#")[0].strip())


def _rows(path: Path, text: str, n_names: int) -> FloatArray:
    try:
        with warnings.catch_warnings():  # no rows yet is no reason for a warning
            warnings.filterwarnings("ignore", "loadtxt: input contained no data", UserWarning)
            lines = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="\n")
            rows = np.loadtxt(lines, comments="#", ndmin=2, dtype=np.float64)
    except ValueError as error:
        raise UserError(_complaint(path, text, n_names) or f"{path}: {error}") from error
    if rows.size and rows.shape[1] != n_names:
        raise UserError(_complaint(path, text, n_names))
    return rows.reshape(-1, n_names)


def _complaint(path: Path, text: str, n_names: int) -> str:
    """Name the first row that is wrong; slow, so only once one is known to be."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        for word in words:
            try:
                float(word)
            except ValueError:
                return f"{path}, line {number}: expected a number, got {word!r}"
        if words and len(words) != n_names:
            return f"{path}, line {number}: a row needs {n_names} numbers, got {len(words)}"
    return ""
