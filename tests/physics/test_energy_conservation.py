"""NVE dynamics in a bias that does not change: the energy stays, so the forces are its gradient.

LJ38 moves for 2 ps among 60 hills that are read from a HILLS file; the bias changes by 0.0009
hartree, the total energy by 0.000002 with a time step of 4 fs and by a quarter of that with half
the step, as the integrator is of second order. A force that is not the gradient of the energy that
i-PI is told would leave an error that no time step removes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from ipi_mtd.arrays import FloatArray
from ipi_mtd.files.hills import Hill, format_hill, format_hills_header
from ipi_mtd.record.run_directory import Start
from tests.harness.inputs import cluster_input
from tests.harness.tables import read_rows

ROOT = Path(__file__).parents[2]
DURATION = 2000.0  # fs
SIGMA = (1.0, 0.5)
HEIGHT = 0.3  # kcal/mol


def hills() -> bytes:
    """A HILLS file with hills all over the octahedral funnel."""
    rng = np.random.default_rng(5)
    rows = [format_hills_header(["cv1", "cv2"], [None, None])]
    for k in range(60):
        center = (rng.uniform(14.0, 26.0), rng.uniform(-1.0, 5.0))
        rows.append(format_hill(0.1 * k, Hill(center, SIGMA, HEIGHT), -1.0))
    return b"".join(rows)


@pytest.fixture
def nve(
    lj38: Callable[[str], dict[str, Any]],
    simulate: Callable[..., None],
    address: str,
    tmp_path: Path,
) -> Callable[[float, dict[str, Any]], tuple[FloatArray, FloatArray]]:
    """Runs NVE dynamics; returns the total energy and the bias every 4 fs, in hartree."""

    def run(timestep: float, surface: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
        directory = tmp_path / f"{timestep:g}-fs"
        directory.mkdir()
        (directory / "HILLS").write_bytes(hills())
        content = lj38("histogram") | {"socket": {"address": address}}
        content["metad"] = {"height": "1 kcal/mol", "sigma": SIGMA, "pace": 10**9, **surface}
        stride = round(4.0 / timestep)
        text = cluster_input(
            address,
            structure=ROOT / "lj38/octahedron.xyz",
            ensemble="nve",
            steps=round(DURATION / timestep),
            timestep=timestep,
            temperature=40.0,
            output=f"""
            <properties stride="{stride}" filename="out"> [ step, conserved ] </properties>
            <trajectory stride="{stride}" filename="bias" extra_type="bias"> extras </trajectory>
            """,
        )
        simulate(text, content, directory, Start.KEEP_HILLS)
        conserved = read_rows(directory / "ipi.out")[:, 1]
        bias = read_rows(directory / "ipi.bias_0")[:, 0]
        return conserved, bias

    return run


RunNVE: TypeAlias = Callable[[float, dict[str, Any]], tuple[FloatArray, FloatArray]]


def test_the_error_of_the_energy_falls_with_the_square_of_the_time_step(nve: RunNVE) -> None:
    conserved, bias = nve(4.0, {"grid": False})
    with_half_the_step, _ = nve(2.0, {"grid": False})
    assert np.ptp(bias) > 5e-4
    assert np.ptp(conserved) < 5e-3 * np.ptp(bias)
    assert 3.0 < conserved.std() / with_half_the_step.std() < 5.0


def test_energy_is_conserved_on_the_grid(nve: RunNVE) -> None:
    conserved, bias = nve(4.0, {"grid": {"spacing": [0.2, 0.1]}})
    assert np.ptp(bias) > 5e-4
    assert np.ptp(conserved) < 5e-3 * np.ptp(bias)
