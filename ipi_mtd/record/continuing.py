"""Whether a file that is there can be gone on with: what is in it against what will come.

PLUMED writes a new FIELDS line below rows that have other columns. Few programs that read such a
file notice, so here it is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import read_header, same_constant

_WHAT_TO_DO = "move it away, begin anew with --fresh, or name another file"
_OF_THE_READER = ("kerneltype", "multivariate")
"""What HILLS says of each hill: its reader sees to these."""


def has_rows(lines: Iterable[bytes]) -> bool:
    """Whether there is more than a header, be it a line that was cut short."""
    return any(_content(line) and not _is_header(line) for line in lines)


def require_continuable(path: Path, header: bytes, *, whole: bool) -> None:
    """Make sure that rows can be added to a file, if it has any.

    Parameters
    ----------
    path : of the file, which need not be there
    header : that of the rows to come
    whole : whether the last line must be whole, because nothing else tells where it began

    Raises
    ------
    UserError
        Which names what is different, and what to do.
    """
    if not path.is_file():
        return
    header_lines, first_row, last = _scan(path)
    if first_row is None:
        return
    if whole and not last.endswith(b"\n"):
        raise UserError(
            f"{path}: its last line was cut short, so nothing can be added below it: delete that "
            "line or complete it"
        )
    above = [(number, line) for number, line in header_lines if number < first_row]
    if not any(line.split()[:2] == ["#!", "FIELDS"] for _, line in above):
        raise UserError(
            f"{path}, line {first_row}: there is no '#! FIELDS' line above this row, so it is not "
            f"known what its columns are; {_WHAT_TO_DO}"
        )
    theirs = read_header(path, header_lines, changing="kerneltype")
    ours = read_header(path, enumerate(header.decode().splitlines(), start=1))
    if theirs.names != ours.names:
        raise UserError(
            f"{path}: its columns are {' '.join(theirs.names)}, those of this run are "
            f"{' '.join(ours.names)}; {_WHAT_TO_DO}"
        )
    _require_same_constants(path, theirs.constants, ours.constants)


def _require_same_constants(path: Path, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    absent = "absent"
    for name in dict.fromkeys([*ours, *theirs]):
        there, here = theirs.get(name, absent), ours.get(name, absent)
        if name not in _OF_THE_READER and not same_constant(there, here):
            raise UserError(f"{path}: {name} is {there} there and {here} here; {_WHAT_TO_DO}")


def _scan(path: Path) -> tuple[list[tuple[int, str]], int | None, bytes]:
    """The numbered lines of the headers, the number of the first row, and the last line."""
    header_lines, first_row, line = [], None, b""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if _is_header(line) and line.endswith(b"\n"):
                header_lines.append((number, _content(line).decode(errors="replace")))
            elif first_row is None and has_rows([line]):
                first_row = number
    return header_lines, first_row, line


def _content(line: bytes) -> bytes:
    """The line without blanks, and without the zeros that a power failure can leave."""
    return line.strip(b" \t\r\n\0")


def _is_header(line: bytes) -> bool:
    return _content(line).startswith(b"#")
