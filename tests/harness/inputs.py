"""Inputs of i-PI and of the driver."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
OCTAHEDRON = ROOT / "lj38" / "octahedron.xyz"

Change = tuple[str, str]


def replaced(text: str, *changes: Change) -> str:
    """The text with some words replaced, each of which must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def example_input(address: str, steps: int, *changes: Change) -> str:
    """i-PI's input of the example, at another address, for so many steps and with changes.

    Its structure has an absolute path, so that i-PI may be started anywhere.
    """
    text = replaced(
        (ROOT / "inputs" / "input.xml").read_text(),
        ("<address> lj38 ", f"<address> {address} "),
        ("<total_steps> 100000 <", f"<total_steps> {steps} <"),
        *changes,
    )
    return text.replace("> lj38/", f"> {ROOT / 'lj38'}/")


def example_config(models: Path, *changes: Change, name: str = "lj38.toml") -> str:
    """The driver's configuration of the example with changes, and models of a directory."""
    text = (ROOT / "inputs" / name).read_text()
    text = replaced(text.replace("../lj38/octahedron.xyz", str(OCTAHEDRON)), *changes)
    return text.replace("../lj38/", f"{models}/")


CLUSTER = """
<simulation verbosity="low" safe_stride="1000">
  <total_steps> {steps} </total_steps>
  <prng> <seed> {seed} </seed> </prng>
  {forcefield}
  <system>
    <initialize nbeads="1">
      <file mode="xyz" units="angstrom"> {structure} </file>
      <cell mode="abc" units="angstrom"> [ 100, 100, 100 ] </cell>
      <velocities mode="thermal" units="kelvin"> {temperature} </velocities>
    </initialize>
    <forces> <force forcefield="driver"/> </forces>
    <ensemble> <temperature units="kelvin"> {temperature} </temperature> </ensemble>
    <motion mode="dynamics">
      <fixcom> True </fixcom>
      <dynamics mode="{ensemble}" splitting="baoab">
        <timestep units="femtosecond"> {timestep} </timestep>
        <thermostat mode="langevin"> <tau units="femtosecond"> {tau} </tau> </thermostat>
      </dynamics>
    </motion>
  </system>
  <output prefix="ipi"> {output} </output>
</simulation>
"""

SOCKET = """
<ffsocket name="driver" mode="unix" pbc="False">
  <address> {address} </address> <latency> 1e-4 </latency>
</ffsocket>
"""


def cluster_input(address: str, **settings: object) -> str:
    """i-PI's input for the dynamics of a cluster; the settings are the words of `CLUSTER`."""
    defaults = {
        "ensemble": "nvt",
        "tau": 500.0,
        "seed": 4711,
        "output": "",
        "forcefield": SOCKET.format(address=address),
    }
    return CLUSTER.format(**{**defaults, **settings})
