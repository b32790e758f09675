"""What a structure file holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray, IntArray

HYDROGENS = ("D", "T")
"""Labels of i-PI, and of many xyz files, that ASE does not know as elements."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The first structure of a file.

    Parameters
    ----------
    path : the file
    labels : of the atoms, as in the file: chemical symbols, D, or any name
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
        The lattice vectors as rows; zero where there is none.
    pbc : (3,) array
        The directions that the file says are periodic.
    by_ipi : bool
        Whether i-PI wrote it, or might have: it writes a periodic cell around every cluster.
    """

    path: Path
    labels: tuple[str, ...]
    positions: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]
    by_ipi: bool = False

    @property
    def numbers(self) -> IntArray:
        """(n_atoms,) array: the atomic numbers; 0 where the label is no element."""
        return np.array([atomic_number(label) for label in self.labels], dtype=np.int32)


def atomic_number(label: str) -> int:
    """The atomic number that a label stands for, 0 if it is no element."""
    from ase.data import atomic_numbers

    return 1 if label in HYDROGENS else int(atomic_numbers.get(label, 0))
