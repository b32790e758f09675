"""How the time grows with the number of atoms: Lennard-Jones and the histogram in a liquid."""

from __future__ import annotations

import itertools
import time

import numpy as np

from benchmarks import timing
from benchmarks.lj38_run import EPSILON, INPUTS, SIGMA
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.potentials import LennardJones
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure
from lj38 import ATOMIC_NUMBER

SIZES = (38, 500, 5_000, 50_000, 100_000)
DENSITY = 0.8  # of the reduced units, a liquid's
CUTOFF = 3.0  # sigma


def main() -> None:
    """Print the table."""
    timing.title(
        f"Time per atom in a periodic liquid, cutoff {CUTOFF:g} sigma (histogram: 1.6 sigma)",
        "energy, forces and virial of Lennard-Jones; value, gradient and virial of the histogram.",
        "Every call has new positions. Linear scaling is a constant time per atom.",
    )
    for n_atoms in SIZES:
        repeats = max(3, min(50, 20_000 // n_atoms))
        liquid = make_liquid(n_atoms)
        measures = {
            "Lennard-Jones": _lennard_jones(liquid),
            "histogram": _histogram(liquid),
        }
        timing.in_turns(measures, 3)  # TorchScript compiles for a while
        for name, times in timing.in_turns(measures, repeats).items():
            timing.row(f"{name}, {n_atoms} atoms", [t / n_atoms for t in times])


def make_liquid(n_atoms: int) -> Structure:
    """Some of the points of a lattice, displaced at random, in a cubic cell."""
    rng = np.random.default_rng(n_atoms)
    n = int(np.ceil(n_atoms ** (1 / 3)))
    points = np.array(list(itertools.product(range(n), repeat=3)), dtype=float)
    points = points[np.sort(rng.permutation(len(points))[:n_atoms])]
    length = (n_atoms / DENSITY) ** (1 / 3)
    R = points * length / n + rng.normal(0.0, 0.03, points.shape)
    types = np.full(n_atoms, ATOMIC_NUMBER, dtype=np.int32)
    return Structure(R * SIGMA, np.eye(3) * length * SIGMA, types)


def _shaken(liquid: Structure, rng: np.random.Generator) -> Structure:
    """The next of a sequence of structures; each atom moves as in a step of dynamics."""
    noise = rng.normal(0.0, 1e-3 * SIGMA, liquid.positions.shape)
    return Structure(liquid.positions + noise, liquid.cell, liquid.types)


def _lennard_jones(liquid: Structure) -> timing.Measure:
    potential, neighborhood = LennardJones(EPSILON, SIGMA, CUTOFF * SIGMA), Neighborhood()
    rng = np.random.default_rng(0)

    def measure() -> list[float]:
        structure = _shaken(liquid, rng)
        begin = time.perf_counter()
        potential.evaluate([structure], [neighborhood])
        return [time.perf_counter() - begin]

    return measure


def _histogram(liquid: Structure) -> timing.Measure:
    model = FeatureModel(INPUTS.parent / "lj38/histo-cv.pt", liquid.types)
    neighborhood = Neighborhood()
    rng = np.random.default_rng(0)

    def measure() -> list[float]:
        structure = _shaken(liquid, rng)
        begin = time.perf_counter()
        features = model.evaluate([structure], [neighborhood])
        features.pull_back(features.outputs, np.ones(features.outputs.shape))
        return [time.perf_counter() - begin]

    return measure
