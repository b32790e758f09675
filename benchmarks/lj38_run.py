"""The example as a run, and a trajectory of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.config import read_config
from ipi_mtd.potentials import LennardJones
from ipi_mtd.structures.structure import Structure
from lj38 import EPSILON_KCAL_MOL, MASS_DALTON, SIGMA_ANGSTROM

INPUTS = Path(__file__).parents[1] / "inputs"
CONFIGURATIONS = {"histogram": "lj38.toml", "SOAP": "lj38-soap.toml"}

EPSILON = EPSILON_KCAL_MOL * units.factor("kcal/mol", "hartree")
SIGMA = SIGMA_ANGSTROM * units.factor("angstrom", "bohr")
MASS = MASS_DALTON * 1822.888486  # electron masses
KT = units.boltzmann("hartree") * 19.3
TIMESTEP = 2.5 / 0.02418884326585747  # fs in atomic units


def make_run(cvs: str) -> Run:
    """The run of the example with one of its CVs.

    Raises
    ------
    UserError
        If its models have not been exported.
    """
    path = INPUTS / CONFIGURATIONS[cvs]
    return Run(read_config(path))


def trajectory(start: Structure, n_steps: int, seed: int = 0) -> list[FloatArray]:
    """Positions of a cluster in molecular dynamics, after a while of it: (n_atoms, 3), bohr."""
    potential = LennardJones(EPSILON, SIGMA)
    rng = np.random.default_rng(seed)
    R = start.positions
    v = rng.normal(0.0, np.sqrt(2.0 * KT / MASS), R.shape)  # half of it becomes potential energy
    v -= v.mean(axis=0)
    frames = []
    forces = potential.evaluate([start])[0].forces
    for step in range(n_steps + 400):
        v = v + 0.5 * TIMESTEP / MASS * forces
        R = R + TIMESTEP * v
        forces = potential.evaluate([Structure(R, start.cell, start.types)])[0].forces
        v = v + 0.5 * TIMESTEP / MASS * forces
        frames += [R] * (step >= 400)
    return frames
