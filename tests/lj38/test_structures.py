"""The two minima: their energies, their files, the script that makes them."""

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ipi.utils.io import read_file
from ipi.utils.units import unit_to_user
from scipy.spatial.distance import pdist

import lj38
from lj38 import structures

FOLDER = Path(lj38.__file__).parent
ENERGIES = {"octahedron": -173.928427, "icosahedron": -173.252378}  # doi:10.1063/1.478595

both = pytest.mark.parametrize("name", ["octahedron", "icosahedron"])


def committed(name):
    return ase.io.read(FOLDER / f"{name}.xyz")


def test_a_dimer_at_its_minimum_has_an_energy_of_minus_epsilon():
    energy, gradient = structures.lennard_jones(np.array([[0.0, 0.0, 0.0], [2 ** (1 / 6), 0, 0]]))

    assert energy == pytest.approx(-1.0, abs=1e-14)
    assert gradient == pytest.approx(np.zeros((2, 3)), abs=1e-13)


def test_the_gradient_is_the_central_difference_of_the_energy():
    rng = np.random.default_rng(7)
    positions = structures.truncated_octahedron() + rng.normal(scale=0.03, size=(38, 3))
    direction = rng.normal(size=(38, 3))

    _, gradient = structures.lennard_jones(positions)

    forward, _ = structures.lennard_jones(positions + 1e-5 * direction)
    backward, _ = structures.lennard_jones(positions - 1e-5 * direction)
    assert np.sum(gradient * direction) == pytest.approx((forward - backward) / 2e-5, rel=1e-7)


@both
def test_the_committed_structure_has_the_published_energy(name):
    energy, _ = structures.lennard_jones(committed(name).positions / lj38.SIGMA_ANGSTROM)

    assert energy == pytest.approx(ENERGIES[name], abs=1e-6)


@both
def test_the_gradient_of_the_committed_structure_vanishes(name):
    _, gradient = structures.lennard_jones(committed(name).positions / lj38.SIGMA_ANGSTROM)

    assert np.abs(gradient).max() < 1e-6


@both
def test_the_committed_structure_is_free_argon_around_the_origin(name):
    atoms = committed(name)

    assert atoms.get_chemical_symbols() == ["Ar"] * 38
    assert atoms.numbers.tolist() == [lj38.ATOMIC_NUMBER] * 38
    assert atoms.positions.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert not atoms.pbc.any()
    assert not atoms.cell.any()


def symmetry_operations(positions, axis, angle):
    """Whether a rotation around an axis maps the structure on itself, to 1e-6."""
    axis = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis)
    rotation = np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    distances = np.linalg.norm((positions @ rotation)[:, None] - positions, axis=-1)
    return distances.min(axis=1).max() < 1e-6


def test_the_octahedron_has_fourfold_and_threefold_axes():
    positions = committed("octahedron").positions

    assert symmetry_operations(positions, [0, 0, 1], np.pi / 2)
    assert symmetry_operations(positions, [1, 0, 0], np.pi / 2)
    assert symmetry_operations(positions, [1, 1, 1], 2 * np.pi / 3)


def test_the_icosahedral_minimum_has_a_single_fivefold_axis():
    positions = committed("icosahedron").positions

    assert symmetry_operations(positions, [0, 0, 1], 2 * np.pi / 5)
    assert not symmetry_operations(positions, [2, 0, 1], 2 * np.pi / 5)


@both
def test_the_script_makes_the_committed_structure(name, tmp_path):
    structures.main(tmp_path)

    made = ase.io.read(tmp_path / f"{name}.xyz")
    difference = np.sort(pdist(made.positions)) - np.sort(pdist(committed(name).positions))
    assert np.abs(difference).max() < 1e-6
    assert np.linalg.norm(made.positions, axis=1) == pytest.approx(
        np.linalg.norm(committed(name).positions, axis=1), abs=1e-6
    )


@both
def test_ipi_reads_the_committed_structure_to_full_precision(name):
    with (FOLDER / f"{name}.xyz").open() as file:
        atoms = read_file("xyz", file, dimension="length", units="angstrom")["atoms"]

    positions = unit_to_user("length", "angstrom", atoms.q.reshape(-1, 3))
    assert list(atoms.names) == ["Ar"] * 38
    assert positions == pytest.approx(committed(name).positions, rel=0, abs=1e-13)
