"""A run is PLUMED's: the same trace of positions gives the same energies, forces and files.

The CVs are distances between atoms in a periodic cell, a metatomic model here and DISTANCE in
PLUMED. Everything between the positions and the answer takes part: the model, its neighbor list
and backward pass, the reductions, the bias, the units, the files. The agreement is to 5e-13.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import ase.io
import numpy as np
import pytest

from ipi_mtd import units
from ipi_mtd.assembly.run import Run
from ipi_mtd.structures.structure import Structure
from tests.harness.plumed import follow, needs_plumed
from tests.harness.session import session_of
from tests.harness.tables import read_rows

pytestmark = needs_plumed

N_STEPS = 300
TEMPERATURE = 60.0
KT = 0.0083144621 * TEMPERATURE * units.factor("kJ/mol", "hartree")
TIMESTEP = 0.004  # ps
HEIGHT, PACE, BIAS_FACTOR = 0.05, 3, 8.0
SIGMA = (0.15, 0.2)  # angstrom
MIN, MAX, BINS = (1.0, 1.0), (9.0, 9.0), (320, 240)
PAIRS = ((0, 2), (4, 13))  # neighbors, the first two across the border of the cell
STRIDE = 7
TOLERANCE = 1e-10

Trace: TypeAlias = list[Structure]


@pytest.fixture
def trace(crystal: Path) -> Trace:
    """A random walk of the atoms around their sites, and of the cell around its shape."""
    atoms = ase.io.read(crystal)
    sites, cell = atoms.positions, np.array(atoms.cell)
    rng = np.random.default_rng(38)
    u, strain = np.zeros_like(sites), np.zeros((3, 3))
    walk = []
    for _ in range(N_STEPS):
        u = 0.98 * u + rng.normal(0.0, 0.06, u.shape)
        strain = 0.9 * strain + rng.normal(0.0, 2e-3, (3, 3))
        deformed = np.eye(3) + strain
        walk.append(
            Structure(
                (sites + u) @ deformed * units.factor("angstrom", "bohr"),
                cell @ deformed * units.factor("angstrom", "bohr"),
                atoms.numbers.astype(np.int32),
            )
        )
    return walk


def ours(run: Run, trace: Trace, directory: Path) -> SimpleNamespace:
    """Follow the trace, in hartree and bohr."""
    session = session_of(run, directory)
    answers = []
    for structure in trace:
        answers.append(session.propose(structure).total)
        session.commit()
    session.close()
    return SimpleNamespace(
        V=np.array([answer.energy for answer in answers]),
        forces=np.array([answer.forces for answer in answers]),
        virial=np.array([answer.virial for answer in answers]),
        hills=read_rows(directory / "HILLS"),
        colvar=read_rows(directory / "COLVAR"),
    )


def plumeds(lines: list[str], trace: Trace, directory: Path) -> SimpleNamespace:
    """Impose the trace on PLUMED, which is told that the world is in hartree and bohr."""
    done = follow(
        "\n".join(lines),
        np.array([structure.positions for structure in trace]),
        directory,
        cells=np.array([structure.cell for structure in trace]),
        timestep=TIMESTEP,
        units=[
            ("setMDLengthUnits", units.factor("bohr", "nm")),
            ("setMDEnergyUnits", units.factor("hartree", "kJ/mol")),
            ("setMDTimeUnits", 1.0),
        ],
    )
    return SimpleNamespace(
        V=done.V,
        forces=done.forces,
        virial=done.virial,
        hills=done.rows("HILLS"),
        colvar=done.rows("COLVAR"),
    )


def plumed_input(d: int, tempering: str, grid: str) -> list[str]:
    names = ["d1", "d2"][:d]
    atoms = [f"{i + 1},{j + 1}" for i, j in PAIRS]
    return [
        "UNITS LENGTH=A ENERGY=kcal/mol",
        *(f"{name}: DISTANCE ATOMS={pair}" for name, pair in zip(names, atoms, strict=False)),
        f"m: METAD ARG={','.join(names)} SIGMA={_list(SIGMA[:d])} HEIGHT={HEIGHT} PACE={PACE} "
        f"TEMP={TEMPERATURE} {tempering} {grid}",
        f"PRINT ARG={','.join(names)},m.bias FILE=COLVAR STRIDE={STRIDE} FMT=%.15e",
    ]


def _list(numbers: tuple[float, ...]) -> str:
    return ",".join(map(str, numbers))


Both: TypeAlias = Callable[..., tuple[SimpleNamespace, SimpleNamespace]]


@pytest.fixture
def both(
    trace: Trace,
    crystal: Path,
    distances: Callable[..., Path],
    make_run: Callable[[dict[str, Any]], Run],
    tmp_path: Path,
) -> Both:
    """Follows the trace with d CVs, ours and PLUMED's."""

    def follow(d: int, our: dict[str, Any], plumed: list[str]) -> tuple[Any, Any]:
        names = ["d1", "d2"][:d]
        content = {
            "system": {
                "structure": str(crystal),
                "periodic": True,
                "timestep": f"{TIMESTEP} ps",
                "temperature": f"{TEMPERATURE} K",
            },
            "socket": {"address": "unused"},
            "potential": {"kind": "none"},
            "models": {"distances": {"file": str(distances(*PAIRS[:d], cutoff=5.5))}},
            "cv": [{"name": name, "component": k + 1} for k, name in enumerate(names)],
            "metad": {
                "height": f"{HEIGHT} kcal/mol",
                "sigma": list(SIGMA[:d]),
                "pace": PACE,
                **our,
            },
            "colvar": {"stride": STRIDE, "columns": [*names, "metad.bias"]},
            "units": {"energy": "kcal/mol"},
        }
        return (
            ours(make_run(content), trace, tmp_path / "ours"),
            plumeds(plumed, trace, tmp_path / "plumeds"),
        )

    return follow


TEMPERINGS: dict[str, tuple[dict[str, Any], str]] = {
    "plain": ({}, ""),
    "well-tempered": ({"bias_factor": BIAS_FACTOR}, f"BIASFACTOR={BIAS_FACTOR}"),
}
each_tempering = pytest.mark.parametrize("tempering", TEMPERINGS.values(), ids=TEMPERINGS.keys())
each_number_of_cvs = pytest.mark.parametrize("d", [1, 2], ids=["1 CV", "2 CVs"])


def check(ours: SimpleNamespace, plumeds: SimpleNamespace) -> None:
    """Compare the trace, relative to the largest number of each kind."""
    assert plumeds.V.max() > KT  # there is something to compare
    for name in ("V", "forces", "virial"):
        ours_, plumeds_ = getattr(ours, name), getattr(plumeds, name)
        atol = TOLERANCE * np.abs(plumeds_).max()
        np.testing.assert_allclose(ours_, plumeds_, rtol=0.0, atol=atol, err_msg=name)
    assert len(plumeds.hills) == (N_STEPS - 1) // PACE
    np.testing.assert_allclose(ours.hills, plumeds.hills, rtol=TOLERANCE)
    np.testing.assert_allclose(ours.colvar, plumeds.colvar, rtol=TOLERANCE, atol=TOLERANCE)


@each_tempering
@each_number_of_cvs
def test_sum_of_hills_follows_plumed(d: int, tempering: tuple[Any, str], both: Both) -> None:
    bias_factor, option = tempering
    lines = plumed_input(d, option, "")
    check(*both(d, {"grid": False, **bias_factor}, lines))


@each_tempering
@each_number_of_cvs
def test_grid_follows_plumeds_grid(d: int, tempering: tuple[Any, str], both: Both) -> None:
    bias_factor, option = tempering
    grid = {"min": list(MIN[:d]), "max": list(MAX[:d]), "bins": list(BINS[:d])}
    lines = plumed_input(
        d,
        option,
        f"GRID_MIN={_list(MIN[:d])} GRID_MAX={_list(MAX[:d])} GRID_BIN={_list(BINS[:d])}",
    )
    check(*both(d, {"grid": grid, **bias_factor}, lines))
