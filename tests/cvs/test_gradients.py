"""The gradient pulled back is the derivative, of positions and of strain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from metatomic.torch import NeighborListOptions

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs import reductions
from ipi_mtd.cvs.cv import CV, CollectiveVariables
from ipi_mtd.cvs.features import Features
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.structures.structure import Structure
from tests.cvs.alone import Alone
from tests.harness.models import FirstDistance, Forces, PairSums, export

LISTS = {
    "half": [NeighborListOptions(cutoff=5.0, full_list=False, strict=True)],
    "full": [NeighborListOptions(cutoff=5.0, full_list=True, strict=False)],
    "both": [
        NeighborListOptions(cutoff=5.0, full_list=False, strict=False),
        NeighborListOptions(cutoff=6.2, full_list=True, strict=True),
    ],
}
SOME = np.array([9, 2, 5, 0, 1, 8, 3], dtype=np.int32)


def displaced(structure: Structure, direction: FloatArray) -> Structure:
    return Structure(structure.positions + direction, structure.cell, structure.types)


def strained(structure: Structure, strain: FloatArray) -> Structure:
    F = np.eye(3) + strain
    return Structure(structure.positions @ F, structure.cell @ F, structure.types)


def central_difference(f: Callable[[float], float], h: float = 1e-3) -> float:
    """To the fourth order in h."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


@pytest.fixture(
    scope="module",
    params=[
        (kind, lists, part)
        for kind in ("system", "atom")
        for lists in LISTS
        for part in ({}, {"atoms": SOME}, {"selected_atoms": SOME[::2]})
    ],
    ids=lambda p: f"{p[0]}-{p[1]}-{'-'.join(p[2]) or 'all'}",
)
def model(
    request: pytest.FixtureRequest, eleven: Structure, tmp_path_factory: pytest.TempPathFactory
) -> FeatureModel:
    kind, lists, part = request.param
    path = tmp_path_factory.mktemp("model") / "model.pt"
    export(path, PairSums(LISTS[lists], shuffle=True), outputs={"feature": kind})
    return FeatureModel(path, eleven.types, **part)


def test_the_gradient_is_the_central_difference_of_the_positions(model, eleven):
    rng = np.random.default_rng(1)
    features = Alone(model, eleven)
    seed = rng.normal(size=features.values.shape)
    direction = rng.normal(size=(11, 3))

    gradient, _ = features.pull_back(seed)

    expected = central_difference(
        lambda h: np.sum(seed * Alone(model, displaced(eleven, h * direction)).values)
    )
    scale = np.abs(gradient * direction).sum()
    assert np.sum(gradient * direction) == pytest.approx(expected, abs=1e-7 * scale)


def test_the_strain_gradient_is_the_central_difference_of_the_strain(model, eleven):
    rng = np.random.default_rng(2)
    features = Alone(model, eleven)
    seed = rng.normal(size=features.values.shape)

    _, strain_gradient = features.pull_back(seed)

    h = 1e-4
    expected = np.array(
        [
            central_difference(
                lambda h, unit=unit: np.sum(
                    seed * Alone(model, strained(eleven, h * unit.reshape(3, 3))).values
                ),
                h,
            )
            for unit in np.eye(9)
        ]
    ).reshape(3, 3)
    scale = np.abs(strain_gradient).max()
    assert strain_gradient == pytest.approx(expected, abs=1e-7 * scale)


def test_a_float32_model_has_its_gradient_to_single_precision(eleven, tmp_path):
    outputs = {"feature": "atom"}
    single = export(
        tmp_path / "single.pt", PairSums(LISTS["both"]), outputs=outputs, dtype="float32"
    )
    double = export(tmp_path / "double.pt", PairSums(LISTS["both"]), outputs=outputs)
    seed = np.random.default_rng(3).normal(size=(11, 3))

    ours, our_strain = Alone(FeatureModel(single, eleven.types), eleven).pull_back(seed)
    exact, exact_strain = Alone(FeatureModel(double, eleven.types), eleven).pull_back(seed)

    assert ours.dtype == our_strain.dtype == np.float64
    assert ours == pytest.approx(exact, abs=1e-5 * np.abs(exact).max())
    assert our_strain == pytest.approx(exact_strain, abs=1e-5 * np.abs(exact_strain).max())


def test_a_model_may_differentiate_something_itself(eleven, tmp_path):
    path = export(tmp_path / "forces.pt", Forces(5.0), outputs={"feature": "system"})
    model = FeatureModel(path, eleven.types)
    rng = np.random.default_rng(6)
    direction, strain = rng.normal(size=(11, 3)), rng.normal(size=(3, 3))
    seed = np.ones((1, 1))

    gradient, strain_gradient = Alone(model, eleven).pull_back(seed)

    along = central_difference(
        lambda h: Alone(model, displaced(eleven, h * direction)).values.item(), 1e-3
    )
    under = central_difference(
        lambda h: Alone(model, strained(eleven, h * strain)).values.item(), 1e-4
    )
    scale = np.abs(gradient * direction).sum()
    assert np.sum(gradient * direction) == pytest.approx(along, abs=1e-6 * scale)
    scale = np.abs(strain_gradient * strain).sum()
    assert np.sum(strain_gradient * strain) == pytest.approx(under, abs=1e-6 * scale)
    model.verify(eleven)


@pytest.mark.parametrize("name", ["histo-cv.pt", "soap-cv.pt"])
@pytest.mark.parametrize("size", [0.0, 10.0], ids=["cluster", "crystal"])
def test_the_example_has_exact_gradients(name, size, exported, argon):
    rng = np.random.default_rng(4)
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    positions = np.concatenate([fcc + np.array([i, j, 0]) for i in (0, 1) for j in (0, 1)]) * 5.0
    structure = argon(
        positions + rng.normal(scale=0.2, size=positions.shape), np.diag([size, size, size / 2])
    )
    model = FeatureModel(exported / name, structure.types)
    seed = rng.normal(size=(1, 2))
    direction = rng.normal(size=positions.shape)
    strain = rng.normal(size=(3, 3))

    gradient, strain_gradient = Alone(model, structure).pull_back(seed)

    def along(h: float) -> float:
        return np.sum(seed * Alone(model, displaced(structure, h * direction)).values)

    def under(h: float) -> float:
        return np.sum(seed * Alone(model, strained(structure, h * strain)).values)

    scale = np.abs(gradient * direction).sum()
    assert np.sum(gradient * direction) == pytest.approx(
        central_difference(along, 1e-3), abs=1e-7 * scale
    )
    scale = np.abs(strain_gradient * strain).sum()
    assert np.sum(strain_gradient * strain) == pytest.approx(
        central_difference(under, 1e-4), abs=1e-7 * scale
    )


@pytest.fixture
def two_models(tmp_path: Path, eleven: Structure) -> dict[str, FeatureModel]:
    atoms = export(
        tmp_path / "atoms.pt", PairSums(LISTS["both"], shuffle=True), outputs={"feature": "atom"}
    )
    system = export(tmp_path / "system.pt", FirstDistance(), outputs={"feature": "system"})
    return {
        "atoms": FeatureModel(atoms, eleven.types),
        "system": FeatureModel(system, eleven.types, atoms=SOME),
    }


FIVE_CVS = [
    CV("a", "atoms", 0, reductions.soft_max(0.1)),
    CV("b", "atoms", 1, reductions.between(0.1, 1.5)),
    CV("c", "system", 0, reductions.component(0), period=(0.0, 5.0)),
    CV("d", "atoms", 0, reductions.mean()),
    CV("e", "atoms", 2, reductions.component(4)),
]


def test_cvs_of_two_models_have_one_gradient_the_sum_of_all(two_models, eleven):
    rng = np.random.default_rng(5)
    cvs = CollectiveVariables(two_models, FIVE_CVS)
    dV_ds = rng.normal(size=5)
    direction = rng.normal(size=(11, 3))
    strain = rng.normal(size=(3, 3))

    (gradient,), (strain_gradient,) = cvs.evaluate([eleven]).pull_back(dV_ds[None, :])

    along = central_difference(
        lambda h: dV_ds @ cvs.evaluate([displaced(eleven, h * direction)]).s[0], 1e-3
    )
    under = central_difference(
        lambda h: dV_ds @ cvs.evaluate([strained(eleven, h * strain)]).s[0], 1e-4
    )
    scale = np.abs(gradient * direction).sum()
    assert np.sum(gradient * direction) == pytest.approx(along, abs=1e-7 * scale)
    scale = np.abs(strain_gradient * strain).sum()
    assert np.sum(strain_gradient * strain) == pytest.approx(under, abs=1e-7 * scale)


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[object]:
    """Lets a method note on which object it is called."""
    calls: list[object] = []
    original = getattr(owner, name)

    def noted(self: object, *args: object, **options: object) -> object:
        calls.append(self)
        return original(self, *args, **options)

    monkeypatch.setattr(owner, name, noted)
    return calls


def test_there_is_one_pass_through_each_model_however_many_cvs_and_structures(
    two_models, eleven, monkeypatch
):
    forward = counted(monkeypatch, FeatureModel, "evaluate")
    backward = counted(monkeypatch, Features, "pull_back")
    cvs = CollectiveVariables(two_models, FIVE_CVS)

    cvs.evaluate([eleven] * 3).pull_back(np.ones((3, 5)))

    assert forward == list(two_models.values())
    assert len(backward) == 2


def test_a_model_that_no_cv_needs_is_evaluated_only_when_asked_for(two_models, eleven, monkeypatch):
    calls = counted(monkeypatch, FeatureModel, "evaluate")
    values = CollectiveVariables(two_models, FIVE_CVS[:2]).evaluate([eleven])

    assert calls == [two_models["atoms"]]
    values.features("system")
    values.features("system")
    assert calls == [two_models["atoms"], two_models["system"]]


def test_a_periodic_cv_is_brought_into_its_period(two_models, eleven):
    plain = CV("c", "system", 0, reductions.component(0))
    ((s,),) = CollectiveVariables(two_models, [plain]).evaluate([eleven]).s
    short = CV("c", "system", 0, reductions.component(0), period=(-0.3, 0.4))

    ((wrapped,),) = CollectiveVariables(two_models, [short]).evaluate([eleven]).s

    assert -0.3 <= wrapped < 0.4
    assert (s - wrapped) / 0.7 == pytest.approx(round((s - wrapped) / 0.7), abs=1e-9)
