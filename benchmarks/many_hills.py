"""The force call after few and after many hills.

The hills of the example's two CVs are on a grid, where the bias is interpolated: it must not matter
how many there are.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks import timing
from benchmarks.lj38_run import make_run, trajectory
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.biased_system import Occasion
from ipi_mtd.files.hills import Hill
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure

BATCH, ROUNDS = 40, 15
SHORT = (10, 10**4, 10**5)
LONG = (10, 10**4, 10**6)


def main(long: bool) -> None:
    """Print the table."""
    timing.title(
        "The force call for LJ38 after many hills",
        "potential, histogram and bias on the grid, without files; and the addition of a hill.",
    )
    runs = {}
    adding = {}
    for n_hills in LONG if long else SHORT:
        runs[n_hills] = make_run("histogram")
        adding[n_hills] = _fill(runs[n_hills], n_hills)
    frames = trajectory(runs[10].structure, BATCH)
    times = timing.in_turns({str(n): _force_calls(run, frames) for n, run in runs.items()}, ROUNDS)
    for n_hills in runs:
        remark = timing.ratio(times[str(n_hills)], times["10"])
        timing.row(f"force call after {n_hills} hills", times[str(n_hills)], remark)
    most = max(runs)
    timing.row(f"addition of a hill, from {most // 2} to {most}", adding[most][most // 2 :])


def _fill(run: Run, n_hills: int) -> list[float]:
    """Add hills all over the region that LJ38 explores; return how long each took."""
    (term,) = run.biases.terms
    rng = np.random.default_rng(0)
    centers = rng.uniform((10.0, -1.0), (28.0, 14.0), (n_hills, 2))
    times = []
    for center in centers.tolist():
        hill = Hill(tuple(center), term.bias.sigma, 1e-6)
        begin = time.perf_counter()
        term.bias.learn([hill])
        times.append(time.perf_counter() - begin)
    return times


def _force_calls(run: Run, frames: list[FloatArray]) -> timing.Measure:
    occasions = [Occasion(neighborhood=Neighborhood())]

    def measure() -> list[float]:
        times = []
        for R in frames:
            begin = time.perf_counter()
            structure = Structure(R, run.structure.cell, run.structure.types)
            run.system.evaluate([structure], occasions)
            times.append(time.perf_counter() - begin)
        return times

    return measure
