"""All other files, read as ASE means them."""

from __future__ import annotations

import io
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.structures.comments import bohr, read_comment
from ipi_mtd.structures.frames import first_frame
from ipi_mtd.structures.ipi_formats import is_no_cell
from ipi_mtd.structures.snapshot import HYDROGENS, Snapshot

log = logging.getLogger(__name__)

_HYDROGEN = re.compile(rf"^(\s*)(?:{'|'.join(HYDROGENS)})(?=\s)", re.MULTILINE)

NOT_A_CRYSTAL = re.compile(r"^CRYST1 +1\.0+ +1\.0+ +1\.0+ ", re.MULTILINE)
"""The cell of a pdb file of something that has none."""


def read_by_ase(path: Path, head: str) -> Snapshot:
    """The first structure of a file.

    Parameters
    ----------
    path : the file
    head : its first lines

    Raises
    ------
    UserError
        If ASE cannot read it, or i-PI has written something else than positions into it.
    """
    from ase.io.formats import UnknownFileTypeError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            atoms, labels = _read(path, head)
    except UserError:
        raise
    except KeyError as error:  # "'Ow'", or "Could not parse species from label OW1."
        name = str(error.args[0]).removesuffix(".").split(" ")[-1]
        raise UserError(
            f"{path}: has atoms called '{name}', which is no chemical symbol; only in an xyz file "
            "with i-PI's comment may atoms have any name"
        ) from error
    except UnknownFileTypeError as error:
        raise UserError(f"{path}: is no kind of structure file that ASE knows") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: ASE cannot read the structure: {reason}") from error
    by_ipi = "ipi_comment" in atoms.info
    positions, cell = _of_ipi(path, atoms) if by_ipi else _in_angstrom(atoms)
    if is_no_cell(cell) or NOT_A_CRYSTAL.search(head):
        cell = np.zeros((3, 3))
    elif atoms.pbc.any() and not cell.any():
        log.warning("%s: says that it is periodic, but has no cell: it is isolated", path)
    pbc = np.array(atoms.pbc) & cell.any(axis=1)
    return Snapshot(path, tuple(labels), positions, cell, pbc, by_ipi)


def _read(path: Path, head: str) -> tuple[Any, list[str]]:
    """ASE's Atoms, and their labels."""
    import ase.io

    if not _is_xyz(path, head):
        atoms: Any = ase.io.read(path, index=0)
        return atoms, atoms.get_chemical_symbols()
    text = first_frame(path)
    atoms = ase.io.read(io.StringIO(_HYDROGEN.sub(r"\1H", text)), index=0, format="extxyz")
    rows = text.splitlines()[2:]
    names = (row.split()[0] for row in rows[: len(atoms)])
    symbols = zip(names, atoms.get_chemical_symbols(), strict=True)
    return atoms, [name if name in HYDROGENS else symbol for name, symbol in symbols]


def _is_xyz(path: Path, head: str) -> bool:
    """Whether a file begins as xyz does and its name says nothing else."""
    from ase.io.formats import filetype, ioformats

    if not head.partition("\n")[0].strip().isdigit():
        return False
    kind = filetype(str(path))
    return kind in ("xyz", "extxyz") or kind not in ioformats


def _in_angstrom(atoms: Any) -> tuple[FloatArray, FloatArray]:
    """(n_atoms, 3) and (3, 3) arrays, bohr."""
    angstrom = units.factor("angstrom", "bohr")
    return atoms.positions * angstrom, np.array(atoms.cell) * angstrom


def _of_ipi(path: Path, atoms: Any) -> tuple[FloatArray, FloatArray]:
    """(n_atoms, 3) and (3, 3) arrays, bohr.

    i-PI puts what it writes into a column of that name, and zeros where ASE has positions.
    """
    stated = read_comment(path, str(atoms.info["ipi_comment"]))
    q = atoms.arrays.get(stated.quantity, atoms.positions)
    cell: FloatArray = np.array(atoms.cell) * bohr(stated.cell_unit or "ase")
    return q * bohr(stated.unit or "ase"), cell
