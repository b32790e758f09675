"""PLUMED as the second implementation of the bias, and the traces that it is compared on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray


@pytest.fixture
def walk() -> Callable[[int, int], FloatArray]:
    """A seeded random walk of n steps and d CVs, with a spread of 0.35 around zero."""

    def walk(n: int, d: int) -> FloatArray:
        rng = np.random.default_rng(20 + d)
        s = np.zeros((n, d))
        for i in range(1, n):
            s[i] = 0.98 * s[i - 1] + rng.normal(0.0, 0.07, d)
        return s

    return walk


@pytest.fixture
def run_plumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[FloatArray, Sequence[str]], SimpleNamespace]:
    """Impose a trace of up to three CVs on PLUMED, and return what it did.

    The CVs are the coordinates of one atom, p.x, p.y and p.z in the input lines, so that the
    forces on it are -dV/ds. The fixture's function returns the bias ``V`` (n,), ``dV_ds`` (n, d)
    and the rows of the files ``hills`` and ``colvar``. Units are kJ/mol and nm.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMED_NUM_THREADS", "1")
    import plumed  # here, so that a machine without the wheel skips first

    def run(trace: FloatArray, lines: Sequence[str]) -> SimpleNamespace:
        d = trace.shape[1]
        V, dV_ds = np.zeros((len(trace), 1)), np.zeros_like(trace)
        with plumed.Plumed() as kernel:
            kernel.cmd("setRealPrecision", 8)
            kernel.cmd("setNatoms", 1)
            kernel.cmd("setMDEngine", "pytest")
            kernel.cmd("setTimestep", 0.001)
            kernel.cmd("setLogFile", "plumed.log")
            kernel.cmd("init")
            for line in ("p: POSITION ATOM=1 NOPBC", *lines):
                kernel.cmd("readInputLine", line)
            for step, s in enumerate(trace):
                positions, forces = np.zeros((1, 3)), np.zeros((1, 3))
                positions[0, :d] = s
                kernel.cmd("setStep", step)
                kernel.cmd("setPositions", positions)
                kernel.cmd("setForces", forces)
                kernel.cmd("setMasses", np.ones(1))
                kernel.cmd("setCharges", np.zeros(1))
                kernel.cmd("setBox", np.zeros((3, 3)))
                kernel.cmd("setVirial", np.zeros((3, 3)))
                kernel.cmd("calc")
                kernel.cmd("getBias", V[step])
                dV_ds[step] = -forces[0, :d]
        files = {name.lower(): _rows(Path(name)) for name in ("HILLS", "COLVAR")}
        return SimpleNamespace(V=V[:, 0], dV_ds=dV_ds, **files)

    return run


def _rows(path: Path) -> FloatArray:
    """The numbers of a file, none if there is no file."""
    path.touch()
    lines = path.read_text().splitlines()
    return np.array([line.split() for line in lines if not line.startswith("#")], dtype=float)
