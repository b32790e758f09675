"""A gradient that is not the derivative of its CV is found, and no other is blamed."""

import numpy as np
import pytest
from metatomic.torch import NeighborListOptions

from ipi_mtd.cvs.cv import CV, CollectiveVariables
from ipi_mtd.cvs.gradient_check import check_gradients
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.cvs.reductions import component, highest
from ipi_mtd.errors import UserError
from ipi_mtd.structures.structure import Structure
from tests.cvs.conftest import TRICLINIC
from tests.harness.models import FirstDistance, PairSums, export

N_ATOMS = 5
STRUCTURE = Structure(
    np.random.default_rng(5).normal(scale=4.0, size=(N_ATOMS, 3)),
    np.zeros((3, 3)),
    np.full(N_ATOMS, 18, dtype=np.int32),
)
PERIOD = (-1.0, 1.0)


class Analytic:
    """CVs that are known with their gradients, and no cell, which may be forgotten."""

    def __init__(self, *functions, cell=True):
        self._functions = functions
        self._cell = cell
        self.n_calls = 0

    def __call__(self, structures):
        self.n_calls += 1
        known = [[f(structure.positions) for f in self._functions] for structure in structures]
        slopes = np.array([[gradient for _, gradient in of_one] for of_one in known])
        cell = self._cell

        class Values:
            s = np.array([[value for value, _ in of_one] for of_one in known])

            @staticmethod
            def pull_back(dV_ds):
                gradients = np.einsum("nk,nkij->nij", dV_ds, slopes)
                positions = [structure.positions for structure in structures]
                return gradients, cell * np.einsum("nia,nib->nab", positions, gradients)

        return Values()


def square(r):
    return float((r**2).sum()), 2.0 * r


def without_an_atom(r):
    return square(r)[0], square(r)[1] * (np.arange(N_ATOMS) > 0)[:, None]


def one_percent_short(r):
    return square(r)[0], 0.99 * square(r)[1]


def steps(r):
    return float(np.round(square(r)[0])), np.zeros_like(r)


def forgotten(r):
    return square(r)[0], np.zeros_like(r)


def constant(r):
    return 3.0, np.zeros_like(r)


def wrapped(r):
    x, gradient = square(r)
    return (x + 1.0) % 2.0 - 1.0, gradient


def kinked(r):
    """A ramp in many pieces, one of which a difference crosses now and then."""
    x = 40.0 * r[0, 0]
    gradient = np.zeros_like(r)
    gradient[0, 0] = -40.0 if np.floor(x) % 2 else 40.0
    return float(abs((x + 1.0) % 2.0 - 1.0)), gradient


def contact(r):
    """One up to a distance of 2.9, zero beyond 3.1."""
    r_ij = r[0] - r[1]
    d = np.linalg.norm(r_ij)
    x = np.clip((d - 2.9) / 0.2, 0.0, 1.0)
    slope = -30.0 * (x * (1.0 - x)) ** 2 / 0.2
    value = 1.0 - x**3 * (10.0 - 15.0 * x + 6.0 * x**2)
    return float(value), slope * np.array([1.0, -1.0])[:, None] * r_ij / d


def steps_of_a_molecule(r):
    if np.abs(r - STRUCTURE.positions).max() > 1.0:
        raise UserError("the molecule is broken")
    return 1.0, np.zeros_like(r)


def single_precision(r):
    return float(np.float32(square(r)[0])), square(r)[1]


def single_precision_five_percent_short(r):
    return single_precision(r)[0], 0.95 * square(r)[1]


def single_precision_beside_a_large_number(r):
    return float(np.float32(square(r)[0] + 1e4)), square(r)[1]


def lost(r):
    """Digits that have nothing to do with it, and too many of them."""
    x, gradient = square(r)
    return x + 1e2 * np.sin(1e9 * x), gradient


def huge(r):
    return 1e9 * square(r)[0], 1e9 * square(r)[1]


def cvs(*names, period=None):
    return [CV(name, "", 0, component(0), period) for name in names]


def faults(*functions, period=None):
    names = [function.__name__ for function in functions]
    checks = check_gradients(Analytic(*functions), cvs(*names, period=period), STRUCTURE)
    return {check.cv.name: check.fault for check in checks}


def test_right_gradients_are_right_whatever_the_size_of_the_cv():
    for check in check_gradients(Analytic(square, huge), cvs("a", "b"), STRUCTURE):
        assert check.fault is None
        assert check.deviation < 1e-7


@pytest.mark.parametrize("function", [without_an_atom, one_percent_short])
def test_a_part_that_is_missing_is_found_and_the_cv_is_named(function):
    found = faults(square, function)
    assert found["square"] is None
    assert f"of {function.__name__} is off by " in found[function.__name__]
    assert "a part of it is cut off" in found[function.__name__]


@pytest.mark.parametrize("function", [steps, forgotten])
def test_a_gradient_that_is_zero_while_the_value_changes_is_found(function):
    assert faults(function)[function.__name__].startswith(
        f"the gradient of {function.__name__} is zero, but its value changes: it is made of steps"
    )


def test_of_a_cv_that_does_not_change_it_is_said_that_nothing_is_biased():
    checks = check_gradients(Analytic(square, constant), cvs("a", "b"), STRUCTURE)
    assert [check.fault for check in checks] == [None, None]
    assert checks[0].note is None
    assert "nothing is biased here" in checks[1].note


def pair(distance):
    positions = np.array([[0.0, 0, 0], [distance, 0, 0]])
    return Structure(positions, np.zeros((3, 3)), STRUCTURE.types[:2])


@pytest.mark.parametrize("distance", [0.5, 2.0, 3.0])
def test_the_gradient_of_a_contact_is_looked_for_where_the_contact_breaks(distance):
    (check,) = check_gradients(Analytic(contact), cvs("c"), pair(distance))
    assert (check.fault, check.note) == (None, None)
    assert 0.0 < check.deviation < 1e-3


def test_a_contact_of_atoms_far_apart_is_no_fault():
    (check,) = check_gradients(Analytic(contact), cvs("c"), pair(30.0))
    assert check.fault is None
    assert "nothing is biased here" in check.note


def test_a_model_need_not_know_what_becomes_of_a_structure_that_is_blown_apart():
    (check,) = check_gradients(Analytic(steps_of_a_molecule), cvs("c"), STRUCTURE)
    assert "nothing is biased here" in check.note


@pytest.mark.parametrize("function", [single_precision, single_precision_beside_a_large_number])
def test_the_rounding_of_a_model_is_no_fault(function):
    for seed in range(20):
        positions = np.random.default_rng(seed).normal(scale=4.0, size=(N_ATOMS, 3))
        structure = Structure(positions, np.zeros((3, 3)), STRUCTURE.types)
        (check,) = check_gradients(Analytic(function), cvs("s"), structure)
        assert check.fault is None


def test_a_part_that_is_missing_is_found_in_spite_of_rounding():
    assert "off by 5" in faults(single_precision_five_percent_short).popitem()[1]


def test_of_a_slope_that_rounding_hides_it_is_said():
    (check,) = check_gradients(Analytic(lost), cvs("s"), STRUCTURE)
    assert check.fault is None
    assert "cannot be compared" in check.note


def test_a_jump_by_the_period_is_none():
    assert faults(wrapped, period=PERIOD) == {"wrapped": None}


def test_a_kink_in_some_direction_is_no_fault():
    assert faults(kinked) == {"kinked": None}


def test_a_slow_model_is_asked_a_few_times_only():
    evaluate = Analytic(square)
    check_gradients(evaluate, cvs("a"), STRUCTURE, seconds=0.0)
    assert evaluate.n_calls <= 11


@pytest.fixture(params=["float64", "float32"])
def load(request, tmp_path):
    """Exports a module in one precision and makes CVs of its output."""

    def make(module, kind="system", reduction=None, n=1):
        output = {"feature": kind}
        file = export(tmp_path / "cv.pt", module, outputs=output, dtype=request.param)
        model = FeatureModel(file, STRUCTURE.types)
        return CollectiveVariables(
            {"m": model}, [CV(f"s{k}", "m", k, reduction or component(0)) for k in range(n)]
        )

    return make


@pytest.mark.parametrize(("kind", "right"), [("plain", True), ("half", False), ("rounded", False)])
def test_models_of_both_precisions_are_judged_alike(load, kind, right):
    made = load(FirstDistance(kind))
    (check,) = check_gradients(made.evaluate, made.cvs, STRUCTURE)
    assert (check.fault is None) is right, check


def test_neighbor_lists_and_maxima_that_tie_are_no_fault(load):
    made = load(PairSums([NeighborListOptions(7.0, False, True)]), "atom", highest())
    tied = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [6, 6, 0], [3, 3, 4]], dtype=float)
    structure = Structure(tied, np.zeros((3, 3)), STRUCTURE.types)
    for check in check_gradients(made.evaluate, made.cvs, structure):
        assert check.fault is None, check


CRYSTAL = Structure(STRUCTURE.positions, 2.0 * TRICLINIC, STRUCTURE.types)


def test_in_a_cell_the_derivative_with_respect_to_it_is_compared():
    (right,) = check_gradients(Analytic(square), cvs("s"), CRYSTAL)
    (wrong,) = check_gradients(Analytic(square, cell=False), cvs("s"), CRYSTAL)
    assert right.fault is None
    assert "of s with respect to the cell is off by 1e+02 %" in wrong.fault


def test_without_a_cell_there_is_nothing_to_compare():
    (check,) = check_gradients(Analytic(square, cell=False), cvs("s"), STRUCTURE)
    assert check.fault is None


def test_models_that_use_the_cell_are_right(load):
    made = load(PairSums([NeighborListOptions(7.0, False, True)]), n=2)
    for check in check_gradients(made.evaluate, made.cvs, CRYSTAL):
        assert (check.fault, check.note) == (None, None)


def test_what_is_missing_in_a_cell_is_the_gradient_if_it_is(load):
    made = load(FirstDistance("half"))
    (check,) = check_gradients(made.evaluate, made.cvs, CRYSTAL)
    assert check.fault.startswith("the gradient of s0 is off by ")
