"""The example inputs of i-PI and of the driver belong together."""

import xml.etree.ElementTree as ET
from pathlib import Path

import ase.io
import pytest

from ipi_mtd.assembly.address import address_of
from ipi_mtd.assembly.agreement import require_agreement
from ipi_mtd.assembly.structure import structure_of
from ipi_mtd.config import read_config
from ipi_mtd.server.ipi_input import interpret

INPUTS = Path(__file__).parents[1] / "inputs"
CONFIGS = sorted(INPUTS.glob("*.toml"))


@pytest.mark.usefixtures("asked_here")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_i_pi_and_the_driver_agree(path, caplog):
    config = read_config(path)
    ipi = interpret(INPUTS / "input.xml", INPUTS.parent)
    require_agreement(ipi, config, structure_of(config), address_of(config))
    assert ipi.systems[0].temperature == pytest.approx(config.system.temperature)
    assert not caplog.records


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
