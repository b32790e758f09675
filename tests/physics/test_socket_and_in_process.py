"""The same trajectory with the driver behind a socket and inside i-PI's own process.

The second time i-PI calls a class instead of a socket; nothing of the wire, the loop of the driver
and its moments of committing takes part. Thermostat and start are seeded, so every number of the
two runs is the same to the last bit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipi_mtd.files.hills import read_hills
from tests.harness.inputs import cluster_input
from tests.harness.ipi import finish

ROOT = Path(__file__).parents[2]
PACE, STEPS = 10, 205

CONFIG = """
[system]
structure = "{structure}"
timestep = "5 fs"
temperature = "30 K"
[socket]
address = "{address}"
[potential]
kind = "lennard-jones"
epsilon = "0.24 kcal/mol"
sigma = "3.4 angstrom"
[models.histogram]
file = "{model}"
[[cv]]
name = "cv1"
component = 1
[[cv]]
name = "cv2"
component = 2
[metad]
height = "0.5 kcal/mol"
sigma = [1.0, 0.5]
pace = {pace}
bias_factor = 40
[colvar]
stride = 1
columns = ["cv1", "cv2", "metad.bias", "potential"]
"""

IN_PROCESS = """
<ffdirect name="driver" pbc="False">
  <pes> custom </pes> <pes_path> {pes_path} </pes_path>
  <parameters> {{ config: {config} }} </parameters>
</ffdirect>
"""

# A call is the next step: the one before is committed, the last one never.
PES = """
from pathlib import Path

from ipi_mtd.assembly.run import Run
from ipi_mtd.config import read_config
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server.conversation import extras

__DRIVER_NAME__ = "custom"
__DRIVER_CLASS__ = "InProcess"


class InProcess:
    def __init__(self, config, **_):
        self.run = Run(read_config(Path(config)))
        self.walker = self.run.walker(self.run.open(Path.cwd(), Start.RESUME))

    def __call__(self, cell, positions):
        self.walker.arrived()
        question = self.walker.asked(positions, cell)
        (evaluation,) = self.run.system.evaluate([question.structure], [question.occasion])
        self.walker.answered(evaluation)
        total = evaluation.total
        return total.energy, total.forces, total.virial, extras(evaluation, self.run.cv_names)
"""

OUTPUT = """
<properties stride="1" filename="out">
  [ step, conserved, kinetic_md, potential, ensemble_temperature, virial_md ]
</properties>
<trajectory stride="1" filename="pos" format="xyz"> positions </trajectory>
<trajectory stride="1" filename="for" format="xyz"> forces </trajectory>
<trajectory stride="1" filename="extras" extra_type="cv1,cv2,bias"> extras </trajectory>
"""


@pytest.fixture
def configuration(tmp_path: Path, exported: Path, address: str) -> Path:
    path = tmp_path / "driver.toml"
    text = CONFIG.format(
        structure=ROOT / "lj38/octahedron.xyz",
        model=exported / "histo-cv.pt",
        address=address,
        pace=PACE,
    )
    path.write_text(text)
    return path


@pytest.fixture
def both(
    configuration: Path,
    address: str,
    simulate: Callable[..., None],
    start_ipi: Callable[..., Any],
    tmp_path: Path,
) -> tuple[Path, Path]:
    """The directory of the run behind a socket, and that of the run in process."""
    pes = tmp_path / "in_process.py"
    pes.write_text(PES)
    settings = {
        "structure": ROOT / "lj38/octahedron.xyz",
        "steps": STEPS,
        "timestep": 5.0,
        "temperature": 30.0,
        "output": OUTPUT,
    }
    in_process = IN_PROCESS.format(pes_path=pes, config=configuration)
    other = start_ipi(
        cluster_input(address, forcefield=in_process, **settings), tmp_path / "in_process"
    )
    content = tomllib.loads(configuration.read_text())
    simulate(cluster_input(address, **settings), content, tmp_path / "socket")
    assert finish(other) == [0]
    return tmp_path / "socket", tmp_path / "in_process"


def test_a_run_behind_the_socket_and_one_in_process_are_the_same_to_the_last_bit(
    both: tuple[Path, Path],
) -> None:
    socket, in_process = both
    assert len(read_hills(socket / "HILLS")) == STEPS // PACE
    for name in ("HILLS", "ipi.out", "ipi.pos_0.xyz", "ipi.for_0.xyz", "ipi.extras_0"):
        assert (socket / name).read_bytes() == (in_process / name).read_bytes(), name
    rows = (socket / "COLVAR").read_bytes().splitlines()
    assert rows[:-1] == (in_process / "COLVAR").read_bytes().splitlines()
