"""What is printed is evaluated when it is printed, and nothing is loaded or read twice."""

from pathlib import Path

import ase.io
import numpy as np
import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.commands.fes import structure_marks
from ipi_mtd.config import read_description, validate
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.structures.structure import Structure
from tests.harness.session import session_of

ROOT = Path(__file__).parents[2]
EVERY, N_STEPS = 5, 21


@pytest.fixture
def calls(monkeypatch):
    """The file of the model for each evaluation of one."""
    calls = []
    evaluate = FeatureModel.evaluate

    def counted(self, *arguments):
        calls.append(self.path.name)
        return evaluate(self, *arguments)

    monkeypatch.setattr(FeatureModel, "evaluate", counted)
    return calls


@pytest.fixture
def run(exported):
    return Run(
        validate(
            {
                "system": {"structure": str(ROOT / "lj38/octahedron.xyz"), "timestep": "1 fs"},
                "socket": {"address": "nobody"},
                "potential": {"kind": "none"},
                "models": {
                    "histogram": {"file": str(exported / "histo-cv.pt")},
                    "soap": {"file": str(exported / "soap-cv.pt")},
                },
                "cv": [{"name": "n6", "model": "histogram", "component": 1}],
                "quantity": [{"name": "q4", "model": "soap", "component": 1}],
                "colvar": {"stride": EVERY, "columns": ["n6", "q4", "soap.2"]},
            },
            Path("here.toml"),
        )
    )


def test_quantities_and_outputs_are_evaluated_only_at_the_steps_that_print_them(
    run, calls, tmp_path
):
    session = session_of(run, tmp_path)
    calls.clear()
    rng = np.random.default_rng(0)
    for _ in range(N_STEPS):
        positions = run.structure.positions + 0.02 * rng.normal(size=(38, 3))
        session.propose(Structure(positions, run.structure.cell, run.structure.types))
        session.commit()
    session.close()
    assert calls.count("histo-cv.pt") == N_STEPS
    assert calls.count("soap-cv.pt") == N_STEPS // EVERY + 1
    colvar = read_colvar(tmp_path / "COLVAR")
    assert len(colvar["q4"]) == N_STEPS // EVERY + 1
    assert np.ptp(colvar["q4"]) > 0.0
    assert np.ptp(colvar["soap.2"]) > 0.0


def test_an_evaluation_is_a_record_and_runs_no_model(run, calls):
    session = session_of(run)
    evaluation = session.propose(run.structure)
    calls.clear()
    for name in evaluation.__dataclass_fields__:
        getattr(evaluation, name)
    assert calls == []


def test_a_model_is_loaded_once_for_all_marks(exported, tmp_path, monkeypatch):
    path = tmp_path / "cvs.toml"
    path.write_text(
        f'[models.h]\nfile = "{exported / "histo-cv.pt"}"\n[[cv]]\nname = "a"\ncomponent = 1\n'
    )
    atoms = ase.io.read(ROOT / "lj38/octahedron.xyz")
    files = []
    for k in range(4):
        atoms.positions += 0.02 * np.random.default_rng(k).normal(size=(38, 3))
        files.append(tmp_path / f"mark{k}.extxyz")
        ase.io.write(files[-1], atoms)
    loaded = []
    load = FeatureModel.__init__

    def counted(self, *arguments, **more):
        loaded.append(arguments[0])
        load(self, *arguments, **more)

    monkeypatch.setattr(FeatureModel, "__init__", counted)
    marks = structure_marks(read_description(path), files)
    assert len(loaded) == 1
    assert [name for name, _ in marks] == [f"mark{k}" for k in range(4)]
    assert len({s["a"] for _, s in marks}) == 4
