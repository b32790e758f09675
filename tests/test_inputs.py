"""The example inputs of i-PI and of the driver belong together."""

import xml.etree.ElementTree as ET
from pathlib import Path

import ase.io
import pytest

from ipi_mtd.config import read_config
from ipi_mtd.ipi_input import read_ipi_input
from ipi_mtd.running import address_of

INPUTS = Path(__file__).parents[1] / "inputs"
CONFIGS = sorted(INPUTS.glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_i_pi_listens_where_the_driver_connects_and_has_its_time_step(path):
    config = read_config(path)
    ours = read_ipi_input(INPUTS / "input.xml")
    ours.require_served(address_of(config))
    ours.require_timestep(config.system.timestep)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_the_temperature_is_the_same(path):
    (temperature,) = ET.parse(INPUTS / "input.xml").iter("temperature")
    assert float(temperature.text) == read_config(path).system.temperature


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_the_structure_is_the_same(path):
    (file,) = ET.parse(INPUTS / "input.xml").iter("file")
    theirs = INPUTS.parent / file.text.strip()
    assert theirs.resolve() == read_config(path).system.structure.resolve()


def test_there_is_a_mass_for_each_atom():
    (masses,) = ET.parse(INPUTS / "input.xml").iter("masses")
    numbers = masses.text.strip(" []\n").split(",")
    assert len(numbers) == len(ase.io.read(INPUTS.parent / "lj38/octahedron.xyz"))


def test_i_pi_writes_the_extras_that_the_driver_sends():
    (extras,) = [
        trajectory
        for trajectory in ET.parse(INPUTS / "input.xml").iter("trajectory")
        if trajectory.text.strip() == "extras"
    ]
    cvs = [cv.name for cv in read_config(INPUTS / "lj38.toml").cv]
    assert extras.get("extra_type") == ",".join([*cvs, "bias", "potential"])
