"""Many structures in one call: each has what it has alone, and on a CPU the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from metatomic.torch import NeighborListOptions

from ipi_mtd.cvs import reductions
from ipi_mtd.cvs.cv import CV, CollectiveVariables
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure
from tests.cvs.conftest import TRICLINIC
from tests.harness.models import FirstDistance, PairSums, export

LISTS = [
    NeighborListOptions(cutoff=5.0, full_list=False, strict=True),
    NeighborListOptions(cutoff=4.0, full_list=True, strict=False),
]
N_ATOMS = 11


def bits(
    cvs: CollectiveVariables,
    structures: list[Structure],
    dV_ds: np.ndarray,
    neighborhoods: list[Neighborhood] | None = None,
) -> list[tuple[bytes, bytes, bytes]]:
    """s, gradient and strain gradient of each structure, to the last bit."""
    values = cvs.evaluate(structures, neighborhoods)
    gradients, strain_gradients = values.pull_back(dV_ds)
    return [
        (s.tobytes(), gradient.tobytes(), strain_gradient.tobytes())
        for s, gradient, strain_gradient in zip(values.s, gradients, strain_gradients, strict=True)
    ]


def shaken(argon: Callable[..., Structure], n: int) -> list[Structure]:
    """Clusters, some of them in a cell."""
    rng = np.random.default_rng(12)
    cells = [np.zeros((3, 3)), TRICLINIC, TRICLINIC * [[1.0], [1.0], [0.0]]]
    return [argon(rng.uniform(0.0, 6.5, (N_ATOMS, 3)), cells[k % 3]) for k in range(n)]


@pytest.mark.parametrize("name", ["histo-cv.pt", "soap-cv.pt"])
def test_the_example_has_the_same_bits_in_any_batch(name, exported, argon):
    rng = np.random.default_rng(13)
    lattice = np.stack(np.meshgrid(*3 * [np.arange(3)]), axis=-1).reshape(-1, 3) * 3.8
    structures = [argon(lattice + rng.normal(scale=0.3, size=(27, 3))) for _ in range(16)]
    dV_ds = rng.normal(size=(16, 2))
    model = FeatureModel(exported / name, structures[0].types)
    cvs = CollectiveVariables(
        {"m": model}, tuple(CV(f"s{k}", "m", k, reductions.component(0)) for k in range(2))
    )
    alone = [bits(cvs, [structures[k]], dV_ds[k : k + 1])[0] for k in range(16)]

    for size in range(1, 17):
        chosen = rng.permutation(16)[:size]
        together = bits(cvs, [structures[k] for k in chosen], dV_ds[chosen])
        assert together == [alone[k] for k in chosen]


@pytest.fixture(params=["system", "atom", "selected"])
def cvs(request: pytest.FixtureRequest, tmp_path: Path) -> CollectiveVariables:
    """Four CVs of a model whose samples come in another order, and of another model."""
    kind = {"system": "system"}.get(request.param, "atom")
    types = np.full(N_ATOMS, 18, dtype=np.int32)
    part = {"selected": {"selected_atoms": np.array([7, 0, 10, 3], dtype=np.int32)}}
    sums = export(tmp_path / "sums.pt", PairSums(LISTS, shuffle=True), outputs={"feature": kind})
    distance = export(tmp_path / "distance.pt", FirstDistance(), outputs={"feature": "system"})
    models = {
        "sums": FeatureModel(sums, types, **part.get(request.param, {})),
        "distance": FeatureModel(distance, types, atoms=np.array([4, 9, 1], dtype=np.int32)),
    }
    return CollectiveVariables(
        models,
        (
            CV("a", "sums", 0, reductions.soft_max(0.1)),
            CV("b", "distance", 0, reductions.component(0), period=(0.0, 2.0)),
            CV("c", "sums", 1, reductions.between(0.1, 1.5)),
            CV("d", "sums", slice(None), reductions.component(1)),
        ),
    )


def test_each_structure_of_a_batch_has_the_bits_that_it_has_alone(cvs, argon):
    structures = shaken(argon, 7)
    dV_ds = np.random.default_rng(14).normal(size=(7, 4))

    together = bits(cvs, structures, dV_ds)

    for structure, slopes, answer in zip(structures, dV_ds, together, strict=True):
        assert bits(cvs, [structure], slopes[None]) == [answer]


def test_neighbor_lists_that_are_handed_in_change_no_bit(cvs, argon):
    structures = shaken(argon, 6)
    dV_ds = np.random.default_rng(15).normal(size=(6, 4))
    neighborhoods = [Neighborhood() for _ in structures]
    rng = np.random.default_rng(16)
    for scale in (3.0, 0.05):
        earlier = [
            Structure(s.positions + rng.normal(scale=scale, size=(N_ATOMS, 3)), s.cell, s.types)
            for s in structures
        ]
        cvs.evaluate(earlier, neighborhoods)

    assert bits(cvs, structures, dV_ds, neighborhoods) == bits(cvs, structures, dV_ds)


def test_the_jacobian_has_the_gradient_of_each_cv(cvs, argon):
    structures = shaken(argon, 4)
    values = cvs.evaluate(structures)

    ds_dR = values.jacobian()

    for k, row in enumerate(np.eye(4)):
        gradients, _ = cvs.evaluate(structures).pull_back(np.tile(row, (4, 1)))
        for of_structure, gradient in zip(ds_dR, gradients, strict=True):
            assert of_structure.shape == (4, N_ATOMS, 3)
            assert np.array_equal(of_structure[k], gradient)


def test_asking_for_the_jacobian_changes_nothing(cvs, argon):
    structures = shaken(argon, 4)
    dV_ds = np.random.default_rng(17).normal(size=(4, 4))
    values = cvs.evaluate(structures)
    values.jacobian()
    gradients, strain_gradients = values.pull_back(dV_ds)

    expected = cvs.evaluate(structures).pull_back(dV_ds)

    assert np.array_equal(gradients, expected[0])
    assert np.array_equal(strain_gradients, expected[1])


@pytest.mark.parametrize("again", ["pull_back", "jacobian"])
def test_the_way_back_can_be_gone_once(again, cvs, argon):
    values = cvs.evaluate(shaken(argon, 2))
    values.pull_back(np.ones((2, 4)))
    calls = {"pull_back": lambda: values.pull_back(np.ones((2, 4))), "jacobian": values.jacobian}

    with pytest.raises(RuntimeError, match="went with the call of pull_back"):
        calls[again]()


def test_the_features_are_those_of_each_structure(cvs, argon):
    structures = shaken(argon, 3)

    together = cvs.evaluate(structures).features("sums")

    for structure, features in zip(structures, together, strict=True):
        (alone,) = cvs.evaluate([structure]).features("sums")
        assert np.array_equal(features, alone)
        assert features.ndim == 2


def test_a_quantity_is_what_it_would_be_as_a_cv(cvs, argon):
    values = cvs.evaluate(shaken(argon, 3))

    for k, cv in enumerate(cvs.cvs):
        assert np.array_equal(values.quantity(cv), values.s[:, k])


def test_values_of_other_structures_are_an_error(tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance("shifted"), outputs={"feature": "system"})
    structures = shaken(argon, 2)

    with pytest.raises(UserError, match=r"the samples of .* are not those it was asked for"):
        FeatureModel(path, structures[0].types).evaluate(structures)


def test_metatomics_wrapper_agrees_on_a_batch(tmp_path, argon):
    path = export(tmp_path / "model.pt", PairSums(LISTS, shuffle=True), outputs={"feature": "atom"})
    structures = shaken(argon, 4)
    selected = np.array([7, 0, 10, 3], dtype=np.int32)

    FeatureModel(path, structures[0].types, check_consistency=True).evaluate(structures)
    FeatureModel(
        path, structures[0].types, check_consistency=True, selected_atoms=selected
    ).evaluate(structures)
