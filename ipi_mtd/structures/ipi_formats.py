"""The files that i-PI writes, read as i-PI means them.

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

The extended xyz of ``format="ase"`` is read by ASE.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.structures.comments import bohr, is_of_ipi, read_comment
from ipi_mtd.structures.frames import first_frame
from ipi_mtd.structures.snapshot import Snapshot

_COORDINATE = re.compile(r" *-?\d+\.\d{3}")


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
        return "xyz" if is_of_ipi(comment) and not extended else None
    if first.startswith("TITLE") and is_of_ipi(first):
        return "pdb"
    if first.startswith("{") and '"labels"' in head and '"title"' in head:
        return "json"
    return "chk" if re.search(r"<simulation\b", head) else None


def read_ipi_file(path: Path, format_: str) -> Snapshot:
    """The first structure of a file that i-PI wrote.

    Parameters
    ----------
    path : the file
    format_ : as `format_of` says

    Raises
    ------
    UserError
        If i-PI cannot read it, it has fewer or more atoms than it announces, a unit that i-PI does
        not know, or something else than positions.
    """
    readers = {"xyz": _xyz, "json": _json, "pdb": _pdb, "chk": _checkpoint}
    try:
        # i-PI prints what it reads
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, q, h = readers[format_](path)
    except UserError:
        raise
    except Exception as error:
        what = "it as a checkpoint" if format_ == "chk" else "the structure"
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: i-PI cannot read {what}: {reason}") from error
    positions = np.array(q, dtype=np.float64).reshape(-1, 3)
    cell = np.array(h, dtype=np.float64).T.copy()  # i-PI has lattice vectors as columns
    if is_no_cell(cell):
        cell = np.zeros((3, 3))
    elif np.triu(cell, 1).any():
        raise UserError(f"{path}: CELL(H) must be upper triangular; CELL(GENH) can be anything")
    return Snapshot(
        path, tuple(map(str, names)), positions, cell, np.full(3, cell.any()), by_ipi=True
    )


def is_no_cell(cell: FloatArray) -> bool:
    """Whether a cell is the cube with a side of -1 that i-PI takes where none is given."""
    sides = np.diag(cell)
    inverted = float(sides.prod()) < 0.0
    return inverted and np.allclose(np.abs(cell), abs(sides[0]) * np.eye(3), rtol=1e-5)


def _xyz(path: Path) -> tuple[Any, Any, Any]:
    from ipi.utils.io import read_file

    text = first_frame(path)
    read_comment(path, text.split("\n")[1])
    frame = read_file("xyz", io.StringIO(text), dimension="length")
    return frame["atoms"].names, frame["atoms"].q, frame["cell"].h


def _json(path: Path) -> tuple[Any, Any, Any]:
    from ipi.utils.io import read_file

    with path.open(encoding="utf-8") as file:
        text = file.readline()
    read_comment(path, json.loads(text)["title"])
    frame = read_file("json", io.StringIO(text), dimension="length")
    return frame["atoms"].names, frame["atoms"].q, frame["cell"].h


def _pdb(path: Path) -> tuple[Any, Any, Any]:
    """By the columns that i-PI writes.

    Its own reader begins a coordinate one column late, which costs a wide one its first digit or
    its sign.
    """
    from ipi.utils.mathtools import abc2h

    with path.open(encoding="utf-8", errors="replace") as file:
        stated = read_comment(path, file.readline())
        lines = list(itertools.takewhile(lambda line: not line.startswith("END"), file))
    names, coordinates, h = [], [], np.zeros((3, 3))
    for line in lines:
        if line.startswith("CRYST1"):
            fields = [line[6:15], line[15:24], line[24:33], line[33:40], line[40:47], line[47:54]]
            h = abc2h(*map(float, fields[:3]), *np.radians([float(angle) for angle in fields[3:]]))
        elif line.startswith(("ATOM", "HETATM")):
            names.append(line[12:16].strip())
            fields = [line[30:38], line[38:46], line[46:54]]
            if not all(_COORDINATE.fullmatch(field) for field in fields):
                raise UserError(
                    f"{path}: atom {len(names)} has coordinates that are not in columns"
                )
            coordinates.append([float(field) for field in fields])
    # unlike in i-PI's other files what is not stated is angstrom
    h, q = h * bohr(stated.cell_unit or "angstrom"), np.array(coordinates)
    return names, q * bohr(stated.unit or "angstrom"), h


def _checkpoint(path: Path) -> tuple[Any, Any, Any]:
    """The first system; of a ring polymer, the centroid."""
    from ipi.inputs.beads import InputBeads
    from ipi.inputs.cell import InputCell
    from ipi.utils.io.inputs.io_xml import xml_parse_file

    with path.open(encoding="utf-8") as file:
        simulation = _child(xml_parse_file(file), "simulation")
    system = _child(simulation, "system")
    written = _child(system, "beads"), _child(system, "cell")
    if None in written:
        raise UserError(
            f"{path}: is an i-PI input without positions, not a checkpoint; name a file "
            "with the structure"
        )
    beads, cell = InputBeads(), InputCell()
    for reader, node in zip((beads, cell), written, strict=True):
        reader.parse(node)
    ring = beads.fetch()
    return ring.names, np.mean(np.array(ring.q), axis=0), cell.fetch().h


def _child(node: Any, name: str) -> Any:
    """The first element of this name in an element of i-PI's, None if there is none."""
    if node is None:
        return None
    return next((child for tag, child in node.fields if tag == name), None)
