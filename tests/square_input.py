"""An i-PI input for four atoms, and variants of it, for tests that read or refuse inputs."""

SQUARE = """\
4
# CELL(abcABC): 40 40 40 90 90 90 cell{angstrom} positions{angstrom}
Ar 0.0 0.0 0.0
Ar 3.8 0.0 0.0
Ne 3.8 3.9 0.0
Ar 0.0 3.7 0.5
"""

INPUT = """\
<simulation verbosity="low">
  <total_steps> 2000 </total_steps>
  <ffsocket name="physics" mode="inet">
    <address> localhost </address> <port> 31415 </port>
  </ffsocket>
  <ffsocket name="driver" mode="unix" pbc="False"> <address> square </address> </ffsocket>
  <system>
    <initialize nbeads="1">
      <file mode="xyz"> square.xyz </file>
      <velocities mode="thermal" units="kelvin"> 40 </velocities>
    </initialize>
    <forces> <force forcefield="driver"/> </forces>
    <ensemble> <temperature units="kelvin"> 40 </temperature> </ensemble>
    <motion mode="dynamics">
      <dynamics mode="nvt">
        <timestep units="femtosecond"> 2 </timestep>
        <thermostat mode="langevin"> <tau units="femtosecond"> 100 </tau> </thermostat>
      </dynamics>
    </motion>
  </system>
  <output prefix="sq">
    <properties stride="10"> [ step, time{picosecond}, potential{electronvolt} ] </properties>
    <checkpoint filename="chk" stride="50" overwrite="False"/>
  </output>
</simulation>
"""

PHYSICS = ('<force forcefield="driver"/>', '<force forcefield="physics"/>')
BIAS = '<ensemble> <bias> <force forcefield="driver" nbeads="1"/> </bias>'
AS_BIAS = (PHYSICS, ("<ensemble>", BIAS))
"""The driver under <ensemble><bias>, beside another one that gives the physical forces."""
