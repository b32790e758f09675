"""Our own evaluation against metatomic's, and the checks on demand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from metatomic.torch import NeighborListOptions

from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.structures.neighbors import NeighborList
from tests.cvs.alone import Alone
from tests.harness.models import FirstDistance, PairSums, export

LISTS = [
    NeighborListOptions(cutoff=5.0, full_list=False, strict=True),
    NeighborListOptions(cutoff=4.0, full_list=True, strict=False),
]


@pytest.mark.parametrize(
    ("unit", "dtype", "name"),
    [
        ("angstrom", "float64", "feature"),
        ("nm", "float32", "features"),
        ("bohr", "float64", "features/old"),
        ("", "float32", "feature/new"),
    ],
)
@pytest.mark.parametrize("kind", ["system", "atom"])
def test_we_compute_what_metatomics_wrapper_computes(unit, dtype, name, kind, tmp_path, eleven):
    length = {"nm": 0.1}.get(unit, 1.0)
    lists = [
        NeighborListOptions(cutoff=5.0 * length, full_list=False, strict=True),
        NeighborListOptions(cutoff=4.0 * length, full_list=True, strict=False),
    ]
    path = export(
        tmp_path / "model.pt",
        PairSums(lists, shuffle=True),
        outputs={name: kind},
        unit=unit,
        dtype=dtype,
    )
    selected = np.array([3, 8, 1], dtype=np.int32)

    FeatureModel(path, eleven.types).verify(eleven)
    FeatureModel(path, eleven.types, selected_atoms=selected).verify(eleven)


@pytest.mark.parametrize("name", ["histo-cv.pt", "soap-cv.pt"])
def test_the_example_is_what_metatomics_wrapper_computes(name, exported, eleven):
    FeatureModel(exported / name, eleven.types).verify(eleven)


@pytest.mark.parametrize("kind", ["system", "atom"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_consistent_model_passes_the_check_at_every_call(kind, dtype, tmp_path, eleven):
    path = export(
        tmp_path / "model.pt", PairSums(LISTS, shuffle=True), outputs={"feature": kind}, dtype=dtype
    )
    plain = Alone(FeatureModel(path, eleven.types), eleven)

    checked = Alone(FeatureModel(path, eleven.types, check_consistency=True), eleven)

    assert np.array_equal(checked.values, plain.values)
    seed = np.ones(plain.values.shape)
    assert np.array_equal(checked.pull_back(seed)[0], plain.pull_back(seed)[0])


def test_an_inconsistent_model_is_found_when_the_check_is_asked_for(tmp_path, argon):
    # the values are float32, which is not what the model was exported as
    path = export(tmp_path / "model.pt", FirstDistance("float32"), outputs={"feature": "system"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])

    Alone(FeatureModel(path, dimer.types), dimer)
    with pytest.raises(UserError, match=r"metatomic finds: .*float32") as error:
        Alone(FeatureModel(path, dimer.types, check_consistency=True), dimer)

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("check", ["verify", "check_consistency"])
def test_a_difference_from_metatomic_is_found(check, tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance("counting"), outputs={"feature": "system"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    model = FeatureModel(path, dimer.types, check_consistency=check == "check_consistency")
    complain = {
        "verify": lambda: model.verify(dimer),
        "check_consistency": lambda: model.evaluate([dimer]),
    }[check]

    with pytest.raises(UserError, match="evaluates differently in metatomic's own wrapper, by up"):
        complain()


def test_the_check_looks_at_every_pair_of_our_own_neighbor_lists(tmp_path, eleven, monkeypatch):
    path = export(tmp_path / "model.pt", PairSums(LISTS), outputs={"feature": "atom"})
    model = FeatureModel(path, eleven.types, check_consistency=True)
    Alone(model, eleven)
    compute = NeighborList.compute

    def wrong(self, positions, cell):
        pairs, vectors = compute(self, positions, cell)
        return pairs, vectors + np.eye(*vectors.shape) * 0.01

    monkeypatch.setattr(NeighborList, "compute", wrong)

    with pytest.raises(UserError, match=r"the model failed: .*consistency") as error:
        Alone(model, eleven)
    assert "\n" not in str(error.value)


def cuda() -> bool:
    return torch.cuda.is_available()


def mps() -> bool:
    return torch.backends.mps.is_available()


@pytest.mark.parametrize(
    ("device", "dtype", "precision"),
    [
        pytest.param(
            "cuda",
            "float64",
            1e-12,
            marks=pytest.mark.skipif(not cuda(), reason="there is no CUDA device here"),
        ),
        pytest.param(
            "cuda:0",
            "float32",
            1e-5,
            marks=pytest.mark.skipif(not cuda(), reason="there is no CUDA device here"),
        ),
        pytest.param(
            "mps",
            "float32",
            1e-5,
            marks=pytest.mark.skipif(not mps(), reason="there is no MPS device here"),
        ),
    ],
)
@pytest.mark.parametrize("kind", ["system", "atom"])
def test_a_device_computes_what_the_cpu_computes(device, dtype, precision, kind, tmp_path, eleven):
    path = export(
        tmp_path / "model.pt",
        PairSums(LISTS, shuffle=True),
        outputs={"feature": kind},
        dtype=dtype,
        devices=["cpu", "cuda", "mps"],
    )
    selected = np.array([3, 8, 1], dtype=np.int32)
    there = FeatureModel(path, eleven.types, device=device, selected_atoms=selected)
    here = FeatureModel(path, eleven.types, device="cpu", selected_atoms=selected)

    values, expected = Alone(there, eleven), Alone(here, eleven)

    assert values.values == pytest.approx(expected.values, rel=precision, abs=precision)
    seed = np.random.default_rng(1).normal(size=expected.values.shape)
    for ours, theirs in zip(values.pull_back(seed), expected.pull_back(seed), strict=True):
        assert ours == pytest.approx(theirs, abs=precision * np.abs(theirs).max())
    there.verify(eleven)


@pytest.mark.skipif(not cuda(), reason="there is no CUDA device here")
def test_the_example_runs_on_cuda(exported, eleven):
    there = Alone(FeatureModel(exported / "histo-cv.pt", eleven.types, device="cuda"), eleven)
    here = Alone(FeatureModel(exported / "histo-cv.pt", eleven.types), eleven)

    assert there.values == pytest.approx(here.values, rel=1e-12)
    ours, theirs = there.pull_back(np.ones((1, 2))), here.pull_back(np.ones((1, 2)))
    assert ours[0] == pytest.approx(theirs[0], abs=1e-12)
    assert ours[1] == pytest.approx(theirs[1], abs=1e-12)
