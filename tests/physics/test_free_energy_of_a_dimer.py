"""A free energy that is known: that of the distance of two atoms.

The relative position of two atoms lives in three dimensions, so that the free energy of their
distance is F(r) = U(r) - 2 kT ln r and a constant, with U(r) the Lennard-Jones energy and that of
the wall that keeps them together. A run of 12000 steps finds it with an error of 0.1 kT; without
the logarithm it would seem to be wrong by 0.4 kT.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipi_mtd import units
from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.free_energy import FreeEnergy, free_energy
from ipi_mtd.arrays import FloatArray
from ipi_mtd.files.hills import read_hills

EPSILON, SIGMA = 0.24, 3.4  # kcal/mol, angstrom
WALL, KAPPA = 6.0, 2.4  # angstrom, kcal/mol per square angstrom
TEMPERATURE = 120.0
KT = units.boltzmann("kcal/mol") * TEMPERATURE
TIMESTEP = 50.0  # fs, a thirtieth of the period of the dimer


def analytic(r: FloatArray) -> FloatArray:
    """F(r) in kT, the lowest zero."""
    attraction = (SIGMA / r) ** 6
    U = 4.0 * EPSILON * (attraction**2 - attraction) + KAPPA * np.maximum(r - WALL, 0.0) ** 2
    F = U / KT - 2.0 * np.log(r)
    return F - F.min()


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
            "height": f"{0.05 * KT} kcal/mol",
            "sigma": [0.15],
            "pace": 10,
            "bias_factor": 3,
            "grid": {"spacing": [0.015]},
        },
        "wall": [
            {"name": "wall", "side": "upper", "cv": "r", "at": WALL, "kappa": f"{KAPPA} kcal/mol"}
        ],
        "units": {"energy": "kcal/mol"},
    }


@pytest.fixture
def found(
    content: dict[str, Any],
    address: str,
    ipi_input: Callable[..., str],
    simulate: Callable[..., None],
    tmp_path: Path,
) -> FreeEnergy:
    """The free energy from the hills of a run through i-PI."""
    (tmp_path / "dimer.xyz").write_text("2\n\nAr 0.0 0.0 0.0\nAr 0.0 0.0 3.8\n")
    text = ipi_input(
        address,
        structure=tmp_path / "dimer.xyz",
        steps=12000,
        timestep=TIMESTEP,
        tau=1000.0,
        temperature=TEMPERATURE,
    )
    simulate(text, content | {"socket": {"address": address}}, tmp_path / "run")
    hills = read_hills(tmp_path / "run/HILLS")
    return free_energy(hills, [Axis("r", 3.0, 7.5, 450)], KT)


def test_the_free_energy_of_a_dimer_is_the_analytic_one(found: FreeEnergy) -> None:
    r = found.axes[0].points
    F = analytic(r)
    explored = F < 3.0
    assert r[explored].min() < 3.3
    assert r[explored].max() > WALL
    error = found.values[explored] / KT - F[explored]
    error -= error.mean()
    assert error.std() < 0.25
    assert np.abs(error).max() < 0.8
