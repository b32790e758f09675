"""Models as PLUMED's METATOMIC takes them: outputs, samples, units, types, neighbor lists."""

from __future__ import annotations

import numpy as np
import pytest
import vesin
from metatomic.torch import NeighborListOptions

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray, IntArray
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.structures.structure import Structure
from tests.cvs.alone import Alone
from tests.harness.models import FirstDistance, PairSums, WithInputs, export

ANGSTROM = units.factor("angstrom", "bohr")


def the_list(cutoff: float, *, full_list: bool = False, strict: bool = True) -> NeighborListOptions:
    return NeighborListOptions(cutoff=cutoff, full_list=full_list, strict=strict)


def pair_sums(structure: Structure, cutoffs: list[float]) -> FloatArray:
    """What PairSums computes for each atom, in numpy; cutoffs in angstrom."""
    n_atoms = len(structure.positions)
    columns = []
    for cutoff in cutoffs:
        neighbors = vesin.NeighborList(cutoff=cutoff * ANGSTROM, full_list=True, n_threads=1)
        first, vectors = neighbors.compute(
            structure.positions, structure.cell, structure.pbc, quantities="iD"
        )
        x = vectors / (cutoff * ANGSTROM)
        f = (1 - np.sum(x * x, axis=1)) ** 3 * (1 + 0.1 * x[:, 2])
        columns.append(np.bincount(first, f, n_atoms))
    volume = np.linalg.det(structure.cell / ANGSTROM)
    return np.column_stack([*columns, 0.5 * volume * columns[0]])


@pytest.mark.parametrize("name", ["feature", "features", "feature/foo", "features/foo"])
def test_each_name_of_the_output_is_found(name, tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={name: "system"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])

    model = FeatureModel(path, dimer.types)

    assert Alone(model, dimer).values == pytest.approx(5.0, rel=1e-12)
    model.verify(dimer)


@pytest.mark.parametrize("base", ["feature", "features"])
def test_a_variant_is_chosen_by_its_name(base, tmp_path, argon):
    outputs = {f"{base}/one": "system", f"{base}/features-two": "system", base: "system"}
    path = export(tmp_path / "model.pt", FirstDistance(), outputs=outputs)
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    types = dimer.types

    assert FeatureModel(path, types).output == "feature"
    assert FeatureModel(path, types, variant="one").output == "feature/one"
    chosen = FeatureModel(path, types, variant="features-two")
    assert chosen.output == "feature/features-two"
    chosen.verify(dimer)


def test_a_missing_variant_is_an_error(tmp_path):
    outputs = {"feature/one": "system", "feature/two": "system", "energy": "system"}
    path = export(tmp_path / "model.pt", FirstDistance(), outputs=outputs)
    types = np.array([18], dtype=np.int32)

    with pytest.raises(UserError, match=r"no output 'feature/three', but feature/one, feature/two"):
        FeatureModel(path, types, variant="three")
    with pytest.raises(UserError, match=r"no output 'feature', but .*: name a variant"):
        FeatureModel(path, types)


def test_the_only_variant_need_not_be_named_but_is_not_another_one(tmp_path):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"feature/one": "system"})
    types = np.array([18], dtype=np.int32)

    assert FeatureModel(path, types).output == "feature/one"
    with pytest.raises(UserError, match="no output 'feature/two'"):
        FeatureModel(path, types, variant="two")


def test_a_model_without_features_is_an_error(tmp_path):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"energy": "system"})

    with pytest.raises(UserError, match=r"no output 'feature' to bias, only: energy$"):
        FeatureModel(path, np.array([18], dtype=np.int32))


def test_an_output_of_pairs_is_an_error(tmp_path):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"feature": "atom_pair"})

    with pytest.raises(UserError, match="a value for each atom_pair; it must be for each system"):
        FeatureModel(path, np.array([18], dtype=np.int32))


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_values_of_atoms_come_in_the_order_of_the_atoms(shuffle, tmp_path, eleven):
    module = PairSums([the_list(5.0)], shuffle)
    path = export(tmp_path / "model.pt", module, outputs={"feature": "atom"})

    values = Alone(FeatureModel(path, eleven.types), eleven).values

    assert values.shape == (11, 2)
    assert values == pytest.approx(pair_sums(eleven, [5.0]), rel=1e-12)


def test_the_value_of_the_system_is_one_row(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "system"})

    values = Alone(FeatureModel(path, eleven.types), eleven).values

    assert values == pytest.approx(pair_sums(eleven, [5.0]).sum(axis=0, keepdims=True), rel=1e-12)


@pytest.mark.parametrize("shuffle", [False, True])
def test_selected_atoms_come_in_the_order_of_the_selection(shuffle, tmp_path, eleven):
    module = PairSums([the_list(5.0)], shuffle)
    path = export(tmp_path / "model.pt", module, outputs={"feature": "atom"})
    selected = np.array([7, 0, 10, 3, 4], dtype=np.int32)

    model = FeatureModel(path, eleven.types, selected_atoms=selected)

    expected = pair_sums(eleven, [5.0])[selected]
    assert Alone(model, eleven).values == pytest.approx(expected, rel=1e-12)
    model.verify(eleven)


def test_selected_atoms_are_what_the_value_of_the_system_is_about(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "system"})
    selected = np.array([7, 0, 10], dtype=np.int32)

    model = FeatureModel(path, eleven.types, selected_atoms=selected)

    expected = pair_sums(eleven, [5.0])[selected].sum(axis=0, keepdims=True)
    assert Alone(model, eleven).values == pytest.approx(expected, rel=1e-12)
    model.verify(eleven)


def test_a_model_knows_nothing_of_the_atoms_it_is_not_given(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "atom"})
    given = np.array([9, 2, 5, 0], dtype=np.int32)
    types = eleven.types.copy()
    types[[1, 3, 4]] = 99  # which the model does not know

    features = Alone(FeatureModel(path, types, atoms=given), eleven)

    alone = Structure(eleven.positions[given], eleven.cell, eleven.types[given])
    assert features.values == pytest.approx(pair_sums(alone, [5.0]), rel=1e-12)
    gradient, _ = features.pull_back(np.ones((4, 2)))
    others = np.setdiff1d(np.arange(11), given)
    assert gradient.shape == (11, 3)
    assert not gradient[others].any()
    assert gradient[given].all()


def test_selected_atoms_count_among_those_that_are_given(tmp_path, eleven):
    path = export(
        tmp_path / "model.pt", PairSums([the_list(5.0)], shuffle=True), outputs={"feature": "atom"}
    )
    given = np.array([9, 2, 5, 0, 1, 8], dtype=np.int32)
    selected = np.array([5, 1, 2], dtype=np.int32)

    model = FeatureModel(path, eleven.types, atoms=given, selected_atoms=selected)

    alone = Structure(eleven.positions[given], eleven.cell, eleven.types[given])
    expected = pair_sums(alone, [5.0])[selected]
    assert Alone(model, eleven).values == pytest.approx(expected, rel=1e-12)
    model.verify(eleven)


@pytest.mark.parametrize(
    ("unit", "length"),
    [("angstrom", 5.0), ("nanometer", 0.5), ("nm", 0.5), ("bohr", 5.0 * ANGSTROM), ("", 5.0)],
)
def test_a_model_gets_lengths_in_its_own_unit_or_in_angstrom(unit, length, tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"feature": "system"}, unit=unit)
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])

    model = FeatureModel(path, dimer.types)

    features = Alone(model, dimer)
    gradient, strain_gradient = features.pull_back(np.ones((1, 1)))
    assert features.values == pytest.approx(length, rel=1e-8)
    per_bohr = length / (5.0 * ANGSTROM)
    assert gradient[1] == pytest.approx(per_bohr * np.array([0.0, 0.6, 0.8]), rel=1e-8)
    assert strain_gradient == pytest.approx(length * np.outer([0, 0.6, 0.8], [0, 0.6, 0.8]))
    model.verify(dimer)


@pytest.mark.parametrize(
    ("unit", "cutoff"), [("nm", 0.5), ("bohr", 5.0 * units.factor("angstrom", "bohr")), ("", 5.0)]
)
def test_the_cutoff_of_a_neighbor_list_is_in_the_unit_of_the_model(unit, cutoff, tmp_path, eleven):
    path = export(
        tmp_path / "model.pt", PairSums([the_list(cutoff)]), outputs={"feature": "atom"}, unit=unit
    )

    model = FeatureModel(path, eleven.types)

    values = Alone(model, eleven).values
    assert values[:, 0] == pytest.approx(pair_sums(eleven, [5.0])[:, 0], rel=1e-7)
    model.verify(eleven)


def test_a_float32_model_is_evaluated_in_float32(tmp_path, eleven):
    path = export(
        tmp_path / "model.pt",
        PairSums([the_list(5.0)], shuffle=True),
        outputs={"feature": "atom"},
        dtype="float32",
    )

    model = FeatureModel(path, eleven.types)

    features = Alone(model, eleven)
    expected = pair_sums(eleven, [5.0])
    assert features.values.dtype == np.float64
    assert features.values == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert np.array_equal(features.values, features.values.astype(np.float32))
    model.verify(eleven)


def test_a_model_may_ask_for_several_neighbor_lists(tmp_path, eleven):
    lists = [
        the_list(5.0, full_list=True, strict=True),
        the_list(5.0, full_list=False, strict=False),
        the_list(3.5, full_list=True, strict=False),
        the_list(6.0, full_list=False, strict=True),
    ]
    path = export(tmp_path / "model.pt", PairSums(lists), outputs={"feature": "atom"})

    model = FeatureModel(path, eleven.types)

    expected = pair_sums(eleven, [5.0, 5.0, 3.5, 6.0])
    assert Alone(model, eleven).values == pytest.approx(expected, rel=1e-12)
    model.verify(eleven)


def test_what_was_evaluated_before_changes_no_bit(tmp_path, eleven):
    lists = [the_list(5.0), the_list(6.0, full_list=True)]
    path = export(tmp_path / "model.pt", PairSums(lists), outputs={"feature": "atom"})
    rng = np.random.default_rng(3)
    seed = rng.normal(size=(11, 3))

    def bits(model: FeatureModel) -> list[bytes]:
        features = Alone(model, eleven)
        return [array.tobytes() for array in (features.values, *features.pull_back(seed))]

    fresh = FeatureModel(path, eleven.types)
    experienced = FeatureModel(path, eleven.types)
    answers = [bits(fresh)]
    for scale in (0.05, 0.2, 5.0):
        other = eleven.positions + rng.normal(scale=scale, size=(11, 3))
        earlier = Alone(experienced, Structure(other, 1.01 * eleven.cell, eleven.types))
        earlier.pull_back(seed)
        Alone(experienced, Structure(other, eleven.cell, eleven.types))
        answers.append(bits(experienced))

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("name", ["histo-cv.pt", "soap-cv.pt"])
def test_nor_a_bit_of_the_example(name, exported, eleven):
    rng = np.random.default_rng(4)
    path = exported / name
    fresh, experienced = FeatureModel(path, eleven.types), FeatureModel(path, eleven.types)
    for scale in (0.02, 0.2, 3.0):
        other = eleven.positions + rng.normal(scale=scale, size=(11, 3))
        Alone(experienced, Structure(other, eleven.cell, eleven.types))

    answers = []
    for model in (fresh, fresh, experienced, experienced):
        features = Alone(model, eleven)
        gradients = features.pull_back(np.array([[0.3, -0.7]]))
        answers.append([array.tobytes() for array in (features.values, *gradients)])

    assert all(answer == answers[0] for answer in answers)


def test_features_outlive_the_next_evaluation(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "atom"})
    model = FeatureModel(path, eleven.types)
    elsewhere = Structure(eleven.positions[::-1].copy(), eleven.cell, eleven.types)
    gradient, _ = Alone(model, eleven).pull_back(np.ones((11, 2)))

    features = Alone(model, eleven)
    before = features.values.copy()
    Alone(model, elsewhere).pull_back(np.ones((11, 2)))

    assert np.array_equal(features.values, before)
    assert np.array_equal(features.pull_back(np.ones((11, 2)))[0], gradient)


def test_the_structure_is_left_alone(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "atom"})
    before = [eleven.positions.copy(), eleven.cell.copy(), eleven.types.copy()]

    Alone(FeatureModel(path, eleven.types), eleven).pull_back(np.ones((11, 2)))

    after = [eleven.positions, eleven.cell, eleven.types]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def types_of(*numbers: int) -> IntArray:
    return np.array(numbers, dtype=np.int32)


def test_an_unknown_atomic_type_is_an_error(tmp_path):
    path = export(
        tmp_path / "model.pt", FirstDistance(), outputs={"feature": "system"}, types=[18, 10]
    )

    with pytest.raises(
        UserError, match=r"does not know the atomic types \[2, 36\] of the structure, only \[10, 18"
    ):
        FeatureModel(path, types_of(18, 36, 2, 36))


def test_an_input_that_cannot_be_given_is_an_error(tmp_path):
    path = export(tmp_path / "model.pt", WithInputs(), outputs={"feature": "system"})

    with pytest.raises(UserError, match=r"asks for inputs that i-PI cannot give: charge, mass$"):
        FeatureModel(path, types_of(18, 18))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("detached", "the output 'feature' does not depend on the positions in a way that torch"),
        ("raising", "the model failed: .*these atoms are too cold"),
        ("empty", "the samples .* are not those it was asked for: the system, of each structure"),
        ("infinite", "the output 'feature' has a value that is not finite"),
    ],
)
def test_a_model_that_cannot_be_biased_is_an_error(kind, message, tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance(kind), outputs={"feature": "system"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])

    with pytest.raises(UserError, match=message) as error:
        Alone(FeatureModel(path, dimer.types), dimer)

    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("broken", "the gradient has a value that is not finite"),
        ("once", "the model cannot be differentiated: .*modified by an inplace operation"),
    ],
)
def test_a_derivative_that_cannot_be_used_is_an_error(kind, message, tmp_path, argon):
    path = export(tmp_path / "model.pt", FirstDistance(kind), outputs={"feature": "system"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    features = Alone(FeatureModel(path, dimer.types), dimer)

    with pytest.raises(UserError, match=message) as error:
        features.pull_back(np.ones((1, 1)))

    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_samples_of_the_wrong_atoms_are_an_error(tmp_path, argon):
    # says it has values of atoms, but gives one of the system
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"feature": "atom"})
    dimer = argon([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])

    with pytest.raises(UserError, match=str(path)) as error:
        Alone(FeatureModel(path, dimer.types), dimer)

    assert "\n" not in str(error.value)


def test_positions_that_are_no_numbers_are_an_error(tmp_path, eleven):
    path = export(tmp_path / "model.pt", PairSums([the_list(5.0)]), outputs={"feature": "atom"})
    broken = Structure(np.full((11, 3), np.nan), eleven.cell, eleven.types)

    with pytest.raises(UserError, match="the simulation has blown up"):
        Alone(FeatureModel(path, eleven.types), broken)
