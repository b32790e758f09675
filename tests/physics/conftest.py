"""Whole runs, made from configurations, and a real i-PI server to go with them."""

# ruff: noqa: UP006, UP035, UP045 - metatomic wants these very annotations on `forward`
import os
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Dict, List, Optional

import ase
import ase.io
import numpy as np
import pytest
import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import (
    AtomisticModel,
    ModelCapabilities,
    ModelMetadata,
    ModelOutput,
    NeighborListOptions,
    System,
)

from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.commands import run as running
from ipi_mtd.config import validate
from ipi_mtd.files.hills import Hill
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure

ROOT = Path(__file__).parents[2]
ARGON = {"kind": "lennard-jones", "epsilon": "0.24 kcal/mol", "sigma": "3.4 angstrom"}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """The systems are too small for two threads, and i-PI runs beside them."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


class Distances(torch.nn.Module):
    """The distances between some pairs of atoms, in angstrom: what PLUMED's DISTANCE gives."""

    def __init__(self, first: List[int], second: List[int], cutoff: float):
        super().__init__()
        self.first = first
        self.second = second
        self.pairs = NeighborListOptions(cutoff=cutoff, full_list=False, strict=True)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [self.pairs]

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],  # noqa: ARG002
        selected_atoms: Optional[Labels],  # noqa: ARG002
    ) -> Dict[str, TensorMap]:
        neighbors = systems[0].get_neighbor_list(self.pairs)
        i = neighbors.samples.column("first_atom")
        j = neighbors.samples.column("second_atom")
        r = torch.linalg.vector_norm(neighbors.values.squeeze(2), dim=1)
        distances = []
        for a, b in zip(self.first, self.second):  # noqa: B905 - TorchScript has no strict
            is_pair = torch.logical_or((i == a) & (j == b), (i == b) & (j == a))
            distances.append(r[is_pair].min())
        device = r.device
        block = TensorBlock(
            torch.stack(distances).unsqueeze(0),
            Labels("system", torch.zeros((1, 1), dtype=torch.int32, device=device)),
            [],
            Labels("pair", torch.arange(len(distances), device=device).unsqueeze(1)),
        )
        keys = Labels("_", torch.zeros((1, 1), dtype=torch.int32, device=device))
        return {"feature": TensorMap(keys, [block])}


@pytest.fixture(scope="session")
def distances(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Exports a model of the distances between pairs of atoms, counted from 0."""

    def export(*pairs: tuple[int, int], cutoff: float) -> Path:
        first, second = zip(*pairs, strict=True)
        model = AtomisticModel(
            Distances(list(first), list(second), cutoff).eval(),
            ModelMetadata(name="Distances"),
            ModelCapabilities(
                length_unit="angstrom",
                outputs={"feature": ModelOutput(sample_kind="system")},
                atomic_types=[18],
                interaction_range=cutoff,
                supported_devices=["cpu"],
                dtype="float64",
            ),
        )
        path = tmp_path_factory.mktemp("distances") / "distances.pt"
        model.save(path)
        return path

    return export


@pytest.fixture
def lj38(exported: Path) -> Callable[[str], dict[str, Any]]:
    """The configuration of the example, with the histogram or with SOAP."""

    def content(cvs: str) -> dict[str, Any]:
        file = {"histogram": "lj38.toml", "soap": "lj38-soap.toml"}[cvs]
        content = tomllib.loads((ROOT / "inputs" / file).read_text())
        content["system"]["structure"] = str(ROOT / "lj38/octahedron.xyz")
        (model,) = content["models"].values()
        model["file"] = str(exported / Path(model["file"]).name)
        return content

    return content


@pytest.fixture
def crystal(tmp_path: Path) -> Path:
    """27 argon atoms in a sheared and shaken cell, with about 6 neighbors each."""
    atoms = ase.Atoms("Ar", cell=[3.9, 3.9, 3.9], pbc=True) * (3, 3, 3)
    shear = np.array([[1.0, 0.0, 0.0], [0.06, 1.0, 0.0], [-0.03, 0.05, 1.0]])
    atoms.set_cell(atoms.cell @ shear, scale_atoms=True)
    atoms.positions += np.random.default_rng(7).normal(0.0, 0.1, atoms.positions.shape)
    path = tmp_path / "crystal.extxyz"
    ase.io.write(path, atoms)
    return path


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[dict[str, Any]], Run]:
    """Makes a run from the content of a TOML file."""

    def make(content: dict[str, Any]) -> Run:
        path = tmp_path / "driver.toml"
        return Run(validate(content, path), path)

    return make


@pytest.fixture
def shaken() -> Callable[..., Structure]:
    """A structure with its atoms displaced at random, by 0.1 bohr unless told otherwise."""

    def shake(structure: Structure, seed: int = 0, by: float = 0.1) -> Structure:
        noise = np.random.default_rng(seed).normal(0.0, by, structure.positions.shape)
        return Structure(structure.positions + noise, structure.cell, structure.types)

    return shake


@pytest.fixture
def add_hills() -> Callable[..., None]:
    """Adds hills around the CVs of a structure to the only metadynamics of a run."""

    def add(run: Run, structure: Structure, n: int = 20, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        (evaluation,) = run.system.evaluate([structure])
        (term,) = run.metads
        sigma = np.array(term.bias.sigma)
        for _ in range(n):
            center = evaluation.s + sigma * rng.normal(size=len(sigma))
            height = term.bias.height * rng.uniform(0.5, 1.5)
            term.bias.add(Hill(tuple(center.tolist()), term.bias.sigma, height))

    return add


@pytest.fixture
def address() -> str:
    """A name for a unix socket that no other test has."""
    return f"ipi-mtd-test-{uuid.uuid4().hex[:12]}"


IPI_INPUT = """
<simulation verbosity="low" safe_stride="1000">
  <total_steps> {steps} </total_steps>
  <prng> <seed> 4711 </seed> </prng>
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


@pytest.fixture
def ipi_input() -> Callable[..., str]:
    """i-PI's input for a cluster; its keywords are those of the template above."""

    def text(address: str, **settings: object) -> str:
        defaults = {"ensemble": "nvt", "tau": 500.0, "output": ""}
        forcefield = SOCKET.format(address=address)
        return IPI_INPUT.format(**{**defaults, "forcefield": forcefield, **settings})

    return text


@pytest.fixture
def start_ipi(address: str) -> Iterator[Callable[[str, Path], subprocess.Popen[bytes]]]:
    """Starts an i-PI in a directory; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(text: str, directory: Path) -> subprocess.Popen[bytes]:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "input.xml").write_text(text)
        with (directory / "i-pi.log").open("wb") as log:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("i-pi"), "input.xml"],
                cwd=directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    Path(f"/tmp/ipi_{address}").unlink(missing_ok=True)


@pytest.fixture
def simulate(
    start_ipi: Callable[[str, Path], subprocess.Popen[bytes]], tmp_path: Path
) -> Callable[..., None]:
    """Runs i-PI with the driver, in a directory that gets all files, to the last step."""

    def run(
        text: str, content: dict[str, Any], directory: Path, start: Start = Start.RESUME
    ) -> None:
        path = tmp_path / "driver.toml"
        ipi = start_ipi(text, directory)
        running.run(validate(content, path), path, directory, start)
        assert ipi.wait(60) == 0

    return run


@pytest.fixture
def read_columns() -> Callable[[Path], FloatArray]:
    """The numbers in a file of i-PI's, PLUMED's or ours, (n_lines, n_columns)."""
    return lambda path: np.loadtxt(path, ndmin=2)
