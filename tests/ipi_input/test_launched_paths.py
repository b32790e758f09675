"""An input with relative paths works under `launch` as it does by hand."""

import pytest

from tests.harness.inputs import OCTAHEDRON
from tests.harness.ipi import finish

PES = """
import numpy as np
from ipi.pes.dummy import Dummy_driver
class Tethers(Dummy_driver):
    def __init__(self, reference="", **kwargs):
        self.n_atoms = int(open(reference).readline())
        super().__init__(**kwargs)
    def compute_structure(self, cell, pos):
        assert len(pos) == self.n_atoms
        return 0.0, -1e-4 * pos, np.zeros((3, 3)), ""
__DRIVER_NAME__ = "custom"
__DRIVER_CLASS__ = "Tethers"
"""

INPUT = """
<simulation verbosity="low" sockets_prefix="./s_">
  <total_steps> 3 </total_steps>
  <ffsocket name="mtd" mode="unix"> <address> here </address> </ffsocket>
  <ffdirect name="tethers">
    <pes> custom </pes> <pes_path> code/pes.py </pes_path>
    <parameters> {reference: octahedron.xyz} </parameters>
  </ffdirect>
  <system>
    <initialize nbeads="1"> <file mode="ase"> octahedron.xyz </file>
      <cell mode="abc" units="angstrom"> [ 60, 60, 60 ] </cell> </initialize>
    <forces> <force forcefield="tethers"/> </forces>
    <ensemble> <bias> <force forcefield="mtd"/> </bias> </ensemble>
    <motion mode="dynamics">
      <dynamics mode="nve"> <timestep units="femtosecond"> 2 </timestep> </dynamics>
    </motion>
  </system>
  <output prefix="x"> <properties stride="1" filename="out"> [ step ] </properties> </output>
</simulation>
"""

CONFIG = """
[system]
structure = "octahedron.xyz"
timestep = "2 fs"
[socket]
address = "here"
prefix = "./s_"
[potential]
kind = "none"
[models.histogram]
file = "MODEL"
[[cv]]
name = "six"
component = 1
"""


@pytest.mark.parametrize("place", [".", "inputs"])
def test_relative_paths_of_an_input_mean_the_same_under_launch(site, exported, place):
    site.write(f"{place}/code/pes.py", PES)
    site.write(f"{place}/octahedron.xyz", OCTAHEDRON.read_text())
    site.write(f"{place}/input.xml", INPUT)
    site.write(f"{place}/run.toml", CONFIG.replace("MODEL", str(exported / "histo-cv.pt")))
    inputs = f"{place}/input.xml", f"{place}/run.toml"
    ended = finish(site.launch(*inputs, "--output", "out", "--quiet"))
    assert (ended, site.log("launch.log")) == ([0], "")
    assert len(site.log("out/x.out").splitlines()) == 5
    assert (site.directory / "out/COLVAR").exists()
