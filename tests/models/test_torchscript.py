"""What is quiet about TorchScript, and what is not."""

import subprocess
import sys
import warnings

import pytest

from ipi_mtd.models.torchscript import torchscript
from tests.harness.energies import Tether, export_energy
from tests.harness.inputs import OCTAHEDRON
from tests.harness.ipi import ENVIRONMENT


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


PROGRAM = """
import sys
from pathlib import Path
from lj38.export import export
export(Path("models"))
from ipi_mtd.commands.cli import main
sys.argv = ["ipi-mtd", "check", "run.toml"]
main()
"""


@pytest.mark.server
def test_models_are_exported_loaded_and_evaluated_without_a_warning(tmp_path):
    (tmp_path / "run.toml").write_text(
        f"""
        [system]
        structure = "{OCTAHEDRON}"
        timestep = "1 fs"
        [socket]
        address = "nobody"
        [potential]
        kind = "metatomic"
        file = "{export_energy(Tether(), tmp_path / "energy.pt")}"
        [models.soap]
        file = "models/soap-cv.pt"
        [[cv]]
        name = "q4"
        component = 1
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
