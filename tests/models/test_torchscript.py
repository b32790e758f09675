"""What is quiet about TorchScript, and what is not."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from ipi_mtd.models.torchscript import torchscript
from tests.harness.energies import Tether, export_energy

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
@pytest.mark.parametrize(
    "message",
    [
        "`torch.jit.load` is deprecated. Please switch to `torch.export`.",
        "`torch.jit.script` is not supported in Python 3.14+ and may break.",
    ],
)
def test_torch_may_say_that_torchscript_is_deprecated(message, category):
    with torchscript():
        warnings.warn(message, category, stacklevel=1)


@pytest.mark.parametrize("message", ["`torch.load` is deprecated.", "`torch.jit.load` is slow."])
def test_other_warnings_are_let_through(message):
    with torchscript(), pytest.warns(FutureWarning, match="torch"):
        warnings.warn(message, FutureWarning, stacklevel=1)


def run(command, tmp_path):
    """A command with every warning an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *map(str, command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_exporting_the_models_warns_of_nothing(tmp_path):
    done = run(["lj38.export", "--output", tmp_path], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_models_of_cvs_and_of_a_potential_are_loaded_and_evaluated_without_a_warning(
    tmp_path, exported
):
    (tmp_path / "run.toml").write_text(
        f"""
        [system]
        structure = "{ROOT / "lj38/octahedron.xyz"}"
        timestep = "1 fs"
        [socket]
        address = "nobody"
        [potential]
        kind = "metatomic"
        file = "{export_energy(Tether(), tmp_path / "energy.pt")}"
        [models.soap]
        file = "{exported / "soap-cv.pt"}"
        [[cv]]
        name = "q4"
        component = 1
        """
    )
    done = run(["ipi_mtd", "check", "run.toml"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
