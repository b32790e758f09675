"""How often a real i-PI asks a force in a step is what is said before it runs."""

import pytest
from square_input import SQUARE

from ipi_mtd.server.ipi_input import interpret
from ipi_mtd.server.ipi_input.force_calls import calls_per_step
from tests.harness.ipi import finish

STEPS = 4

PES = """
import numpy as np
from ipi.pes.dummy import Dummy_driver
class Counting(Dummy_driver):
    def compute_structure(self, cell, pos):
        with open("calls", "a") as calls:
            calls.write("x")
        return 0.0, -1e-4 * pos, np.zeros((3, 3)), ""
__DRIVER_NAME__ = "custom"
__DRIVER_CLASS__ = "Counting"
"""

INPUT = """
<simulation verbosity="quiet">
  <total_steps> {steps} </total_steps> <prng> <seed> 3 </seed> </prng>
  <fflj name="lj"> <parameters> {{eps: 3e-4, sigma: 6.4}} </parameters> </fflj>
  <ffdirect name="counted"> <pes> custom </pes> <pes_path> pes.py </pes_path> </ffdirect>
  <system>
    <initialize nbeads="1"> <file mode="xyz"> square.xyz </file>
      <velocities mode="thermal" units="kelvin"> 40 </velocities> </initialize>
    <forces> <force forcefield="lj"> <mts_weights> {lj} </mts_weights> </force> {force} </forces>
    <ensemble> <temperature units="kelvin"> 40 </temperature> <bias> {bias} </bias> </ensemble>
    <motion mode="dynamics"> <dynamics mode="nvt" splitting="{splitting}">
      <timestep units="femtosecond"> 1 </timestep> <nmts> {nmts} </nmts>
      <thermostat mode="langevin"> <tau units="femtosecond"> 100 </tau> </thermostat>
    </dynamics> </motion>
  </system>
  <output prefix="x">
    <properties stride="1"> [ step, potential, conserved, ensemble_bias ] </properties>
  </output>
</simulation>
"""


@pytest.mark.parametrize(
    ("splitting", "nmts", "lj", "weights", "is_bias", "expected"),
    [
        ("baoab", "[1, 3]", "[0, 1]", "[1, 0]", True, 1),
        ("obabo", "[3]", "[1]", "[1]", True, 3),
        ("baoab", "[2, 3]", "[0, 1]", "[0, 1]", True, 2),
        ("obabo", "[1, 2, 3]", "[0, 0, 1]", "[0, 1, 0]", False, 2),
        ("baoab", "[2, 3]", "[1, 0]", "[1, 0]", False, 2),
        ("obabo", "[2, 3]", "[1, 0]", "[0.5, 0.5]", False, 6),
    ],
)
def test_i_pi_asks_as_often_as_is_said(site, splitting, nmts, lj, weights, is_bias, expected):
    counted = f'<force forcefield="counted"> <mts_weights> {weights} </mts_weights> </force>'
    force, bias = ("", counted) if is_bias else (counted, "")
    words = {"steps": STEPS, "lj": lj, "force": force, "bias": bias}
    path = site.write("input.xml", INPUT.format(**words, splitting=splitting, nmts=nmts))
    site.write("square.xyz", SQUARE)
    site.write("pes.py", PES)
    ipi = interpret(path, path.parent)
    (use,) = ipi.uses_of(next(ff for ff in ipi.forcefields if ff.name == "counted"))
    assert calls_per_step(use.system.motion, use) == expected
    assert finish(site.ipi()) == [0]
    # and once for the first structure
    assert len(site.read("calls")) == expected * STEPS + 1
