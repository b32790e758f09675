"""The files that i-PI writes, read by i-PI's own reader.

i-PI puts the units and the cell of an xyz, pdb or json file into its comment or title; where they
are silent it means bohr in xyz and json. ASE would take all of it for angstrom.

==================  ==============================================================================
file                taken for i-PI's if
==================  ==============================================================================
xyz                 the comment has a ``CELL(abcABC)``, ``CELL(H)`` or ``CELL(GENH)`` with any kind
                    of brackets, or ``positions{unit}`` or the like, and is not of an extended xyz
pdb                 the title has a ``positions{unit}`` or the like
json                it has ``labels`` and a ``title``
RESTART, checkpoint the first element is ``<simulation>``
==================  ==============================================================================

The extended xyz of ``format="ase"`` is ASE's, in angstrom.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd.errors import UserError
from ipi_mtd.structure import FloatArray
from ipi_mtd.structures.snapshot import Snapshot

_CELL = re.compile(r"CELL[(\[{](abcABC|H|GENH)[)\]}]")
_POSITIONS = r"positions|x_centroid(?:_even|_odd)?"
_OTHERS = (
    r"velocities|momenta|forces\w*|Eforces|bec[xyz]|[vpf]_centroid\w*|kinetic_(?:cv|od)|r_gyration|"
    r"isotope_\w+"
)
_QUANTITY = re.compile(rf"(?:cell|{_POSITIONS}|{_OTHERS})\{{\w*\}}")
_OTHER_QUANTITY = re.compile(rf"\b({_OTHERS})\{{")


def format_of(head: str) -> str | None:
    """i-PI's name of the format of a file, None if i-PI has not written it.

    Parameters
    ----------
    head : the first lines of the file
    """
    first, _, rest = head.partition("\n")
    comment = rest.partition("\n")[0]
    if first.strip().isdigit():
        extended = "Properties=" in comment or "Lattice=" in comment
        marked = _CELL.search(comment) or _QUANTITY.search(comment)
        return "xyz" if marked and not extended else None
    if first.startswith("TITLE") and _QUANTITY.search(first):
        return "pdb"
    if first.startswith("{") and '"labels"' in head and '"title"' in head:
        return "json"
    return "chk" if re.search(r"<simulation\b", head) else None


def quantity_that_is_not_positions(comment: str) -> str | None:
    """The name of what a file of i-PI holds, if it is not the positions of the atoms."""
    found = _OTHER_QUANTITY.search(comment)
    return found[1] if found else None


def read_ipi_file(path: Path, format_: str) -> Snapshot:
    """The first structure of a file that i-PI wrote.

    Parameters
    ----------
    path : the file
    format_ : as `format_of` says

    Raises
    ------
    UserError
        If i-PI cannot read it, it ends early, has a unit that i-PI does not know, or holds
        something else than positions.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # i-PI prints what it reads
        labels, positions, cell = _checkpoint(path) if format_ == "chk" else _frame(path, format_)
    if len(labels) == 0 or not all(labels):
        n_read = sum(map(bool, labels))
        raise UserError(f"{path}: ends after {n_read} of the {len(labels)} atoms that it announces")
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        raise UserError(f"{path}: has a coordinate or a cell that is no finite number")
    if np.linalg.det(cell) < 0.0:
        cell = np.zeros((3, 3))  # i-PI's sign that there is none
    pbc = np.full(3, cell.any())
    return Snapshot(path, labels, positions, cell, pbc, by_ipi=True)


def _frame(path: Path, format_: str) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    from ipi.utils.io import read_file

    with path.open(encoding="utf-8") as file:
        head = file.readline() + (file.readline() if format_ == "xyz" else "")
        if quantity := quantity_that_is_not_positions(head):
            raise UserError(f"{path}: holds {quantity}, not positions")
        file.seek(0)
        try:
            frame = read_file(format_, file, dimension="length")
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{path}: i-PI cannot read the structure: {reason}") from error
    return _arrays(frame["atoms"].names, frame["atoms"].q, frame["cell"].h)


def _checkpoint(path: Path) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """The first system; of a ring polymer, the centroid."""
    from ipi.engine.initializer import init_chk

    try:
        beads, cell, _ = init_chk(str(path))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: i-PI cannot read it as a checkpoint: {reason}") from error
    if beads.natoms == 0:
        raise UserError(
            f"{path}: is an i-PI input without positions, not a checkpoint; name a file "
            "with the structure"
        )
    return _arrays(beads.names, np.mean(np.array(beads.q), axis=0), cell.h)


def _arrays(names: Any, q: Any, h: Any) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """From i-PI's arrays, where lattice vectors are columns."""
    positions = np.array(q, dtype=np.float64).reshape(-1, 3)
    return tuple(map(str, names)), positions, np.array(h, dtype=np.float64).T.copy()
