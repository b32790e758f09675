"""A barostat moves the cell by the virial, so a potential that has none cannot serve it."""

import sys

import ase.io
import numpy as np
import pytest

SPRINGS = """
from ase.calculators.calculator import Calculator, all_changes


class Springs(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms, properties, changes=all_changes):
        super().calculate(atoms, properties, changes)
        self.results = {"energy": 0.0, "forces": 0.0 * atoms.positions}
"""

DRIVER = """
[system]
structure = "crystal.extxyz"
timestep = "2 fs"
[socket]
address = "{address}"
input = "input.xml"
[potential]
{potential}
[models.m]
file = "{model}"
[[cv]]
name = "d"
[[metad]]
height = "0.01 kJ/mol"
sigma = [0.1]
pace = 3
"""

NO_STRESS = 'kind = "ase"\ncalculator = "springs:Springs"'
ARGON = """
kind = "lennard-jones"
epsilon = "0.24 kcal/mol"
sigma = "3.4 angstrom"
cutoff = "5 angstrom"
"""

SERVER = """
<simulation verbosity="low">
  <total_steps> 6 </total_steps>
  <ffsocket name="driver" mode="unix" pbc="False"> <address> {address} </address> </ffsocket>
  <system>
    <initialize nbeads="1">
      <file mode="ase" units="angstrom"> crystal.extxyz </file>
      <velocities mode="thermal" units="kelvin"> 40 </velocities>
    </initialize>
    <forces> <force forcefield="driver"/> </forces>
    <ensemble>
      <temperature units="kelvin"> 40 </temperature>
      <pressure units="bar"> 1000 </pressure>
    </ensemble>
    <motion mode="dynamics">
      <dynamics mode="{ensemble}">
        <timestep units="femtosecond"> 2 </timestep>
        <thermostat mode="langevin"> <tau units="femtosecond"> 100 </tau> </thermostat>
        <barostat mode="isotropic">
          <tau units="femtosecond"> 100 </tau>
          <thermostat mode="langevin"> <tau units="femtosecond"> 100 </tau> </thermostat>
        </barostat>
      </dynamics>
    </motion>
  </system>
  <output prefix="argon">
    <trajectory filename="pos" format="ase" stride="6"> positions </trajectory>
  </output>
</simulation>
"""

COMMANDS = {
    "check": ["check", "driver.toml"],
    "run": ["run", "driver.toml", "--output", "run"],
    "launch": ["launch", "input.xml", "driver.toml", "--output", "run"],
}

REFUSED = (
    'input.xml: <dynamics mode="npt"> moves the cell by the virial, but the calculator Springs has '
    "no stress, so the virial of the potential is told as zero"
)


@pytest.fixture
def ipi_mtd(site, crystal, distances):
    """Runs a command for a potential and an ensemble; gives its status and what it says."""
    directory = crystal.parent
    (directory / "springs.py").write_text(SPRINGS)
    model = distances((0, 1), cutoff=6.0)

    def run(command, potential, ensemble):
        driver = DRIVER.format(address=site.address, potential=potential, model=model)
        (directory / "driver.toml").write_text(driver)
        server = SERVER.format(address=site.address, ensemble=ensemble)
        (directory / "input.xml").write_text(server)
        command = [sys.executable, "-m", "ipi_mtd", *COMMANDS[command]]
        process = site.start(*command, directory=directory)
        _, said = process.communicate(timeout=120)
        return process.returncode, said

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_barostat_is_refused_before_anything_is_written(ipi_mtd, crystal, command):
    status, said = ipi_mtd(command, NO_STRESS, "npt")

    assert status == 1
    assert said.splitlines()[-1] == f"ipi-mtd: {REFUSED}"
    assert "Traceback" not in said
    assert not (crystal.parent / "run").exists()


def test_without_a_barostat_the_run_goes_on_with_a_warning(ipi_mtd):
    status, said = ipi_mtd("launch", NO_STRESS, "nvt")

    assert status == 0
    warning = "the calculator Springs has no stress, so the virial of the potential is told as zero"
    assert said.count(warning) == 1


def test_a_potential_with_a_virial_moves_the_cell(ipi_mtd, crystal):
    status, said = ipi_mtd("launch", ARGON, "npt")

    assert (status, "virial" in said) == (0, False)
    first, last = ase.io.read(crystal.parent / "run/argon.pos_0.extxyz", ":")
    change = np.linalg.solve(first.cell, last.cell)
    np.testing.assert_allclose(change, change[0, 0] * np.eye(3), atol=1e-6)
    assert abs(change[0, 0] - 1.0) > 1e-5
