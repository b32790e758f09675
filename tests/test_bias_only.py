"""The driver as the bias alone, beside i-PI's own Lennard-Jones, as inputs/bias-only.xml has it."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import read_hills
from ipi_mtd.units import factor, parse
from tests.harness.inputs import OCTAHEDRON, ROOT, example_config
from tests.harness.ipi import finish

STEPS = 120
LOG = "launch.log"


def read(name):
    """An input of the example."""
    return (ROOT / "inputs" / name).read_text()


@pytest.fixture(scope="module")
def launch(new_site, exported):
    """Runs an input of the example with a configuration, both changed a little; gives the run."""

    def run(name, configuration, *options, changes=()):
        site = new_site("run")
        text = re.sub("<address>.*?</address>", f"<address>{site.address}</address>", read(name))
        text = re.sub("<total_steps>.*<", f"<total_steps>{STEPS}<", text)
        site.write("input.xml", text.replace("lj38/octahedron.xyz", str(OCTAHEDRON)))
        site.write(configuration, example_config(exported, *changes, name=configuration))
        options = [*options, "--quiet", "--address", site.address, "--output", "out"]
        assert finish(site.launch("input.xml", configuration, *options)) == [0], site.log(LOG)
        return site.directory / "out"

    return run


@pytest.fixture(scope="module")
def bias_only(launch):
    structure = ["--structure", OCTAHEDRON, "--timestep", "2.5 fs"]
    return launch("bias-only.xml", "plumed.dat", *structure)


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
    ours = launch("input.xml", "lj38.toml", changes=[('input = "input.xml"', "")])
    here, there = read_colvar(bias_only / "COLVAR"), read_colvar(ours / "COLVAR")
    for name in ("cv1", "cv2", "metad.bias"):
        np.testing.assert_allclose(here[name], there[name], atol=1e-6)
    physical = [
        np.loadtxt(bias_only / "lj38-bias.out")[:, 5] * factor("eV", "hartree"),
        np.loadtxt(ours / "lj38.extras_0")[:, 3],
    ]
    np.testing.assert_allclose(physical[0], physical[1], atol=1e-8)


def test_its_lennard_jones_is_that_of_the_example():
    (text,) = (e.text for e in ET.fromstring(read("bias-only.xml")).iter("parameters"))
    found = dict(re.findall(r"(\w+): ([\d.]+)", text))
    assert float(found["eps"]) == pytest.approx(parse("0.24 kcal/mol", "hartree"), rel=1e-8)
    assert float(found["sigma"]) == pytest.approx(parse("3.4 angstrom", "bohr"), rel=1e-8)
