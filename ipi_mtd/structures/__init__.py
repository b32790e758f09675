"""Structure files: what they hold, and whether a run on them is periodic.

``reading`` is the door, ``ipi_formats`` knows the files that i-PI writes, ``ase_formats`` all
others, ``periodicity`` decides which directions of a cell are periodic.
"""

from ipi_mtd.structures.comparison import differing_atoms
from ipi_mtd.structures.periodicity import periodic_directions, say_cell, say_pbc, vacuum
from ipi_mtd.structures.reading import read_structure
from ipi_mtd.structures.snapshot import Snapshot

__all__ = [
    "Snapshot",
    "differing_atoms",
    "periodic_directions",
    "read_structure",
    "say_cell",
    "say_pbc",
    "vacuum",
]
