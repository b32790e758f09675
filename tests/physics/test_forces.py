"""Forces and virial of the whole biased system are derivatives of its energy.

20 hills are deposited around the structure. Without a potential the energy is the bias alone. The
differences are of fourth order and agree to about 3e-10 of the largest force.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.structures.structure import Evaluation, Structure
from tests.harness.differences import Energies, position_derivative, strain_derivative

STEP = 1e-4  # bohr
STRAIN = 1e-5

NONE = {"kind": "none"}
LENNARD_JONES = {
    "kind": "lennard-jones",
    "epsilon": "0.24 kcal/mol",
    "sigma": "3.4 angstrom",
    "cutoff": "8 angstrom",
}
SUM: dict[str, Any] = {"grid": False}
GRID: dict[str, Any] = {}

each_energy = pytest.mark.parametrize(
    ("cvs", "potential", "surface"),
    [
        ("histogram", NONE, SUM),
        ("histogram", NONE, GRID),
        ("histogram", LENNARD_JONES, GRID),
        ("soap", LENNARD_JONES, SUM),
    ],
    ids=["histogram, sum", "histogram, grid", "histogram and LJ", "SOAP and LJ"],
)

MakeBiased: TypeAlias = Callable[..., tuple[Run, Structure]]


@pytest.fixture
def biased(
    lj38: Callable[[str], dict[str, Any]],
    make_run: Callable[[dict[str, Any]], Run],
    shaken: Callable[..., Structure],
    add_hills: Callable[..., None],
) -> MakeBiased:
    """Makes a run with hills, and a structure that feels them."""

    def make(cvs: str, potential: dict[str, Any], **changes: Any) -> tuple[Run, Structure]:
        content = lj38(cvs) | {"potential": potential}
        content["system"] |= changes.get("system", {})
        content["metad"] |= {"height": "2 kcal/mol"} | changes.get("metad", {})
        run = make_run(content)
        structure = shaken(run.structure)
        add_hills(run, structure)
        return run, structure

    return make


def evaluate(run: Run, structure: Structure) -> Evaluation:
    return run.system.evaluate([structure])[0].total


def energies_of(run: Run) -> Energies:
    return lambda structures: [found.total.energy for found in run.system.evaluate(structures)]


def check(run: Run, structure: Structure) -> None:
    answer = evaluate(run, structure)
    forces = -position_derivative(energies_of(run), structure, STEP)
    virial = -strain_derivative(energies_of(run), structure, STRAIN)
    largest = np.abs(forces).max(), np.abs(virial).max()
    assert min(largest) > 1e-3  # of hartree and bohr: there is something to compare
    np.testing.assert_allclose(answer.forces, forces, rtol=0.0, atol=1e-8 * largest[0])
    np.testing.assert_allclose(answer.virial, virial, rtol=0.0, atol=1e-8 * largest[1])


@each_energy
def test_forces_and_virial_of_a_cluster_are_derivatives(
    cvs: str, potential: dict[str, Any], surface: dict[str, Any], biased: MakeBiased
) -> None:
    check(*biased(cvs, potential, metad=surface))


@each_energy
def test_forces_and_virial_of_a_periodic_cell_are_derivatives(
    cvs: str, potential: dict[str, Any], surface: dict[str, Any], crystal: Path, biased: MakeBiased
) -> None:
    system = {"structure": str(crystal), "periodic": True}
    check(*biased(cvs, potential, metad=surface, system=system))


@pytest.mark.parametrize("cvs", ["histogram", "soap"])
def test_a_rotated_cluster_has_the_same_energy_and_rotated_forces(
    cvs: str, biased: MakeBiased
) -> None:
    run, structure = biased(cvs, LENNARD_JONES)
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    turned = Structure(structure.positions @ rotation, structure.cell, structure.types)
    before, after = evaluate(run, structure), evaluate(run, turned)
    assert after.energy == pytest.approx(before.energy, rel=1e-11)
    tight = {"rtol": 0.0, "atol": 1e-11}
    np.testing.assert_allclose(after.forces, before.forces @ rotation, **tight)
    np.testing.assert_allclose(after.virial, rotation.T @ before.virial @ rotation, **tight)


@pytest.mark.parametrize("cvs", ["histogram", "soap"])
def test_a_translated_cluster_has_the_same_energy_and_forces(cvs: str, biased: MakeBiased) -> None:
    run, structure = biased(cvs, LENNARD_JONES)
    moved = Structure(
        structure.positions + np.array([3.0, -20.0, 7.0]), structure.cell, structure.types
    )
    before, after = evaluate(run, structure), evaluate(run, moved)
    assert after.energy == pytest.approx(before.energy, rel=1e-11)
    np.testing.assert_allclose(after.forces, before.forces, rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(after.virial, before.virial, rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("cvs", ["histogram", "soap"])
def test_permuted_atoms_have_the_same_energy_and_permuted_forces(
    cvs: str, biased: MakeBiased
) -> None:
    run, structure = biased(cvs, LENNARD_JONES)
    order = np.random.default_rng(4).permutation(len(structure.types))
    permuted = Structure(structure.positions[order], structure.cell, structure.types[order])
    before, after = evaluate(run, structure), evaluate(run, permuted)
    assert after.energy == pytest.approx(before.energy, rel=1e-11)
    np.testing.assert_allclose(after.forces, before.forces[order], rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(after.virial, before.virial, rtol=0.0, atol=1e-11)


def test_the_bias_exerts_no_net_force_and_no_torque(biased: MakeBiased) -> None:
    run, structure = biased("histogram", NONE)
    forces = evaluate(run, structure).forces
    assert np.abs(forces).max() > 1e-3
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(np.cross(structure.positions, forces).sum(axis=0), 0.0, atol=1e-13)
