"""A long run takes no more memory at its end than at its start."""

import gc
from pathlib import Path

import numpy as np
import psutil
import pytest
from run_directory import open_run

from ipi_mtd.assembly.run import Run
from ipi_mtd.config import read_config
from ipi_mtd.structures.structure import Structure
from tests.harness.session import session_of

ROOT = Path(__file__).parents[1]
MIB = 2**20


def oscillation(structure: Structure, n_steps: int):
    """A smooth trajectory that comes back to where it was."""
    phases = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, size=structure.positions.shape)
    for k in range(n_steps):
        positions = structure.positions + 0.15 * np.sin(0.02 * k + phases)
        yield Structure(positions, structure.cell, structure.types)


def growth(session, structure, warm_up: int, n_steps: int) -> float:
    """Bytes by which the resident memory grows while steps are made."""
    process = psutil.Process()
    before = 0
    for k, moved in enumerate(oscillation(structure, warm_up + n_steps)):
        if k == warm_up:
            gc.collect()
            before = process.memory_info().rss
        session.propose(moved)
        session.commit()
    gc.collect()
    return process.memory_info().rss - before


each_length = pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.long)])


@each_length
def test_of_steps_with_the_models_of_the_example(tmp_path, exported, times):
    path = ROOT / "inputs" / "lj38.toml"
    config = read_config(path)
    models = {
        name: model.model_copy(update={"file": exported / "histo-cv.pt"})
        for name, model in config.models.items()
    }
    run = Run(config.model_copy(update={"models": models}))
    session = session_of(run, tmp_path)
    assert growth(session, run.structure, 500, 1000 * times) < 3 * MIB
    session.close()


@each_length
def test_of_many_steps_of_the_history(tmp_path, times):
    system = open_run(tmp_path)
    structure = Structure(np.eye(3), np.zeros((3, 3)), np.full(3, 18, dtype=np.int32))
    assert growth(system, structure, 2000, 15_000 * times) < 3 * MIB
    system.history.close()
