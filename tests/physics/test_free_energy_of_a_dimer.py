"""A free energy that is known: that of the distance of two atoms.

The relative position of two atoms lives in three dimensions, so that the free energy of their
distance is F(r) = U(r) - 2 kT ln r and a constant, with U(r) the Lennard-Jones energy and that of
the wall that keeps them together. A run of 20000 steps finds it, up to 6 kT, with an error of
0.13 kT; a line through the found F against the exact one has a slope of 1.00, with a standard
deviation of 0.02 over independent runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipi_mtd import units
from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.free_energy import free_energy
from ipi_mtd.arrays import FloatArray
from ipi_mtd.files.hills import Hills, read_hills
from tests.harness.inputs import cluster_input

EPSILON, SIGMA = 0.24, 3.4  # kcal/mol, angstrom
WALL, KAPPA = 6.0, 2.4  # angstrom, kcal/mol per square angstrom
TEMPERATURE = 120.0
KT = units.boltzmann("kcal/mol") * TEMPERATURE
TIMESTEP = 40.0  # fs, a fortieth of the period of the dimer
WIDTH = 0.1  # angstrom, of a hill
TOP = 6.0  # kT, up to which the free energies are compared


def analytic(r: FloatArray) -> FloatArray:
    """F(r) in kT, the lowest zero."""
    attraction = (SIGMA / r) ** 6
    U = 4.0 * EPSILON * (attraction**2 - attraction) + KAPPA * np.maximum(r - WALL, 0.0) ** 2
    F = U / KT - 2.0 * np.log(r)
    return F - F.min()


r = np.linspace(3.0, 7.5, 451)
compared = analytic(r) < TOP


def largest_gap(visited: FloatArray) -> float:
    """The longest part of the range that is compared in which no hill is."""
    lower, upper = r[compared][[0, -1]]
    inside = visited[(visited > lower) & (visited < upper)]
    return float(np.diff(np.sort([lower, *inside, upper])).max())


def require_analytic(F: FloatArray) -> None:
    """The free energy at `r`, in kT and up to a constant, is the exact one."""
    exact, found = analytic(r)[compared], F[compared]
    slope = np.polyfit(exact, found, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.07)
    error = found - exact
    error -= error.mean()
    assert error.std() < 0.25
    assert np.abs(error).max() < 1.0


@pytest.fixture(scope="module")
def content(distances: Callable[..., Path]) -> dict[str, Any]:
    return {
        "system": {
            "structure": "dimer.xyz",
            "timestep": f"{TIMESTEP} fs",
            "temperature": f"{TEMPERATURE} K",
        },
        "potential": {
            "kind": "lennard-jones",
            "epsilon": f"{EPSILON} kcal/mol",
            "sigma": f"{SIGMA} angstrom",
        },
        "models": {"distance": {"file": str(distances((0, 1), cutoff=15.0))}},
        "cv": [{"name": "r", "component": 1}],
        "metad": {
            "height": f"{0.1 * KT} kcal/mol",
            "sigma": [WIDTH],
            "pace": 5,
            "bias_factor": 5,
            "grid": {"spacing": [WIDTH / 10]},
        },
        "wall": [
            {"name": "wall", "side": "upper", "cv": "r", "at": WALL, "kappa": f"{KAPPA} kcal/mol"}
        ],
        "units": {"energy": "kcal/mol"},
    }


@pytest.fixture
def hills(
    content: dict[str, Any], address: str, simulate: Callable[..., None], tmp_path: Path
) -> Hills:
    """The hills of a run through i-PI."""
    (tmp_path / "dimer.xyz").write_text("2\n\nAr 0.0 0.0 0.0\nAr 0.0 0.0 3.8\n")
    text = cluster_input(
        address,
        structure=tmp_path / "dimer.xyz",
        steps=20000,
        timestep=TIMESTEP,
        tau=500.0,
        temperature=TEMPERATURE,
    )
    simulate(text, content | {"socket": {"address": address}}, tmp_path / "run")
    return read_hills(tmp_path / "run/HILLS")


def test_the_free_energy_of_a_dimer_is_the_analytic_one(hills: Hills) -> None:
    assert largest_gap(hills.centers[:, 0]) < WIDTH
    found = free_energy(hills, [Axis("r", r[0], r[-1], len(r) - 1)], KT)
    np.testing.assert_allclose(found.axes[0].points, r)
    require_analytic(found.values / KT)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(1.2 * analytic(r), id="a fifth too large"),
        pytest.param(0.8 * analytic(r), id="a fifth too small"),
        pytest.param(analytic(r) + 2.0 * np.log(r), id="of one dimension"),
        pytest.param(np.roll(analytic(r), 10), id="displaced by the width of a hill"),
    ],
)
def test_a_free_energy_that_is_wrong_would_not_pass(wrong: FloatArray) -> None:
    require_analytic(analytic(r) + 7.0)
    with pytest.raises(AssertionError):
        require_analytic(wrong)


def test_a_run_that_has_not_been_everywhere_would_not_pass() -> None:
    assert largest_gap(r) < WIDTH
    assert largest_gap(r[(r < 5.0) | (r > 5.3)]) > WIDTH
    assert largest_gap(r[r < 6.0]) > WIDTH
