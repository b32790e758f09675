"""The driver as the bias alone, beside i-PI's own Lennard-Jones, as inputs/bias-only.xml has it."""

import os
import re
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import read_hills
from ipi_mtd.units import factor, parse

ROOT = Path(__file__).parents[1]
STEPS = 120
LAUNCH = [sys.executable, "-m", "ipi_mtd", "launch"]


@pytest.fixture(scope="module")
def launch(tmp_path_factory, exported):
    """Runs an input of the example with a configuration, both changed a little; gives the run."""

    def run(name, configuration, options, *replacements):
        directory = tmp_path_factory.mktemp("run")
        address = f"test-{uuid.uuid4().hex}"
        xml = (ROOT / "inputs" / name).read_text()
        xml = re.sub("<total_steps>.*<", f"<total_steps>{STEPS}<", xml)
        xml = re.sub("<address>.*?</address>", f"<address>{address}</address>", xml)
        xml = xml.replace("lj38/octahedron.xyz", str(ROOT / "lj38/octahedron.xyz"))
        (directory / "input.xml").write_text(xml)
        text = (ROOT / "inputs" / configuration).read_text()
        for old, new in [("../lj38/histo-cv.pt", str(exported / "histo-cv.pt")), *replacements]:
            assert old in text
            text = text.replace(old, new)
        (directory / configuration).write_text(text)
        output = directory / "out"
        subprocess.run(
            [
                *LAUNCH,
                "input.xml",
                configuration,
                "--quiet",
                *options,
                "--address",
                address,
                "--output",
                output,
            ],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            check=True,
            timeout=120,
        )
        return output

    return run


@pytest.fixture(scope="module")
def bias_only(launch):
    structure = ["--structure", ROOT / "lj38/octahedron.xyz", "--timestep", "2.5 fs"]
    return launch("bias-only.xml", "plumed.dat", structure)


def test_hills_and_rows_are_those_of_as_many_steps(bias_only):
    assert len(read_hills(bias_only / "HILLS")) == STEPS // 30
    assert len(read_colvar(bias_only / "COLVAR")["time"]) == STEPS // 10 + 1


def test_i_pi_writes_the_bias_and_the_cvs_that_are_in_colvar(bias_only):
    colvar = read_colvar(bias_only / "COLVAR")
    extras = np.loadtxt(bias_only / "lj38-bias.extras_0")
    kcal_mol = factor("hartree", "kcal/mol")
    np.testing.assert_allclose(extras[:, 0], colvar["cv1"], rtol=1e-8)
    np.testing.assert_allclose(extras[:, 1], colvar["cv2"], rtol=1e-8)
    np.testing.assert_allclose(extras[:, 2] * kcal_mol, colvar["metad.bias"], atol=1e-8)
    bias = np.loadtxt(bias_only / "lj38-bias.out")[:, -1] * factor("eV", "kcal/mol")
    np.testing.assert_allclose(bias, colvar["metad.bias"], atol=1e-6)


def test_the_trajectory_is_the_one_of_our_own_lennard_jones(bias_only, launch):
    ours = launch(
        "input.xml",
        "lj38.toml",
        [],
        ("../lj38/octahedron.xyz", str(ROOT / "lj38/octahedron.xyz")),
        ('input = "input.xml"', ""),
    )
    here, there = read_colvar(bias_only / "COLVAR"), read_colvar(ours / "COLVAR")
    for name in ("cv1", "cv2", "metad.bias"):
        np.testing.assert_allclose(here[name], there[name], atol=1e-6)
    physical = [
        np.loadtxt(bias_only / "lj38-bias.out")[:, 5] * factor("eV", "hartree"),
        np.loadtxt(ours / "lj38.extras_0")[:, 3],
    ]
    np.testing.assert_allclose(physical[0], physical[1], atol=1e-8)


def test_its_lennard_jones_is_that_of_the_example():
    (text,) = (e.text for e in ET.parse(ROOT / "inputs/bias-only.xml").iter("parameters"))
    found = dict(re.findall(r"(\w+): ([\d.]+)", text))
    assert float(found["eps"]) == pytest.approx(parse("0.24 kcal/mol", "hartree"), rel=1e-8)
    assert float(found["sigma"]) == pytest.approx(parse("3.4 angstrom", "bohr"), rel=1e-8)
