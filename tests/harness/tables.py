"""The rows of the files that a run leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ipi_mtd.arrays import FloatArray


def read_rows(path: Path) -> FloatArray:
    """The numbers of a file of i-PI's, PLUMED's or ours: (n_rows, n_columns)."""
    rows = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return np.array([row for row in rows if row], dtype=float)
