"""A biased system that is cheap to evaluate, with a real history on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ipi_mtd.bias import Grid, Metad
from ipi_mtd.bias.hills_file import HillsFile
from ipi_mtd.biased_system import BiasedSystem, BiasTerm
from ipi_mtd.cvs.cv import CV
from ipi_mtd.cvs.reductions import total
from ipi_mtd.errors import UserError
from ipi_mtd.potentials import NoPotential
from ipi_mtd.record.column import Column
from ipi_mtd.record.run_directory import RunDirectory, Start
from ipi_mtd.record.tables import ColvarTable, DepositTable
from ipi_mtd.structures.structure import Structure
from ipi_mtd.walker import SharedBiases, Walker
from tests.harness.session import Session

N_ATOMS = 3
PACE = 4
STRIDE = 3


class SquaredRadius:
    """One CV of each structure: sum_i |r_i|^2, known with its derivative."""

    class Values:
        def __init__(self, structures):
            self._positions = [structure.positions for structure in structures]
            self.s = np.array([[(positions**2).sum()] for positions in self._positions])

        def pull_back(self, dV_ds):
            gradients = [
                2.0 * slope * positions
                for (slope,), positions in zip(dV_ds, self._positions, strict=True)
            ]
            strain_gradients = [
                positions.T @ gradient
                for positions, gradient in zip(self._positions, gradients, strict=True)
            ]
            return gradients, strain_gradients

    cvs: Sequence[CV] = (CV("r2", "", 0, total()),)

    def evaluate(self, structures, neighborhoods=None):  # noqa: ARG002
        return self.Values(structures)


def make_system(made: str = "by a test") -> BiasedSystem:
    metad = Metad(
        sigma=[0.3],
        height=0.1,
        pace=PACE,
        surface=Grid([0.0], [0.05], [None], height=0.1),
        bias_factor=5.0,
        kT=0.2,
        file=HillsFile("HILLS", ["r2"], [None], {"r2": made}, 0.5, 5.0),
    )
    return BiasedSystem(NoPotential(), SquaredRadius(), [BiasTerm("mtd", metad, (0,))], 0.01)


def open_run(
    directory: Path,
    start: Start = Start.RESUME,
    *,
    take_over: bool = False,
    made: str = "by a test",
    **identity,
) -> Session:
    """A system, and a walker whose steps are written down in a directory."""
    system = make_system(made)
    shared = SharedBiases(system.terms)
    (term,) = system.terms
    columns = {
        "r2": Column(lambda e, _learned: e.s[0]),
        "mtd.bias": Column(lambda e, _learned: e.biases["mtd"]),
    }
    tables = [
        DepositTable("mtd", term.bias.file),
        ColvarTable("COLVAR", columns, {}, STRIDE, None, 0.5),
    ]
    if take_over or start is Start.KEEP_HILLS:
        shared.require_readable(directory, of_any_cv=start is Start.KEEP_HILLS)
    record = RunDirectory(
        directory,
        tables,
        N_ATOMS,
        {"pace": PACE, **identity},
        start,
        take_over=take_over,
        of_deposits=shared.files,
    )
    try:
        shared.rebuild(record)
        record.begin()
    except UserError:
        record.close()
        raise
    types = np.full(N_ATOMS, 18, dtype=np.int32)
    walker = Walker(system, shared, types, np.full(3, True), record, tables)
    return Session(system, shared, walker, record)


def trajectory(n_steps: int, seed: int = 3) -> list[Structure]:
    """A smooth trajectory of three atoms."""
    rng = np.random.default_rng(seed)
    start, velocity = rng.normal(size=(2, N_ATOMS, 3))
    return [
        Structure(
            start + 0.3 * velocity * np.sin(0.05 * k) + 0.003 * k,
            np.zeros((3, 3)),
            np.full(N_ATOMS, 18, dtype=np.int32),
        )
        for k in range(n_steps)
    ]


def as_text(structure: Structure) -> Structure:
    """The structure as it comes back from i-PI's restart file."""
    positions = np.array([float(f"{x:15.8e}") for x in structure.positions.flat])
    return Structure(positions.reshape(-1, 3), structure.cell, structure.types)


def serve(system: Session, structures: list[Structure]) -> None:
    """Propose and commit each structure."""
    for structure in structures:
        system.propose(structure)
        system.commit()


def contents(directory: Path) -> dict[str, bytes]:
    """HILLS and COLVAR, byte by byte."""
    return {name: (directory / name).read_bytes() for name in ("HILLS", "COLVAR")}
