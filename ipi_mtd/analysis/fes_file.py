"""The free energy as text, laid out as PLUMED's ``sum_hills`` does.

===============================================  ===================================================
line                                             meaning
===============================================  ===================================================
``#! FIELDS cv1 cv2 file.free error``            the columns; the energies are in the unit of HILLS.
                                                 Where PLUMED has derivatives there is the standard
                                                 error, if it is known
``#! SET min_cv1 -1.5``, ``#! SET max_cv1 1.5``  the range of each CV
``#! SET nbins_cv1 101``                         its points
``#! SET periodic_cv1 false``                    ``true`` if the upper bound is the lower one again
``# state at cv1 = -1: F = 2.1 +- 0.3, 4 visits``  of each, if there are several; PLUMED skips it
===============================================  ===================================================

The first CV runs fastest; a blank line follows each of its runs, so that gnuplot sees a surface.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ipi_mtd.analysis.free_energy import FreeEnergy
from ipi_mtd.files.fields import format_header, format_row, period_constants


def format_fes(F: FreeEnergy) -> bytes:
    """Return the contents of the file."""
    names = [axis.name for axis in F.axes]
    constants: dict[str, str] = {}
    for axis in F.axes:
        constants |= period_constants({axis.name: (axis.lower, axis.upper)})
        constants[f"nbins_{axis.name}"] = str(axis.n_points)
        constants[f"periodic_{axis.name}"] = str(axis.periodic).lower()
    columns = [*np.meshgrid(*(axis.points for axis in F.axes), indexing="ij"), F.values]
    fields = [*names, "file.free"]
    if F.error is not None:
        columns.append(F.error)
        fields.append("error")
    table = np.stack([column.ravel(order="F") for column in columns], axis=1)
    run = F.axes[0].n_points if len(F.axes) > 1 else len(table)
    runs = [
        b"".join(map(format_row, table[start : start + run].tolist()))
        for start in range(0, len(table), run)
    ]
    header = format_header(fields, constants)
    if len(F.states) > 1:
        header += "".join(f"# state at {state.say(names)}\n" for state in F.states).encode()
    return header + b"\n".join(runs)


def write_fes(path: Path, F: FreeEnergy) -> None:
    """Write the free energy to a file."""
    path.write_bytes(format_fes(F))
