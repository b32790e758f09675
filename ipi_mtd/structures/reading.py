"""Reading a structure, whoever wrote the file."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd import units
from ipi_mtd.errors import UserError
from ipi_mtd.structures.ipi_formats import (
    format_of,
    quantity_that_is_not_positions,
    read_ipi_file,
)
from ipi_mtd.structures.snapshot import HYDROGENS, Snapshot

_HYDROGEN = re.compile(rf"^(\s*)(?:{'|'.join(HYDROGENS)})(?=\s)", re.MULTILINE)


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
    return _read_by_ase(path, head) if format_ is None else read_ipi_file(path, format_)


def _read_by_ase(path: Path, head: str) -> Snapshot:
    import ase.io

    is_xyz = head.partition("\n")[0].strip().isdigit()
    try:
        if is_xyz:
            frame = _first_frame(path)
            labels = [line.split()[0] for line in frame.splitlines()[2:]]
            source = io.StringIO(_HYDROGEN.sub(r"\1H", frame))
            atoms: Any = ase.io.read(source, index=0, format="extxyz")
        else:
            atoms = ase.io.read(path, index=0)
            labels = atoms.get_chemical_symbols()
    except UserError:
        raise
    except KeyError as error:
        raise UserError(f"{path}: {error} is no chemical symbol") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: ASE cannot read the structure: {reason}") from error
    if quantity := quantity_that_is_not_positions(str(atoms.info.get("ipi_comment", ""))):
        raise UserError(f"{path}: holds {quantity}, not positions")
    symbols = atoms.get_chemical_symbols()
    labels = [
        label if label in HYDROGENS else symbol
        for label, symbol in zip(labels, symbols, strict=True)
    ]
    bohr = units.factor("angstrom", "bohr")
    cell = np.array(atoms.cell) * bohr
    return Snapshot(
        path,
        tuple(labels),
        atoms.positions * bohr,
        cell,
        np.array(atoms.pbc) & cell.any(axis=1),
        by_ipi="ipi_comment" in atoms.info,
    )


def _first_frame(path: Path) -> str:
    """The lines of the first structure of an xyz file.

    Raises
    ------
    UserError
        If the file ends before it does.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = [file.readline()]
        n_atoms = int(lines[0])
        lines += [line for line, _ in zip(file, range(n_atoms + 1), strict=False)]
    n_read = sum(bool(line.strip()) for line in lines[2:])
    if n_read < n_atoms or n_atoms == 0:
        raise UserError(f"{path}: ends after {n_read} of the {n_atoms} atoms that it announces")
    return "".join(lines)
