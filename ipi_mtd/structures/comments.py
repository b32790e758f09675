"""What i-PI says in the comment of an xyz file or the title of a pdb file.

``# CELL(abcABC): 10 10 10 90 90 90  Step: 0  Bead: 0 positions{angstrom}  cell{atomic_unit}``

i-PI passes over what is not spelled in its way and takes its defaults instead, bohr and no cell.
That would be a wrong number without a word, so here it is an error.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import re
from dataclasses import dataclass
from pathlib import Path

from ipi_mtd.errors import UserError

POSITIONS = ("positions", "x_centroid", "x_centroid_even", "x_centroid_odd")

_CELL = re.compile(r"CELL[(\[{](abcABC|H|GENH)[)\]}]: ([-+0-9.Ee ]*)")  # as i-PI finds it
_LIKE_CELL = re.compile(
    r"CELL[(\[{]\w*[)\]}]|(?i:\bcell\s*[(\[{]\s*(?:abc(?:abc)?|h|genh)\s*[)\]}])"
)
_STATEMENT = re.compile(r"\b(\w+)\s*\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Comment:
    """What a comment states.

    Parameters
    ----------
    quantity : which positions the file holds
    unit : of the positions; empty if none is stated
    cell_unit : of the cell; empty if none is stated
    """

    quantity: str
    unit: str
    cell_unit: str


def is_of_ipi(comment: str) -> bool:
    """Whether a comment is i-PI's, or was meant to be."""
    if _LIKE_CELL.search(comment):
        return True
    return any(_meant(word) for word, _ in _STATEMENT.findall(comment))


def read_comment(path: Path, comment: str) -> Comment:
    """Read the comment of a file with positions.

    Parameters
    ----------
    path : the file, for messages
    comment : one line

    Raises
    ------
    UserError
        If the file holds something else, or i-PI would not understand the cell or a unit.
    """
    _require_cell(path, comment)
    stated: dict[str, str] = {}
    for found in _STATEMENT.finditer(_LIKE_CELL.sub("", comment)):
        word, unit = found.groups()
        if (meant := _meant(word)) is None:
            continue
        as_it_should_be = f"{meant}{{{unit.strip()}}}"
        if found[0] != as_it_should_be:
            raise UserError(f"{path}: has `{found[0]}` where i-PI reads `{as_it_should_be}` only")
        stated.setdefault(meant, unit)
    cell_unit = stated.pop("cell", "")
    quantity = next((name for name in POSITIONS if name in stated), "positions")
    if stated and quantity not in stated:
        raise UserError(f"{path}: holds {next(iter(stated))}, not positions")
    unit = stated.get(quantity, "")
    for name, of in ((quantity, unit), ("cell", cell_unit)):
        try:
            bohr(of)
        except ValueError as error:
            raise UserError(f"{path}: `{name}{{{of}}}`: {error}") from error
    return Comment(quantity, unit, cell_unit)


def bohr(unit: str) -> float:
    """How many bohr i-PI takes a unit of length for; an unstated one, for one.

    Raises
    ------
    ValueError
        If i-PI does not know it.
    """
    from ipi.utils.units import unit_to_internal

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints the units that it knows
            return float(unit_to_internal("length", unit, 1.0))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"i-PI knows no unit of length '{unit}'; it has atomic_unit, angstrom, nanometer, ..."
        ) from error


def _require_cell(path: Path, comment: str) -> None:
    """Refuse a cell that i-PI would not see, or fill up with zeros."""
    like = _LIKE_CELL.search(comment)
    if like is None:
        return
    exact = _CELL.search(comment)
    if exact is None or len(exact[2].split()) < {"abcABC": 6}.get(exact[1], 9):
        raise UserError(
            f"{path}: `{comment[like.start() :].strip():.60}` is no cell that i-PI reads, such as "
            "`CELL(abcABC): a b c alpha beta gamma`; CELL(H) and CELL(GENH) have nine numbers"
        )


def _meant(word: str) -> str | None:
    """The word of i-PI's that a word before a unit is, but for a slip."""
    near = difflib.get_close_matches(word.lower(), _words(), n=1, cutoff=0.9)
    return _words()[near[0]] if near else None


@functools.cache
def _words() -> dict[str, str]:
    """What i-PI gives units for in comments, by its lower case."""
    from ipi.engine.properties import Trajectories

    return {name.lower(): name for name in ("cell", *Trajectories().traj_dict)}
