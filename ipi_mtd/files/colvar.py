"""COLVAR: the CVs and the bias along a run, in PLUMED's format.

See `ipi_mtd.files.fields` for what holds for any file of this kind.

=============================================  =====================================================
line                                           meaning
=============================================  =====================================================
``#! FIELDS time cv1 cv2 mtd.bias ...``        the columns: ``time`` in ps, then any others, in the
                                               units of the CVs and the run's energy unit
``#! SET min_cv1 -pi``, ``#! SET max_cv1 pi``  of each periodic column
=============================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import format_header, period_constants, read_table
from ipi_mtd.periods import Period


def format_colvar_header(
    columns: Sequence[str], periods: Mapping[str, Period] | None = None
) -> bytes:
    """Return the header for the columns that follow the time, and the periods of some of them.

    Raises
    ------
    UserError
        If a name is not one word, or the columns do not have different names.
    """
    return format_header(("time", *columns), period_constants(periods or {}))


def read_colvar(path: Path) -> dict[str, FloatArray]:
    """Read a COLVAR file, ours or PLUMED's, into one (n_rows,) array for each column.

    Raises
    ------
    UserError
        If the file cannot be read, breaks the format, or has no column for the time.
    """
    table = read_table(path)
    if table.names[0] != "time":
        raise UserError(f"{path}: the first column must be time, got {table.names[0]}")
    return {name: table.column(name) for name in table.names}
