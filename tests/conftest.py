"""What the tests of every folder share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that ``python -m lj38.export`` has filled, called from some other directory.

    Made once, also if several workers of pytest-xdist want it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    directory = shared / "lj38-models"
    with FileLock(shared / "lj38-models.lock"):
        if not directory.with_suffix(".complete").exists():
            subprocess.run(
                [sys.executable, "-m", "lj38.export", "--output", directory],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                cwd=shared,
                check=True,
            )
            directory.with_suffix(".complete").touch()
    return directory
