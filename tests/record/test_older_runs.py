"""Runs made with earlier versions are gone on with."""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

RUNS = Path(__file__).parent / "runs"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("version", ["0.1.0"])
def test_a_run_of_an_earlier_version_goes_on_as_it_would_have_then(tmp_path, version):
    shutil.copytree(RUNS / version, tmp_path / "here")
    address = f"test-{uuid.uuid4().hex}"
    restart = tmp_path / "here/run/RESTART"
    text = restart.read_text()
    for old, new in [
        ("<total_steps>120</total_steps>", "<total_steps>180</total_steps>"),
        ("<address>earlier</address>", f"<address>{address}</address>"),
    ]:
        assert old in text
        text = text.replace(old, new)
    restart.write_text(text)
    command = ["launch", "run/RESTART", "run.toml", "--output", "run", "--address", address]
    subprocess.run(
        [sys.executable, "-m", "ipi_mtd", *command],
        cwd=tmp_path / "here",
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=120,
    )
    for name in ("HILLS", "COLVAR"):
        found = tmp_path / "here/run" / name
        expected = RUNS / version / "continued" / name
        assert header(found) == header(expected)
        # of another machine the last bits may differ
        np.testing.assert_allclose(np.loadtxt(found), np.loadtxt(expected), rtol=1e-6)


def header(path):
    return [line for line in path.read_text().splitlines() if line.startswith("#")]
