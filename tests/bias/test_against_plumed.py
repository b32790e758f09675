"""The bias is PLUMED's: the same trace of CVs gives the same energies, forces and hills.

Energies and hills agree to 1e-10 with and without a grid: the nodes of the grid and the
interpolation are PLUMED's, and only the rounding differs. Forces agree to 1e-10 of the steepest
slope of a hill; where V is nearly zero, the grid's V_i V_j/V amplifies the rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Grid, HillSum, Metad, Walls
from ipi_mtd.periods import Period
from tests.harness.plumed import needs_plumed

pytestmark = needs_plumed

KT = 0.0083144621 * 300.0  # kJ/mol, with PLUMED's kB
SIGMA, HEIGHT, PACE = 0.2, 1.2, 4
PI = (-math.pi, math.pi)
BINS = {None: 100, PI: 157}  # a spacing of sigma/5
BOUNDS = {None: (-2.0, 2.0), PI: PI}

CVS = {
    "1 CV": (None,),
    "1 periodic": (PI,),
    "2 CVs": (None, None),
    "2 periodic": (PI, PI),
    "3 CVs, 1 periodic": (None, PI, None),
}
TEMPERING = {"plain": None, "well-tempered": 10.0, "gamma of 1": 1.0}

each_set_of_cvs = pytest.mark.parametrize("periods", CVS.values(), ids=CVS.keys())
each_tempering = pytest.mark.parametrize("bias_factor", TEMPERING.values(), ids=TEMPERING.keys())

Walk = Callable[[int, int], FloatArray]
RunPlumed = Callable[[FloatArray, Sequence[str]], SimpleNamespace]


def metad_lines(periods: Sequence[Period], bias_factor: float | None, options: str) -> list[str]:
    """PLUMED's input for METAD on CVs called a, b and c."""
    domain = {None: "NO", PI: "-pi,pi"}
    cvs = [
        f"{name}: CUSTOM ARG=p.{x} FUNC=x PERIODIC={domain[period]}"
        for name, x, period in zip("abc", "xyz", periods, strict=False)
    ]
    tempering = {None: "", 1.0: "BIASFACTOR=1", 10.0: "BIASFACTOR=10"}[bias_factor]
    names, sigma = ",".join("abc"[: len(cvs)]), ",".join([str(SIGMA)] * len(cvs))
    metad = f"m: METAD ARG={names} SIGMA={sigma} HEIGHT={HEIGHT} PACE={PACE} TEMP=300"
    return [*cvs, f"{metad} {tempering} {options}"]


def bins_of(periods: Sequence[Period]) -> list[int]:
    return [BINS[period] for period in periods]


def grid_options(periods: Sequence[Period]) -> str:
    lower = ",".join({None: "-2", PI: "-pi"}[period] for period in periods)
    upper = ",".join({None: "2", PI: "pi"}[period] for period in periods)
    bins = ",".join(map(str, bins_of(periods)))
    return f"GRID_MIN={lower} GRID_MAX={upper} GRID_BIN={bins}"


def plumed_grid(periods: Sequence[Period]) -> Grid:
    lower, upper = zip(*(BOUNDS[period] for period in periods), strict=True)
    bins = bins_of(periods)
    spacing = [(hi - lo) / n for lo, hi, n in zip(lower, upper, bins, strict=True)]
    return Grid(lower, spacing, periods, HEIGHT)


def across_the_border(trace: FloatArray, periods: Sequence[Period]) -> FloatArray:
    """The trace, with its periodic CVs around the border of their period instead of zero."""
    is_periodic = np.array([period is not None for period in periods])
    return np.where(is_periodic, np.mod(trace, 2.0 * math.pi) - math.pi, trace)


def check_history(
    surface: Grid | HillSum, bias_factor: float | None, trace: FloatArray, plumed: SimpleNamespace
) -> None:
    """Follow the trace as PLUMED did, and compare each energy, each force and each hill."""
    metad = Metad(
        sigma=[SIGMA] * trace.shape[1],
        height=HEIGHT,
        pace=PACE,
        surface=surface,
        bias_factor=bias_factor,
        kT=KT,
    )
    V, dV_ds, rows = [], [], []
    for step, s in enumerate(trace):
        energy, slope = metad.evaluate(s)
        V.append(energy)
        dV_ds.append(slope)
        for hill in [metad.hill_at(s)] * metad.is_due(step):
            metad.learn([hill])
            rows.append((*hill.center, *hill.sigma, hill.height))
    steepest = HEIGHT / SIGMA  # but for a factor of 0.6
    np.testing.assert_allclose(V, plumed.V, rtol=1e-10, atol=1e-12 * HEIGHT)
    np.testing.assert_allclose(dV_ds, plumed.dV_ds, rtol=1e-10, atol=1e-10 * steepest)
    np.testing.assert_allclose(rows, plumed.hills[:, 1:-1], rtol=1e-10, atol=1e-15)
    assert metad.n_deposits == (len(trace) - 1) // PACE


@each_tempering
@each_set_of_cvs
def test_sum_of_hills_gives_plumeds_energies_forces_and_hills(
    periods: Sequence[Period], bias_factor: float | None, walk: Walk, run_plumed: RunPlumed
) -> None:
    trace = across_the_border(walk(400, len(periods)), periods)
    plumed = run_plumed(trace, metad_lines(periods, bias_factor, ""))
    check_history(HillSum(periods, [SIGMA] * len(periods)), bias_factor, trace, plumed)


@each_tempering
@each_set_of_cvs
def test_grid_gives_the_energies_forces_and_hills_of_plumeds_grid(
    periods: Sequence[Period], bias_factor: float | None, walk: Walk, run_plumed: RunPlumed
) -> None:
    trace = across_the_border(walk(200, len(periods)), periods)
    lines = metad_lines(periods, bias_factor, grid_options(periods))
    plumed = run_plumed(trace, lines)
    check_history(plumed_grid(periods), bias_factor, trace, plumed)


def test_a_hill_wider_than_the_period_counts_once_on_the_grid_as_in_plumeds_sum(
    run_plumed: RunPlumed,
) -> None:
    trace = np.linspace(-3.0, 3.0, 50)[:, None]
    lines = [line.replace(f"={SIGMA}", "=1.2") for line in metad_lines([PI], None, "")]
    plumed = run_plumed(trace, lines)
    grid = Grid([-math.pi], [2.0 * math.pi / 400], [PI], HEIGHT)
    metad = Metad(sigma=[1.2], height=HEIGHT, pace=PACE, surface=grid)
    V = []
    for step, s in enumerate(trace):
        V.append(metad.evaluate(s)[0])
        for hill in [metad.hill_at(s)] * metad.is_due(step):
            metad.learn([hill])
    np.testing.assert_allclose(V, plumed.V, atol=1e-6 * HEIGHT)


@each_tempering
@pytest.mark.parametrize("periods", [(None,), (PI, None)], ids=["1 CV", "2 CVs, 1 periodic"])
def test_c_of_t_is_plumeds_rct(
    periods: Sequence[Period], bias_factor: float | None, walk: Walk, run_plumed: RunPlumed
) -> None:
    trace = across_the_border(walk(200, len(periods)), periods)
    options = f"{grid_options(periods)} CALC_RCT"
    print_line = "PRINT ARG=m.rct,m.rbias,m.bias FILE=COLVAR FMT=%.15e"
    plumed = run_plumed(trace, [*metad_lines(periods, bias_factor, options), print_line])
    metad = Metad(
        sigma=[SIGMA] * len(periods),
        height=HEIGHT,
        pace=PACE,
        surface=plumed_grid(periods),
        bias_factor=bias_factor,
        kT=KT,
    )
    lower, upper = zip(*(BOUNDS[period] for period in periods), strict=True)
    bins = bins_of(periods)
    c = []
    for step, s in enumerate(trace):
        c.append(metad.c_of_t(lower, upper, bins))
        for hill in [metad.hill_at(s)] * metad.is_due(step):
            metad.learn([hill])
    # PLUMED prints rct after the hill of the step, rbias with the value before it.
    np.testing.assert_allclose(plumed.colvar[:, 3] - plumed.colvar[:, 2], c, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_walls_have_plumeds_energies_and_forces(
    side: str, walk: Walk, run_plumed: RunPlumed
) -> None:
    trace = across_the_border(walk(300, 2), (PI, None))
    plumed = run_plumed(
        trace,
        [
            "a: CUSTOM ARG=p.x FUNC=x PERIODIC=-pi,pi",
            f"w: {side.upper()}_WALLS ARG=a,p.y AT=3.1,0.1 KAPPA=150,20 EXP=2,4 EPS=0.5,0.2 "
            "OFFSET=0.05,-0.1",
        ],
    )
    walls = Walls(
        side,
        at=[3.1, 0.1],
        kappa=[150.0, 20.0],
        exp=[2.0, 4.0],
        eps=[0.5, 0.2],
        offset=[0.05, -0.1],
        periods=[PI, None],
    )
    V, dV_ds = zip(*map(walls.evaluate, trace), strict=True)
    assert np.count_nonzero(plumed.V) > 50
    np.testing.assert_allclose(V, plumed.V, rtol=1e-10)
    np.testing.assert_allclose(dV_ds, plumed.dV_ds, rtol=1e-10)
