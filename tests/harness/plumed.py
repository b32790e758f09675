"""PLUMED as the second implementation: it follows a trace of positions, and sums hills."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.files.fields import Table, read_table
from tests.harness.tables import read_rows

needs_plumed = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="the wheel with the PLUMED kernel is for Linux on x86-64",
)


@dataclass
class Followed:
    """What PLUMED did at each structure of a trace, in the units that it was told.

    ``V`` (n,), ``forces`` (n, n_atoms, 3) and ``virial`` (n, 3, 3), which is minus the strain
    derivative here, unlike PLUMED's own; and the directory of its files.
    """

    V: FloatArray
    forces: FloatArray
    virial: FloatArray
    directory: Path

    def rows(self, name: str) -> FloatArray:
        """The rows of a file, none if PLUMED did not make it."""
        path = self.directory / name
        return read_rows(path) if path.exists() else np.empty((0, 0))


def follow(
    text: str,
    positions: FloatArray,
    directory: Path,
    *,
    cells: FloatArray | None = None,
    timestep: float = 0.001,
    first_step: int = 0,
    units: Sequence[tuple[str, float]] = (),
) -> Followed:
    """Impose a trace on PLUMED.

    Parameters
    ----------
    text : what ``plumed.dat`` would hold
    positions : (n, n_atoms, 3) array
    directory : where PLUMED reads and writes its files
    cells : (n, 3, 3) array; none if the atoms are in free space
    timestep : in PLUMED's unit, ps
    first_step : the number of the first structure
    units : commands that set the units of the engine, before anything else; nm, kJ/mol without any
    """
    import plumed  # here, so that a machine without the wheel skips first

    n, n_atoms, _ = positions.shape
    cells = np.zeros((n, 3, 3)) if cells is None else cells
    V, forces, virial = np.zeros((n, 1)), np.zeros((n, n_atoms, 3)), np.zeros((n, 3, 3))
    masses, charges = np.ones(n_atoms), np.zeros(n_atoms)
    directory.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.chdir(directory),
        pytest.MonkeyPatch.context() as patch,
        plumed.Plumed() as kernel,
    ):
        patch.setenv("PLUMED_NUM_THREADS", "1")
        kernel.cmd("setRealPrecision", 8)
        for command, value in units:
            kernel.cmd(command, value)
        kernel.cmd("setMDEngine", "pytest")
        kernel.cmd("setNatoms", n_atoms)
        kernel.cmd("setTimestep", timestep)
        kernel.cmd("setLogFile", "plumed.log")
        kernel.cmd("init")
        kernel.cmd("readInputLines", text)
        for step in range(n):
            # PLUMED keeps the addresses until "calc": no array may be a temporary one
            x, cell = positions[step].copy(), cells[step].copy()
            kernel.cmd("setStep", first_step + step)
            kernel.cmd("setPositions", x)
            kernel.cmd("setBox", cell)
            kernel.cmd("setMasses", masses)
            kernel.cmd("setCharges", charges)
            kernel.cmd("setForces", forces[step])
            kernel.cmd("setVirial", virial[step])
            kernel.cmd("calc")
            kernel.cmd("getBias", V[step])
    return Followed(V[:, 0], forces, -virial, directory)


def sum_hills(directory: Path, options: str) -> Table:
    """What ``plumed sum_hills`` makes of the HILLS of a directory."""
    pytest.importorskip("plumed")
    command = f"sum_hills --hills HILLS {options} --fmt %.17g"
    subprocess.run(
        [sys.executable, "-c", "import plumed; plumed.cli()", *command.split()],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return read_table(directory / "fes.dat")
