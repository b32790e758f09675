"""The tutorial's input, unmodified, with its models: COLVAR has the right columns and values."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from metatomic.torch import ModelEvaluationOptions, ModelOutput, System, load_atomistic_model
from vesin.metatomic import NeighborList

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.bias import HillSum
from ipi_mtd.config.reading import read_input
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import read_hills
from ipi_mtd.structures.structure import Structure
from tests.harness.session import session_of

ROOT = Path(__file__).parents[2]
OCTAHEDRON = ROOT / "lj38/octahedron.xyz"
N_STEPS = 101


@pytest.fixture(scope="module")
def frames() -> FloatArray:
    """(n_steps, 38, 3) array, angstrom: the octahedron, each time jittered anew."""
    rng = np.random.default_rng(7)
    return ase.io.read(OCTAHEDRON).positions + rng.normal(0.0, 0.05, (N_STEPS, 38, 3))


@pytest.fixture(scope="module")
def directory(exported: Path, tutorial: str, frames: FloatArray, tmp_path_factory) -> Path:
    """Where the run has written its files."""
    inputs = tmp_path_factory.mktemp("inputs")
    for name in ("histo-cv.pt", "soap-cv.pt", "extensions"):
        (inputs / name).symlink_to(exported / name)
    path = inputs / "plumed.dat"
    path.write_text(tutorial)
    directory = tmp_path_factory.mktemp("run")
    run = Run(read_input(path, structure=OCTAHEDRON, timestep="2.5 fs", address="lj38"))
    session = session_of(run, directory)
    for positions in frames * units.factor("angstrom", "bohr"):
        session.propose(Structure(positions, np.zeros((3, 3)), run.structure.types))
        session.commit()
    session.close()
    return directory


def evaluate(path: Path, extensions: Path, positions: FloatArray) -> list[float]:
    """The output of a model, as metatomic itself evaluates it."""
    model = load_atomistic_model(path, extensions)
    system = System(
        types=torch.full((38,), 18, dtype=torch.int32),
        positions=torch.tensor(positions),
        cell=torch.zeros((3, 3), dtype=torch.float64),
        pbc=torch.zeros(3, dtype=torch.bool),
    )
    for request in model.requested_neighbor_lists():
        system.add_neighbor_list(request, NeighborList(request, "angstrom").compute(system))
    options = ModelEvaluationOptions("angstrom", {"feature": ModelOutput(sample_kind="system")})
    return model([system], options, False)["feature"].block().values[0].tolist()


def test_colvar_has_plumeds_columns(directory: Path) -> None:
    header = (directory / "COLVAR").read_text().splitlines()[0]
    assert header == "#! FIELDS time cv1 cv2 mtd.bias histo.1 histo.2 soap.1 soap.2"


def test_colvar_has_a_row_for_every_tenth_step(directory: Path) -> None:
    time = read_colvar(directory / "COLVAR")["time"]
    np.testing.assert_allclose(time, 0.025 * np.arange(11), atol=1e-9)


@pytest.mark.parametrize("label", ["histo", "soap"])
def test_components_are_the_outputs_of_the_models(
    label: str, directory: Path, exported: Path, frames: FloatArray
) -> None:
    colvar = read_colvar(directory / "COLVAR")
    for row, step in enumerate(range(0, N_STEPS, 50)):
        found = [colvar[f"{label}.{k}"][5 * row] for k in (1, 2)]
        wanted = evaluate(exported / f"{label}-cv.pt", exported / "extensions", frames[step])
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_cvs_are_the_selected_components(directory: Path) -> None:
    colvar = read_colvar(directory / "COLVAR")
    np.testing.assert_array_equal(colvar["cv1"], colvar["histo.1"])
    np.testing.assert_array_equal(colvar["cv2"], colvar["histo.2"])


def test_bias_is_the_sum_of_the_hills_before(directory: Path) -> None:
    colvar, hills = read_colvar(directory / "COLVAR"), read_hills(directory / "HILLS")
    assert hills.names == ("cv1", "cv2")
    np.testing.assert_allclose(hills.times, [0.075, 0.15, 0.225])
    assert set(hills.bias_factors) == {40.0}
    bias = HillSum([None, None], [0.5, 0.5])
    waiting = list(zip(hills.times, hills, strict=True))
    for row, time in enumerate(colvar["time"]):
        while waiting and waiting[0][0] < time - 1e-9:
            _, hill = waiting.pop(0)
            bias.add(hill.center, hill.sigma, hill.height * 39 / 40)
        V, _ = bias.evaluate([colvar["cv1"][row], colvar["cv2"][row]])
        # the grid of 0.1 by 0.1 is coarse: its interpolation is off by 1e-4 of a height
        assert colvar["mtd.bias"][row] == pytest.approx(V, abs=1e-3 * 0.04)
    assert not waiting


def test_heights_are_tempered_with_plumeds_constant(directory: Path) -> None:
    first = next(iter(read_hills(directory / "HILLS")))
    assert first.height == pytest.approx(0.04 * 40 / 39, rel=1e-12)
