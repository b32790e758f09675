"""PLUMED as the second implementation of the bias, and the traces that it is compared on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from tests.harness import plumed


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
def run_plumed(tmp_path: Path) -> Callable[[FloatArray, Sequence[str]], SimpleNamespace]:
    """Impose a trace of up to three CVs on PLUMED, and return what it did.

    The CVs are the coordinates of one atom, p.x, p.y and p.z in the input lines, so that the
    forces on it are -dV/ds. The fixture's function returns the bias ``V`` (n,), ``dV_ds`` (n, d)
    and the rows of the files ``hills`` and ``colvar``. Units are kJ/mol and nm.
    """

    def run(trace: FloatArray, lines: Sequence[str]) -> SimpleNamespace:
        n, d = trace.shape
        positions = np.zeros((n, 1, 3))
        positions[:, 0, :d] = trace
        text = "\n".join(("p: POSITION ATOM=1 NOPBC", *lines))
        done = plumed.follow(text, positions, tmp_path)
        return SimpleNamespace(
            V=done.V,
            dV_ds=-done.forces[:, 0, :d],
            hills=done.rows("HILLS"),
            colvar=done.rows("COLVAR"),
        )

    return run
