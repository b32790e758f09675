"""The same text gives the same numbers: bias, forces, HILLS and COLVAR are PLUMED's.

Both get the same numbers as the output of the "model": the coordinates of one atom.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.elements import element_names
from ipi_mtd.record.run_directory import Start
from ipi_mtd.written_number import WrittenNumber
from tests.harness.plumed import needs_plumed

pytestmark = needs_plumed

SELECT = """\
cv1: SELECT_COMPONENTS ARG=x COMPONENTS=1
cv2: SELECT_COMPONENTS ARG=x COMPONENTS=2
"""
METAD = "mtd: METAD ARG=cv1,cv2 SIGMA=0.2,0.15 HEIGHT=0.4 PACE=4"
GRID = "GRID_MIN=-1,-1 GRID_MAX=4,3"
PRINT = "PRINT ARG=cv1,cv2,mtd.*,x STRIDE=2 FILE=COLVAR FMT=%.14e"

INPUTS = {
    "no grid": f"{SELECT}{METAD} BIASFACTOR=6 TEMP=300\n{PRINT}",
    "grid": f"{SELECT}{METAD} {GRID} GRID_BIN=150,120 BIASFACTOR=6 TEMP=300\n{PRINT}",
    "plain": f"{SELECT}{METAD} {GRID} GRID_BIN=150,120\n{PRINT}",
    "gamma of 1": f"{SELECT}{METAD} BIASFACTOR=1 TEMP=300\n{PRINT}",
    "spacing": f"{SELECT}{METAD} {GRID} GRID_SPACING=0.031,0.027\n{PRINT}",
    "bins and spacing": f"{SELECT}{METAD} {GRID} GRID_BIN=20,500 GRID_SPACING=0.03,0.03\n{PRINT}",
    "spacing from sigma": f"{SELECT}{METAD} {GRID}\n{PRINT}",
    "kcal/mol and fs": (
        f"UNITS ENERGY=kcal/mol TIME=fs\n{SELECT}{METAD} BIASFACTOR=6 TEMP=50\n{PRINT}"
    ),
    "eV": f"UNITS ENERGY=eV TIME=ns\n{SELECT}{METAD} BIASFACTOR=6 TEMP=5000\n{PRINT}",
    "Ha": f"UNITS ENERGY=Ha TIME=atomic\n{SELECT}{METAD} BIASFACTOR=6 TEMP=90000\n{PRINT}",
    "j/mol": f"UNITS ENERGY=j/mol\n{SELECT}{METAD} BIASFACTOR=6 TEMP=0.3\n{PRINT}",
    "numbers": f"UNITS ENERGY=8.314 TIME=0.5\n{SELECT}{METAD} BIASFACTOR=6 TEMP=300\n{PRINT}",
    "c(t)": (
        f"{SELECT}{METAD} {GRID} GRID_BIN=100,80 BIASFACTOR=6 TEMP=300 CALC_RCT\n"
        "PRINT ARG=mtd.*,cv1,cv2.* STRIDE=2 FILE=COLVAR FMT=%.14e"
    ),
    "three CVs": (
        f"{SELECT}cv3: SELECT_COMPONENTS ARG=x COMPONENTS=3\n"
        "mtd: METAD ARG=cv1,cv2,cv3 SIGMA=0.2,0.2,0.2 HEIGHT=1 PACE=10 "
        f"GRID_MIN=0,0,0 GRID_MAX=3,3,3 GRID_BIN=75,75,75\n{PRINT}"
    ),
    "two METADs": (
        f"{SELECT}{METAD} BIASFACTOR=6 TEMP=300 {GRID}\n"
        "two: METAD ARG=cv2 SIGMA=pi/20 HEIGHT=2*0.2 PACE=1e1 BIASFACTOR=3 TEMP=100 FILE=HILLS.2\n"
        "PRINT ARG=*.bias,cv2 STRIDE=3 FILE=COLVAR FMT=%.14e\n"
        "PRINT ARG=two.*,x.* FILE=COLVAR.2 FMT=%.14e"
    ),
    "walls": (
        f"{SELECT}{METAD}\n"
        "up: UPPER_WALLS ARG=cv1,cv2 AT=1.1,0.9 KAPPA=20,7 EXP=2,4 EPS=0.5,0.4 OFFSET=0.05,-0.1\n"
        "low: LOWER_WALLS ARG=cv2 AT=0.6 KAPPA=3\n"
        "PRINT ARG=up.*,low.bias,low.force2,mtd.bias STRIDE=1 FILE=COLVAR FMT=%.14e"
    ),
    "reductions": (
        "sum: SUM ARG=x PERIODIC=NO\n"
        "mean: MEAN ARG=x PERIODIC=NO\n"
        "some: SELECT_COMPONENTS ARG=x COMPONENTS=3,1\n"
        "last: SELECT_COMPONENTS ARG=some COMPONENTS=2\n"
        "part: MEAN ARG=some PERIODIC=NO\n"
        "high: HIGHEST ARG=x\n"
        "low: LOWEST ARG=some\n"
        "in: BETWEEN ARG=x LOWER=0.5 UPPER=1.2\n"
        "n: SUM ARG=in PERIODIC=NO\n"
        "of: BETWEEN ARG=some SWITCH={GAUSSIAN LOWER=0.5 UPPER=1.2 SMEAR=0.2}\n"
        "m: SUM ARG=of PERIODIC=NO\n"
        "one: METAD ARG=sum,part SIGMA=0.2,0.2 HEIGHT=1 PACE=4 FILE=HILLS\n"
        "two: METAD ARG=n,m SIGMA=0.2,0.2 HEIGHT=1 PACE=4 FILE=HILLS.2\n"
        "wall: UPPER_WALLS ARG=high,low,mean AT=0.9,0.8,0.7 KAPPA=5,6,7\n"
        "also: LOWER_WALLS ARG=part,low AT=1.3,1.1 KAPPA=2,3\n"
        "PRINT ARG=also.force2,sum,mean,some,last,part,high,low,n,m,*.bias FILE=COLVAR FMT=%.14e"
    ),
    "periodic": (
        "phi: SUM ARG=x PERIODIC=-pi,pi\n"
        "mtd: METAD ARG=phi SIGMA=0.3 HEIGHT=0.7 PACE=4 GRID_MIN=-pi GRID_MAX=pi GRID_BIN=120\n"
        "PRINT ARG=phi,mtd.bias FILE=COLVAR FMT=%.14e"
    ),
    "periodic, no grid": (
        "phi: MEAN ARG=x PERIODIC=0.1,1.1\n"
        "mtd: METAD ARG=phi SIGMA=0.05 HEIGHT=0.7 PACE=4\n"
        "PRINT ARG=phi,mtd.bias FILE=COLVAR FMT=%.14e"
    ),
}


@pytest.mark.parametrize("text", INPUTS.values(), ids=INPUTS.keys())
def test_bias_forces_and_files_are_plumeds(
    text: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    ours, plumed = run_ours(text, trace), run_plumed(text, trace)
    steepest = np.abs(plumed.dV_ds).max()
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12 * np.abs(plumed.V).max())
    np.testing.assert_allclose(ours.dV_ds, plumed.dV_ds, rtol=1e-10, atol=1e-10 * steepest)
    files = sorted(path.name for path in plumed.directory.glob("[HC]*"))
    assert "COLVAR" in files
    for file in files:
        assert ours.header(file) == plumed.header(file)
        np.testing.assert_allclose(ours.rows(file), plumed.rows(file), rtol=1e-10, atol=1e-11)


def test_colvar_in_plumeds_default_format_is_plumeds_to_the_byte(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = f"{SELECT}{METAD} {GRID}\nPRINT ARG=cv1,cv2,mtd.*,x.* STRIDE=10 FILE=COLVAR"
    ours, plumed = run_ours(text, trace), run_plumed(text, trace)
    assert (ours.directory / "COLVAR").read_bytes() == (plumed.directory / "COLVAR").read_bytes()


@pytest.mark.parametrize("format_", ["%8.4f", "%10.3lf", "%g", "%-12.5E"])
def test_colvar_in_a_format_of_c_is_plumeds_to_the_byte(
    format_: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = f"{SELECT}{METAD}\nPRINT ARG=cv1,mtd.*,x.* FILE=COLVAR FMT={format_}"
    ours, plumed = run_ours(text, trace), run_plumed(text, trace)
    assert (ours.directory / "COLVAR").read_bytes() == (plumed.directory / "COLVAR").read_bytes()


CONTINUED = f"{METAD} {GRID} GRID_BIN=150,120 BIASFACTOR=6 TEMP=300"


def test_a_run_continued_from_plumeds_hills_has_the_bias_of_plumeds_continuation(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = f"{SELECT}{CONTINUED}\n"
    first = run_plumed(text, trace[:100])
    continued = first.directory.parent / "continued"
    continued.mkdir()
    (continued / "HILLS").write_bytes((first.directory / "HILLS").read_bytes())
    ours = run_ours(f"RESTART\n{text}", trace[100:], continued, Start.KEEP_HILLS)
    plumed = run_plumed(f"RESTART\n{text}", trace[100:], first.directory)
    assert ours.V[0] > 0.1
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.dV_ds, plumed.dV_ds, rtol=1e-9, atol=1e-10)


def test_plumed_continues_from_our_hills_with_our_bias(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = f"{SELECT}{CONTINUED}\n"
    ours = run_ours(text, trace)
    first = run_ours(text, trace[:100], ours.directory.parent / "first")
    # both count the step of the restart as the first, at which there is no hill
    ours = run_ours(f"RESTART\n{text}", trace[100:], copy_hills(first.directory), Start.KEEP_HILLS)
    plumed = run_plumed(f"RESTART\n{text}", trace[100:], first.directory)
    assert plumed.V[0] > 0.1
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12)


def test_plumed_continues_from_our_hills_of_periodic_cvs(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = INPUTS["periodic"].rpartition("PRINT")[0]
    first = run_ours(text, trace[:100])
    ours = run_ours(f"RESTART\n{text}", trace[100:], copy_hills(first.directory), Start.KEEP_HILLS)
    plumed = run_plumed(f"RESTART\n{text}", trace[100:], first.directory)
    assert plumed.V[0] > 0.1
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12)


PERIODS = ["-pi,pi", "0,2pi", "-pi/2,pi/2", "0.0,360.0", "-0.5pi,1.5pi", "+0,2*pi", "-(pi),pi*1"]


def of_period(period: str) -> str:
    return (
        f"phi: SUM ARG=x PERIODIC={period}\nMETAD ARG=phi SIGMA=0.3 HEIGHT=0.7 PACE=4\n"
        "PRINT ARG=phi FILE=COLVAR"
    )


@pytest.mark.parametrize("period", PERIODS)
def test_plumed_goes_on_from_our_hills_however_the_period_is_written(
    period: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    ours = run_ours(of_period(period), trace[:60])
    plumed = run_plumed(of_period(period), trace[:60])
    for file in ("HILLS", "COLVAR"):
        assert ours.header(file) == plumed.header(file)
    continued = run_plumed(f"RESTART\n{of_period(period)}", trace[60:100], ours.directory)
    assert continued.V[0] > 0.1


@pytest.mark.parametrize("period", PERIODS)
def test_we_go_on_from_plumeds_hills_however_the_period_is_written(
    period: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    first = run_plumed(of_period(period), trace[:60])
    copy = copy_hills(first.directory)
    ours = run_ours(f"RESTART\n{of_period(period)}", trace[60:100], copy)
    plumed = run_plumed(f"RESTART\n{of_period(period)}", trace[60:100], first.directory)
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12)


def test_the_same_period_in_other_words_is_the_same(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    first = run_plumed(of_period("0,2*pi"), trace[:60])
    ours = run_ours(f"RESTART\n{of_period('0.0,6.2831853')}", trace[60:61], first.directory)
    assert ours.V[0] > 0.1


@pytest.mark.parametrize(
    "text", ["+pi", "2pi", "-PI", "pi/2", "1.5*pi", "(1+2)*3", "-2^2", "1e3", "2^3^2", "exp(1)"]
)
def test_a_number_is_plumeds(text: str, trace: FloatArray, run_plumed: Callable) -> None:
    run = run_plumed(f"c: CONSTANT VALUE={text}\nPRINT ARG=c FILE=COLVAR FMT=%.17g", trace[:1])
    assert run.rows("COLVAR")[0, 1] == pytest.approx(WrittenNumber(text), rel=1e-15)


STATIC = f"{SELECT}{METAD.replace('HEIGHT=0.4', 'HEIGHT=0')}"


@pytest.mark.parametrize("options", ["", f"{GRID} GRID_BIN=150,120", "BIASFACTOR=6 TEMP=300"])
def test_with_no_height_the_bias_stays_what_it_was_as_in_plumed(
    options: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    first = run_plumed(f"{SELECT}{METAD} {options}", trace[:100])
    copy = copy_hills(first.directory)
    ours = run_ours(f"RESTART\n{STATIC} {options}", trace[100:], copy)
    plumed = run_plumed(f"RESTART\n{STATIC} {options}", trace[100:], first.directory)
    assert ours.V[0] > 0.1
    np.testing.assert_allclose(ours.V, plumed.V, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.rows("HILLS"), plumed.rows("HILLS"), rtol=1e-10)


def test_without_any_bias_the_columns_of_reweighting_are_zero_as_in_plumed(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = (
        f"{STATIC} {GRID} GRID_BIN=100,80 BIASFACTOR=6 TEMP=300 CALC_RCT\n"
        "PRINT ARG=mtd.* STRIDE=2 FILE=COLVAR"
    )
    ours, plumed = run_ours(text, trace[:20]), run_plumed(text, trace[:20])
    np.testing.assert_array_equal(ours.rows("COLVAR"), plumed.rows("COLVAR"))
    np.testing.assert_array_equal(ours.rows("HILLS")[:, 5], np.zeros(4))


def gaussians(directory: Path) -> Path:
    """The hills of a run as PLUMED before 2.8 would have written them, in a new directory."""
    copy = copy_hills(directory)
    text = (copy / "HILLS").read_text()
    (copy / "HILLS").write_text(text.replace("stretched-gaussian", "gaussian"))
    return copy


@pytest.mark.parametrize("options", ["", "GRID_MIN=-1 GRID_MAX=4 GRID_BIN=1250"])
def test_gaussians_of_an_old_plumed_act_as_they_did_when_they_were_added(
    options: str, trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    text = (
        "cv: SELECT_COMPONENTS ARG=x COMPONENTS=1\n"
        f"METAD ARG=cv SIGMA=0.2 HEIGHT=0.4 PACE=4 {options}"
    )
    first = run_plumed(text, trace[:100])
    old = first.rows("HILLS")
    ours = run_ours(f"RESTART\n{text}", trace[100:104], gaussians(first.directory))
    u = (trace[100:104, :1] - old[:, 1]) / 0.2
    V = np.where(u**2 < 12.5, 0.4 * np.exp(-0.5 * u**2), 0.0)
    np.testing.assert_allclose(ours.V, V.sum(axis=1), rtol=1e-3)
    np.testing.assert_allclose(ours.dV_ds[:, 0], -(V * u / 0.2).sum(axis=1), rtol=2e-2, atol=1e-2)


def test_plumed_reads_what_we_added_below_gaussians(
    trace: FloatArray, run_ours: Callable, run_plumed: Callable
) -> None:
    first = run_plumed(f"{SELECT}{METAD}", trace[:60])
    ours = run_ours(f"RESTART\n{SELECT}{METAD}", trace[60:100], gaussians(first.directory))
    plumed = run_plumed(f"RESTART\n{SELECT}{METAD}", trace[100:120], ours.directory)
    assert len(plumed.rows("HILLS")) == 14 + 9 + 4
    assert plumed.V[0] > 0.1


def copy_hills(directory: Path) -> Path:
    """A new directory with nothing but HILLS in it."""
    copy = directory.parent / f"{directory.name}-copy"
    copy.mkdir()
    (copy / "HILLS").write_bytes((directory / "HILLS").read_bytes())
    return copy


def test_elements_have_plumeds_names(run_plumed: Callable, trace: FloatArray) -> None:
    text = (
        "y: OUTER_PRODUCT ARG=x,x\none: SELECT_COMPONENTS ARG=x COMPONENTS=2\n"
        "PRINT ARG=x,y,one.* FILE=COLVAR"
    )
    (header,) = run_plumed(text, trace[:1]).header("COLVAR")
    names = [
        *element_names("x", (1, 3)),
        *element_names("y", (3, 3)),
        *element_names("one", (1, 1)),
    ]
    assert header.split()[3:] == names
    assert element_names("x", (1, 3)) == element_names("x", (3, 1))
