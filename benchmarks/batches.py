"""Potential, CVs and bias of several structures as one batch, without files."""

from __future__ import annotations

import time

from benchmarks import timing
from benchmarks.lj38_run import make_run, trajectory
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.biased_system import Occasion
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure

SIZES = (1, 4, 16)
ROUNDS = {"histogram": 60, "SOAP": 12}


def main() -> None:
    """Print the table."""
    timing.title(
        "The force call for structures of LJ38 as one batch, per structure",
        "potential, CVs and bias; each structure has the neighbor lists of its own trajectory.",
    )
    for cvs, rounds in ROUNDS.items():
        run = make_run(cvs)
        measures = {str(n): _batches(run, n) for n in SIZES}
        timing.in_turns(measures, 3)
        times = timing.in_turns(measures, rounds)
        for n in SIZES:
            remark = timing.ratio(times[str(n)], times["1"])
            timing.row(f"{cvs}: batches of {n}", times[str(n)], remark)


def _batches(run: Run, n: int) -> timing.Measure:
    occasions = [Occasion(neighborhood=Neighborhood()) for _ in range(n)]
    walks = [iter(trajectory(run.structure, 400, seed)) for seed in range(n)]

    def structure(R: FloatArray) -> Structure:
        return Structure(R, run.structure.cell, run.structure.types)

    def measure() -> list[float]:
        structures = [structure(next(walk)) for walk in walks]
        begin = time.perf_counter()
        run.system.evaluate(structures, occasions)
        return [(time.perf_counter() - begin) / n]

    return measure
