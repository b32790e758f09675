"""Reading a structure, whoever wrote the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ipi_mtd.errors import UserError
from ipi_mtd.structures.ase_formats import read_by_ase
from ipi_mtd.structures.ipi_formats import format_of, read_ipi_file
from ipi_mtd.structures.snapshot import Snapshot


def read_structure(path: Path) -> Snapshot:
    """The first structure of a file.

    What i-PI writes is read as i-PI means it, any other file as ASE means it; an xyz file that says
    nothing about units is in angstrom.

    Raises
    ------
    UserError
        If there is no such file, or it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such structure file") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if not head.strip():
        raise UserError(f"{path}: is empty, not a structure")
    format_ = format_of(head)
    snapshot = read_by_ase(path, head) if format_ is None else read_ipi_file(path, format_)
    _require_sound(snapshot)
    return snapshot


def _require_sound(snapshot: Snapshot) -> None:
    """Refuse numbers that are none, and a cell that is flat or, in i-PI, inside out."""
    path, cell = snapshot.path, snapshot.cell
    vectors = cell[cell.any(axis=1)]
    if not snapshot.labels:
        raise UserError(f"{path}: has no atoms")
    if not (np.isfinite(snapshot.positions).all() and np.isfinite(cell).all()):
        raise UserError(f"{path}: has a coordinate or a cell that is no finite number")
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    flat = np.linalg.det(directions @ directions.T) < 1e-8
    if flat or (snapshot.by_ipi and cell.any() and np.linalg.det(cell) <= 0.0):
        raise UserError(f"{path}: has a cell whose volume is not positive")
