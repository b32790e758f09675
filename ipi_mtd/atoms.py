"""Structure files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ipi_mtd.errors import UserError


def read_atoms(path: Path) -> Any:
    """The first structure of a file, as ASE's Atoms.

    Raises
    ------
    UserError
        If there is no such file, or ASE cannot read it.
    """
    import ase.io

    try:
        return ase.io.read(path, index=0)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such structure file") from error
    except Exception as error:
        raise UserError(f"{path}: ASE cannot read the structure: {error}") from error
