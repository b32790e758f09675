"""A gradient that is not the derivative of its CV is found, and no other is blamed."""

import numpy as np
import pytest
from metatomic.torch import NeighborListOptions

from ipi_mtd.cvs.cv import CV, CollectiveVariables
from ipi_mtd.cvs.gradient_check import check_gradients
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.cvs.reductions import component, highest
from ipi_mtd.structure import Structure
from tests.cvs.models import FirstDistance, PairSums, export

N_ATOMS = 5
STRUCTURE = Structure(
    np.random.default_rng(5).normal(scale=4.0, size=(N_ATOMS, 3)),
    np.zeros((3, 3)),
    np.full(N_ATOMS, 18, dtype=np.int32),
)
PERIOD = (-1.0, 1.0)


class Analytic:
    """CVs that are known with their gradients."""

    def __init__(self, *functions):
        self._functions = functions
        self.n_calls = 0

    def __call__(self, structure):
        self.n_calls += 1
        values, gradients = zip(*(f(structure.positions) for f in self._functions), strict=True)

        class Values:
            s = np.array(values)

            @staticmethod
            def pull_back(dV_ds):
                return np.einsum("k,kij->ij", dV_ds, np.array(gradients)), np.zeros((3, 3))

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


def huge(r):
    return 1e9 * square(r)[0], 1e9 * square(r)[1]


def cvs(*names, period=None):
    return [CV(name, "", 0, component(0), period) for name in names]


def faults(*functions, period=None):
    names = [function.__name__ for function in functions]
    checks = check_gradients(Analytic(*functions), cvs(*names, period=period), STRUCTURE)
    return {check.name: check.fault for check in checks}


def test_right_gradients_are_right_whatever_the_size_of_the_cv():
    for check in check_gradients(Analytic(square, huge), cvs("a", "b"), STRUCTURE):
        assert check.fault is None
        assert check.deviation < 1e-7


@pytest.mark.parametrize("function", [without_an_atom, one_percent_short])
def test_a_part_that_is_missing_is_found_and_the_cv_is_named(function):
    found = faults(square, function)
    assert found["square"] is None
    assert found[function.__name__].startswith("is off by ")
    assert "a part of it is cut off" in found[function.__name__]


@pytest.mark.parametrize("function", [steps, forgotten])
def test_a_gradient_that_is_zero_while_the_value_changes_is_found(function):
    assert faults(function)[function.__name__] == (
        "is zero, but its value changes: it is made of steps, or cut off from the positions"
    )


def test_a_cv_that_never_changes_cannot_be_biased():
    assert "nothing would be biased" in faults(constant)["constant"]


def test_a_jump_by_the_period_is_none():
    assert faults(wrapped, period=PERIOD) == {"wrapped": None}


def test_a_kink_in_some_direction_is_no_fault():
    assert faults(kinked) == {"kinked": None}


def test_a_slow_model_is_asked_a_few_times_only():
    evaluate = Analytic(square)
    check_gradients(evaluate, cvs("a"), STRUCTURE, seconds=0.0)
    assert evaluate.n_calls <= 6


@pytest.fixture(params=["float64", "float32"])
def load(request, tmp_path):
    """Exports a module in one precision and makes CVs of its output."""

    def make(module, kind="system", reduction=None, n=1):
        output = {"feature": kind}
        file = export(tmp_path / "cv.pt", module, outputs=output, dtype=request.param)
        model = FeatureModel(file, STRUCTURE.types)
        made = CollectiveVariables(
            {"m": model}, [CV(f"s{k}", "m", k, reduction or component(0)) for k in range(n)]
        )
        return made, model.eps

    return make


@pytest.mark.parametrize(("kind", "right"), [("plain", True), ("half", False), ("rounded", False)])
def test_models_of_both_precisions_are_judged_alike(load, kind, right):
    made, eps = load(FirstDistance(kind))
    (check,) = check_gradients(made.evaluate, made.cvs, STRUCTURE, eps=eps)
    assert (check.fault is None) is right, check


def test_neighbor_lists_and_maxima_that_tie_are_no_fault(load):
    made, eps = load(PairSums([NeighborListOptions(7.0, False, True)]), "atom", highest())
    tied = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [6, 6, 0], [3, 3, 4]], dtype=float)
    structure = Structure(tied, np.zeros((3, 3)), STRUCTURE.types)
    for check in check_gradients(made.evaluate, made.cvs, structure, eps=eps):
        assert check.fault is None, check
