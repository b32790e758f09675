"""The tutorial's input, and the same input run by PLUMED and by us on the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
import torch

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.config.reading import read_input
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure
from tests.harness import plumed
from tests.harness.session import session_of
from tests.harness.tables import read_rows

TIMESTEP = 0.0025  # ps

TUTORIAL = """\
UNITS LENGTH=A ENERGY=kcal/mol

soap: METATOMIC ...
    MODEL=soap-cv.pt
    EXTENSIONS_DIRECTORY=./extensions/
    SPECIES1=1-38
    SPECIES_TO_TYPES=18
...

histo: METATOMIC ...
    MODEL=histo-cv.pt
    EXTENSIONS_DIRECTORY=./extensions/
    SPECIES1=1-38
    SPECIES_TO_TYPES=18
...

cv1: SELECT_COMPONENTS ARG=histo COMPONENTS=1
cv2: SELECT_COMPONENTS ARG=histo COMPONENTS=2

mtd: METAD ...
    ARG=cv1,cv2
    HEIGHT=0.04
    PACE=30
    SIGMA=1.0,0.5
    GRID_MIN=0,0
    GRID_MAX=30,20
    GRID_BIN=300,200
    BIASFACTOR=40
    FILE=HILLS
    TEMP=19.3
...

PRINT ARG=cv1,cv2,mtd.*,histo.*,soap.* STRIDE=10 FILE=COLVAR
FLUSH STRIDE=1
"""


@pytest.fixture(scope="session")
def tutorial() -> str:
    """The input of the LJ38 tutorial."""
    return TUTORIAL


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Makes an input file."""

    def write(text: str) -> Path:
        path = tmp_path / "plumed.dat"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def trace() -> FloatArray:
    """(200, 3) array: a seeded random walk between 0.3 and about 2."""
    rng = np.random.default_rng(3)
    s = np.empty((200, 3))
    s[0] = 1.0
    for i in range(1, len(s)):
        s[i] = np.abs(s[i - 1] + rng.normal(0.0, 0.07, 3) + 0.02 * (1.0 - s[i - 1]) - 0.3) + 0.3
    return s


class Features:
    """The three coordinates of one atom of each structure as the output of a model."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values
        self.n_properties = values.shape[2]
        self.outputs = torch.from_numpy(values.reshape(len(values), -1)).requires_grad_(True)

    def require_finite(self, numbers: FloatArray) -> None:
        assert np.isfinite(numbers).all()

    def pull_back(self, s: torch.Tensor, dV_ds: FloatArray) -> tuple[FloatArray, FloatArray]:
        (gradient,) = torch.autograd.grad(s, self.outputs, torch.from_numpy(dV_ds))
        return gradient.reshape(-1, 1, 3).numpy(), np.zeros((len(s), 3, 3))


class CoordinatesModel:
    """Stands in for a model: its output is where the atom is, in the unit of the structure."""

    sha256 = "0" * 64
    output = "feature"
    device = "cpu"
    shape = (1, 3)

    def __init__(self, path: Path, *_: object, **__: object) -> None:
        self.path = path

    def evaluate(self, structures: Sequence[Structure], _neighborhoods: Any = None) -> Features:
        return Features(np.array([s.positions.reshape(self.shape) for s in structures]))


@dataclass
class Outcome:
    """What a run did: V and dV_ds at every step, in kJ/mol, and the directory of its files."""

    V: FloatArray
    dV_ds: FloatArray
    directory: Path

    def header(self, file: str) -> list[str]:
        """The lines that are neither rows nor our own."""
        lines = (self.directory / file).read_text().splitlines()
        return [line for line in lines if line.startswith("#!")]

    def rows(self, file: str) -> FloatArray:
        return read_rows(self.directory / file)


@pytest.fixture
def run_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, FloatArray], Outcome]:
    """Runs an input on a trace, with the coordinates of one atom as the vector `x`."""
    monkeypatch.setattr("ipi_mtd.assembly.models.FeatureModel", CoordinatesModel)
    monkeypatch.setattr("ipi_mtd.cvs.cv.CollectiveVariables.warm_up", lambda *_: None)
    ase.io.write(tmp_path / "atom.xyz", ase.Atoms("Ar", positions=[[1.0, 1.0, 1.0]]))

    def run(
        text: str,
        trace: FloatArray,
        directory: Path = tmp_path / "ours",
        start: Start = Start.RESUME,
    ) -> Outcome:
        path = tmp_path / "ours.dat"
        path.write_text(insert(text, "x: METATOMIC MODEL=x.pt SPECIES=1"))
        config = read_input(
            path, structure=tmp_path / "atom.xyz", timestep=f"{TIMESTEP} ps", address="x"
        )
        assembled = Run(config)
        session = session_of(assembled, directory, start)
        V, dV_ds = [], []
        kJ_mol = units.factor("hartree", "kJ/mol")
        for s in trace:
            structure = Structure(s[None, :], np.zeros((3, 3)), assembled.structure.types)
            evaluation = session.propose(structure)
            session.commit()
            V.append(evaluation.bias * kJ_mol)
            dV_ds.append(-evaluation.total.forces[0] * kJ_mol)
        session.close()
        return Outcome(np.array(V), np.array(dV_ds), directory)

    return run


@pytest.fixture
def run_plumed(tmp_path: Path) -> Callable[[str, FloatArray], Outcome]:
    """Runs the same input with PLUMED, where `x` is the vector of the coordinates of one atom."""

    def run(text: str, trace: FloatArray, directory: Path = tmp_path / "plumed") -> Outcome:
        text = insert(text, "p: POSITION ATOM=1 NOPBC\nx: CONCATENATE ARG=p.x,p.y,p.z")
        done = plumed.follow(text, trace[:, None, :], directory, timestep=TIMESTEP)
        return Outcome(done.V, -done.forces[:, 0], directory)

    return run


def insert(text: str, actions: str) -> str:
    """Put actions below the UNITS and RESTART of an input, which must come first."""
    lines = text.splitlines()
    first = [line for line in lines if line.startswith(("UNITS", "RESTART"))]
    return "\n".join([*first, actions, *lines[len(first) :]]) + "\n"
