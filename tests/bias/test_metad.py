"""The rules of metadynamics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Grid, HillSum, Metad
from ipi_mtd.files.hills import Hill

KT = 2.5
SURFACES = {
    "grid": lambda: Grid([0.0, 0.0], [0.05, 0.05], [None, None], height=1.2),
    "sum": lambda: HillSum([None, None], [0.2, 0.3]),
}


def metad(surface: Grid | HillSum, **settings: Any) -> Metad:
    return Metad(**{"sigma": [0.2, 0.3], "height": 1.2, "pace": 5, "surface": surface} | settings)


def test_the_first_hill_is_due_at_the_first_multiple_of_the_pace() -> None:
    bias = metad(SURFACES["sum"]())
    assert [step for step in range(16) if bias.is_due(step)] == [5, 10, 15]


def test_hills_of_a_plain_run_keep_their_height() -> None:
    bias = metad(SURFACES["sum"]())
    bias.learn([bias.hill_at([0.0, 0.0])])
    assert bias.hill_at([0.0, 0.0]) == Hill((0.0, 0.0), (0.2, 0.3), 1.2)


def test_well_tempered_hills_shrink_with_the_bias_and_are_written_as_minus_F() -> None:
    bias = metad(SURFACES["sum"](), bias_factor=4.0, kT=KT)
    first = bias.hill_at([0.0, 0.0])
    bias.learn([first])
    assert first.height == pytest.approx(1.2 * 4.0 / 3.0, rel=1e-15)
    assert bias.evaluate([0.0, 0.0])[0] == pytest.approx(1.2, rel=1e-15)
    second = bias.hill_at([0.0, 0.0])
    assert second.height == pytest.approx(1.2 * math.exp(-1.2 / (3.0 * KT)) * 4.0 / 3.0, rel=1e-14)


def test_a_bias_factor_of_one_leaves_the_system_alone() -> None:
    bias = metad(SURFACES["sum"](), bias_factor=1.0, kT=KT)
    bias.learn([bias.hill_at([0.0, 0.0])])
    V, dV_ds = bias.evaluate([0.1, 0.1])
    assert [V, *dV_ds] == [0.0, 0.0, 0.0]
    assert bias.hill_at([0.0, 0.0]).height == pytest.approx(1.2 * math.exp(-1.2 / KT), rel=1e-14)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_the_rows_in_any_order_give_the_same_bits(
    surface: Callable[[], Grid | HillSum], walk: Callable[[int, int], FloatArray]
) -> None:
    s = walk(60, 2)
    live, again = (metad(surface(), bias_factor=8.0, kT=KT) for _ in range(2))
    rows = []
    for x in s:
        rows.append(live.hill_at(x))
        live.learn([rows[-1]])
    other = Hill((9.0, 9.0), (5.0, 5.0), 1.0)
    again.learn([other, *rows[::-1]])
    again.forget([other])
    assert again.n_deposits == live.n_deposits == 60
    for x in s:
        (V, dV), (V_again, dV_again) = live.evaluate(x), again.evaluate(x)
        assert (V, *dV) == (V_again, *dV_again)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_asking_changes_nothing(surface: Callable[[], Grid | HillSum]) -> None:
    bias = metad(surface(), bias_factor=8.0, kT=KT)
    bias.learn([bias.hill_at([0.0, 0.0])])
    s = [0.123, 0.234]
    V, dV = bias.evaluate(s)
    bias.hill_at(s)
    bias.is_due(5)
    bias.c_of_t([-2.0, -2.0], [2.0, 2.0], [40, 40])
    bias.evaluate([77.0, 77.0])
    V_again, dV_again = bias.evaluate(s)
    assert (V_again, *dV_again) == (V, *dV)
    assert bias.n_deposits == 1


def test_c_of_t_is_the_average_bias_of_a_plain_run_of_no_hills() -> None:
    bias = metad(SURFACES["grid"](), kT=KT)
    assert bias.c_of_t([-1.0, -1.0], [1.0, 1.0], [40, 40]) == 0.0


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES.keys())
def test_c_of_t_follows_its_formula(surface: Callable[[], Grid | HillSum]) -> None:
    bias = metad(surface(), bias_factor=8.0, kT=KT)
    for x in np.linspace(-0.3, 0.3, 20):
        bias.learn([bias.hill_at([x, 0.0])])
    axis = -2.0 + 0.1 * np.arange(41)
    V = np.array([[bias.evaluate([x, y])[0] for y in axis] for x in axis])
    expected = KT * math.log(np.exp(8.0 / 7.0 * V / KT).sum() / np.exp(V / 7.0 / KT).sum())
    assert bias.c_of_t([-2.0, -2.0], [2.0, 2.0], [40, 40]) == pytest.approx(expected, rel=1e-10)


def test_c_of_t_does_not_overflow() -> None:
    bias = metad(SURFACES["grid"](), height=1e5, kT=KT)
    bias.learn([bias.hill_at([0.0, 0.0])])
    assert 0.0 < bias.c_of_t([-1.0, -1.0], [1.0, 1.0], [40, 40]) < 1e5


def test_c_of_t_needs_a_temperature() -> None:
    with pytest.raises(ValueError, match="kT"):
        metad(SURFACES["grid"]()).c_of_t([-1.0, -1.0], [1.0, 1.0], [40, 40])


def test_a_hill_on_other_cvs_is_refused() -> None:
    with pytest.raises(ValueError, match="on 2 CVs, the hill on 1"):
        metad(SURFACES["sum"]()).learn([Hill((0.0,), (0.2,), 1.0)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": [0.2]}, "one width for each of the 2 CVs, got 1"),
        ({"sigma": [0.2, -0.1]}, "sigma must be positive"),
        ({"height": -1.0}, "height"),
        ({"pace": 0}, "pace"),
        ({"bias_factor": 10.0}, "needs kT"),
        ({"bias_factor": 0.5, "kT": KT}, "bias_factor must be at least 1"),
        ({"kT": 0.0}, "kT must be positive"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metad(SURFACES["sum"](), **settings)
