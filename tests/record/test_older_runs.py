"""Runs made with earlier versions are gone on with."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.harness.inputs import replaced
from tests.harness.ipi import finish

RUNS = Path(__file__).parent / "runs"


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0.dev"])
def test_a_run_of_an_earlier_version_goes_on_as_it_would_have_then(site, tmp_path, version):
    shutil.copytree(RUNS / version, tmp_path, dirs_exist_ok=True)
    text = replaced(
        site.log("run/RESTART"),
        ("<total_steps>120</total_steps>", "<total_steps>180</total_steps>"),
        ("<address>earlier</address>", f"<address>{site.address}</address>"),
    )
    site.write("run/RESTART", text)
    options = ["--output", "run", "--address", site.address]
    ended = finish(site.launch("run/RESTART", "run.toml", *options))
    assert ended == [0], site.log("launch.log")
    for name in ("HILLS", "COLVAR"):
        found = tmp_path / "run" / name
        expected = RUNS / version / "continued" / name
        assert header(found) == header(expected)
        # of another machine the last bits may differ
        np.testing.assert_allclose(np.loadtxt(found), np.loadtxt(expected), rtol=1e-6)


def header(path):
    return [line for line in path.read_text().splitlines() if line.startswith("#")]
