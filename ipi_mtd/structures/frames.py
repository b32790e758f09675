"""The first structure of an xyz file, as text."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

from ipi_mtd.errors import UserError


def first_frame(path: Path) -> str:
    """The lines of the first structure of an xyz file.

    Raises
    ------
    UserError
        If there are fewer or more atoms than it announces, or none.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        head = [file.readline(), file.readline()]
        n_atoms = int(head[0])
        rows = list(itertools.islice(file, n_atoms))
        columns = 1 if "Properties=" in head[1] else 4  # a label and three coordinates
        for k, row in enumerate(rows):
            if len(row.split()) < columns:
                raise UserError(
                    f"{path}: announces {n_atoms} atoms, but line {k + 3} is `{row.strip()}`"
                )
        if len(rows) < n_atoms or n_atoms == 0:
            raise UserError(
                f"{path}: ends after {len(rows)} of the {n_atoms} atoms that it announces"
            )
        vectors, line = _vectors(file)
        if line and not line.split()[0].isdigit():  # nor the next structure
            raise UserError(
                f"{path}: announces {n_atoms} atoms, but after them comes `{line.strip():.60}`"
            )
    return "".join([*head, *rows, *vectors])


def _vectors(file: io.TextIOBase) -> tuple[list[str], str]:
    """Lattice vectors after the atoms, which ASE knows, and the next line with anything on it."""
    vectors = []
    for line in file:
        if line.startswith("VEC"):
            vectors.append(line)
        elif line.strip():
            return vectors, line
    return vectors, ""
