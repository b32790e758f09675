"""Lennard-Jones: exact values, symmetries, derivatives, and ASE as a second implementation."""

import subprocess
import sys

import numpy as np
import pytest
from ase.calculators.lj import LennardJones as AseLennardJones
from numpy.testing import assert_allclose, assert_array_equal

from ipi_mtd.errors import UserError
from ipi_mtd.potentials import AsePotential, LennardJones
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure
from ipi_mtd.units import factor

EV = factor("eV", "hartree")
ANGSTROM = factor("angstrom", "bohr")

# a cutoff in a gap between the shells of the lattice: no pair crosses it when atoms are displaced
IN_A_GAP = 2.08

SHEAR = np.array([[1.0, 0.0, 0.0], [0.1, 1.0, 0.0], [-0.05, 0.15, 1.0]])
PLANE = SHEAR * [[1.0], [1.0], [0.0]]


def dimer(structure, r):
    return structure([[0, 0, 0], [r, 0, 0]])


def close(a, b, rtol=1e-11, atol=1e-11):
    assert_allclose(a.energy, b.energy, rtol, atol)
    assert_allclose(a.forces, b.forces, rtol, atol)
    assert_allclose(a.virial, b.virial, rtol, atol)


def same_bits(a, b):
    assert a.energy == b.energy
    assert_array_equal(a.forces, b.forces)
    assert_array_equal(a.virial, b.virial)


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q


# exact values


def test_a_dimer_at_its_minimum_has_an_energy_of_minus_epsilon(structure):
    (result,) = LennardJones(0.3, 1.7).evaluate([dimer(structure, 2 ** (1 / 6) * 1.7)])

    assert result.energy == pytest.approx(-0.3, rel=1e-14)
    assert_allclose(result.forces, 0, atol=1e-13)


def test_a_dimer_at_sigma_has_no_energy_and_a_force_of_24_epsilon_over_sigma(structure):
    (result,) = LennardJones(0.3, 1.7).evaluate([dimer(structure, 1.7)])

    assert result.energy == pytest.approx(0, abs=1e-15)
    assert_allclose(result.forces[:, 0], [-24 * 0.3 / 1.7, 24 * 0.3 / 1.7])
    assert_allclose(result.virial, np.diag([24 * 0.3, 0, 0]), atol=1e-15)


@pytest.mark.parametrize("n_atoms", [0, 1])
@pytest.mark.parametrize("cutoff", [None, 2.5])
def test_too_few_atoms_for_a_pair_feel_nothing(structure, n_atoms, cutoff):
    (result,) = LennardJones(1, 1, cutoff).evaluate([structure(np.ones((n_atoms, 3)))])

    assert result.energy == 0
    assert_array_equal(result.forces, np.zeros((n_atoms, 3)))
    assert_array_equal(result.virial, np.zeros((3, 3)))


def test_an_empty_cell_has_no_energy(structure):
    (result,) = LennardJones(1, 1, 2.5).evaluate([structure([], 5 * np.eye(3))])

    assert result.energy == 0
    assert result.forces.shape == (0, 3)


def test_the_energy_is_shifted_to_zero_at_the_cutoff_by_default(structure):
    inside, outside = [dimer(structure, 2.5 - 1e-9), dimer(structure, 2.5 + 1e-9)]
    a, b = LennardJones(1, 1, 2.5).evaluate([inside, outside])

    assert a.energy == pytest.approx(0, abs=1e-9)
    assert b.energy == 0


def test_without_the_shift_the_energy_is_only_truncated(structure):
    cut = LennardJones(1, 1, 2.5, shift=False).evaluate([dimer(structure, 2), dimer(structure, 3)])
    (full,) = LennardJones(1, 1).evaluate([dimer(structure, 2)])

    assert cut[0].energy == full.energy
    assert cut[1].energy == 0


def test_the_shift_changes_neither_forces_nor_virial(crystal):
    (shifted,) = LennardJones(1, 1, 2.5).evaluate([crystal])
    (plain,) = LennardJones(1, 1, 2.5, shift=False).evaluate([crystal])

    assert_array_equal(shifted.forces, plain.forces)
    assert_array_equal(shifted.virial, plain.virial)
    assert shifted.energy > plain.energy


# derivatives


@pytest.mark.parametrize("cutoff", [None, IN_A_GAP])
def test_forces_of_a_cluster_are_minus_the_derivative(cluster, cutoff, position_derivative):
    potential = LennardJones(1.2, 0.95, cutoff)

    forces = potential.evaluate([cluster])[0].forces

    assert_allclose(forces, -position_derivative(potential, cluster), rtol=1e-8, atol=1e-7)


def test_forces_in_a_cell_are_minus_the_derivative(crystal, position_derivative):
    potential = LennardJones(1.2, 0.95, 2.5)

    forces = potential.evaluate([crystal])[0].forces

    assert_allclose(forces, -position_derivative(potential, crystal), rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("cutoff", [None, IN_A_GAP])
def test_virial_of_a_cluster_is_minus_the_strain_derivative(cluster, cutoff, strain_derivative):
    potential = LennardJones(1.2, 0.95, cutoff)

    virial = potential.evaluate([cluster])[0].virial

    assert_allclose(virial, -strain_derivative(potential, cluster), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("system", ["crystal", "slab"])
def test_virial_of_a_cell_is_minus_the_strain_derivative(request, system, strain_derivative):
    s, potential = request.getfixturevalue(system), LennardJones(1.2, 0.95, 2.5)

    virial = potential.evaluate([s])[0].virial

    assert_allclose(virial, -strain_derivative(potential, s), rtol=1e-7, atol=1e-6)


# symmetries

systems = pytest.mark.parametrize(
    ("system", "cutoff"), [("cluster", None), ("cluster", 2.5), ("crystal", 2.5)]
)


@systems
def test_rotating_the_structure_rotates_the_answer(request, system, cutoff):
    s, potential, q = request.getfixturevalue(system), LennardJones(1, 1, cutoff), rotation(3)
    (before,) = potential.evaluate([s])
    (after,) = potential.evaluate([Structure(s.positions @ q, s.cell @ q, s.types)])

    assert after.energy == pytest.approx(before.energy)
    assert_allclose(after.forces, before.forces @ q, atol=1e-10)
    assert_allclose(after.virial, q.T @ before.virial @ q, atol=1e-10)


@systems
def test_translating_the_structure_changes_nothing(request, system, cutoff):
    s, potential = request.getfixturevalue(system), LennardJones(1, 1, cutoff)
    moved = Structure(s.positions + np.array([1.3, -20.0, 0.7]), s.cell, s.types)

    close(*potential.evaluate([s, moved]), atol=1e-10)


@systems
def test_permuting_the_atoms_permutes_the_forces(request, system, cutoff):
    s, potential = request.getfixturevalue(system), LennardJones(1, 1, cutoff)
    order = np.random.default_rng(4).permutation(len(s.positions))
    a, b = potential.evaluate([s, Structure(s.positions[order], s.cell, s.types[order])])

    assert b.energy == pytest.approx(a.energy)
    assert_allclose(b.forces, a.forces[order], atol=1e-10)


@systems
def test_the_net_force_is_zero(request, system, cutoff):
    (result,) = LennardJones(1, 1, cutoff).evaluate([request.getfixturevalue(system)])

    assert_allclose(result.forces.sum(axis=0), 0, atol=1e-11)


def test_moving_an_atom_by_a_lattice_vector_changes_nothing(crystal):
    positions = crystal.positions.copy()
    positions[5] += crystal.cell[0] - 2 * crystal.cell[2]

    close(
        *LennardJones(1, 1, 2.5).evaluate(
            [crystal, Structure(positions, crystal.cell, crystal.types)]
        )
    )


def test_the_energy_scales_with_epsilon_and_lengths_with_sigma(crystal):
    (reduced,) = LennardJones(1, 1, 2.5).evaluate([crystal])
    larger = Structure(3 * crystal.positions, 3 * crystal.cell, crystal.types)
    (result,) = LennardJones(0.5, 3, 7.5).evaluate([larger])

    assert result.energy == pytest.approx(0.5 * reduced.energy)
    assert_allclose(result.forces, 0.5 / 3 * reduced.forces, atol=1e-12)
    assert_allclose(result.virial, 0.5 * reduced.virial, atol=1e-12)


# the ways to go through the pairs agree


def test_blocks_of_rows_sum_to_the_same(structure, lattice, monkeypatch):
    s = structure(lattice(4))
    (whole,) = LennardJones(1, 1).evaluate([s])
    monkeypatch.setattr("ipi_mtd.potentials.all_pairs.BLOCK", 700)  # 10 rows, the last has 4

    close(*LennardJones(1, 1).evaluate([s]), whole)


def test_a_cutoff_beyond_the_cluster_gives_all_pairs(structure, lattice):
    s = structure(lattice(6))  # large enough for the neighbor list
    (near,) = LennardJones(1, 1, 20, shift=False).evaluate([s])

    close(near, *LennardJones(1, 1).evaluate([s]), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("shift", [True, False])
def test_a_small_cluster_needs_no_neighbor_list(cluster, shift, monkeypatch):
    (without_list,) = LennardJones(1, 1, IN_A_GAP, shift=shift).evaluate([cluster])
    monkeypatch.setattr("ipi_mtd.potentials.lennard_jones._FEW_ATOMS", 0)

    close(*LennardJones(1, 1, IN_A_GAP, shift=shift).evaluate([cluster]), without_list)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_atom_lost_in_the_far_distance_does_no_harm(structure, lattice, axis, monkeypatch):
    def refuse(*_):
        raise AssertionError("a million million pairs if there are a million atoms")

    monkeypatch.setattr(LennardJones, "_all_pairs", refuse)
    cluster = lattice(13)  # 2197 atoms
    far = np.zeros((1, 3))
    far[0, axis] = 1e6
    potential = LennardJones(1, 1, 2.5)
    (whole,) = potential.evaluate([structure(cluster)])
    (result,) = potential.evaluate([structure(np.vstack([cluster, far]))])

    assert result.energy == pytest.approx(whole.energy, rel=1e-12)
    assert_allclose(result.forces[:-1], whole.forces, atol=1e-9)
    assert_array_equal(result.forces[-1], np.zeros(3))


FAR_FROM_A_SLAB = """
import sys
import numpy as np
from ipi_mtd.potentials import LennardJones
from ipi_mtd.structures.structure import Structure

sheet = 1.1 * np.stack(np.meshgrid(*[np.arange(5)] * 2), axis=-1).reshape(-1, 2)
near = np.column_stack([sheet, np.zeros(len(sheet))])
cell = np.diag([5.5, 5.5, 0.0])
for z in map(float, sys.argv[1:]):
    positions = np.vstack([near, [[0.0, 0.0, z]]])
    structures = [Structure(R, cell, np.ones(len(R), np.int32)) for R in (near, positions)]
    without, with_far = LennardJones(1, 1, 2.5).evaluate(structures)
    assert abs(with_far.energy - without.energy) < 1e-12 * abs(without.energy)
    assert not with_far.forces[-1].any()
"""


@pytest.mark.server
def test_an_atom_that_has_left_a_slab_does_no_harm():
    # in a process of its own, which a division by zero would kill
    subprocess.run([sys.executable, "-c", FAR_FROM_A_SLAB, "50", "1e4", "1e6"], check=True)


def test_a_cell_smaller_than_the_cutoff_equals_its_replicas(crystal):
    images = np.stack(np.meshgrid(*[np.arange(2)] * 3), axis=-1).reshape(-1, 3) @ crystal.cell
    positions = (images[:, None] + crystal.positions).reshape(-1, 3)
    replicated = Structure(positions, 2 * crystal.cell, np.full(len(positions), 18, np.int32))
    a, b = LennardJones(1, 1, 3.4).evaluate([crystal, replicated])

    assert b.energy == pytest.approx(8 * a.energy)
    assert_allclose(b.forces, np.tile(a.forces, (8, 1)), atol=1e-10)
    assert_allclose(b.virial, 8 * a.virial, atol=1e-9)


def test_a_lone_atom_feels_its_own_images_but_no_force(structure):
    (result,) = LennardJones(1, 1, 1.5, shift=False).evaluate(
        [structure([0, 0, 0], np.eye(3) * 1.2)]
    )
    (bond,) = LennardJones(1, 1).evaluate([dimer(structure, 1.2)])

    assert result.energy == pytest.approx(3 * bond.energy)
    assert_allclose(result.forces, 0, atol=1e-13)
    assert_allclose(result.virial, np.eye(3) * bond.virial[0, 0], atol=1e-13)


def test_a_slab_is_periodic_in_two_directions(slab):
    vacuum = np.array([*slab.cell[:2], [0, 0, 50]])

    close(*LennardJones(1, 1, 2.5).evaluate([slab, Structure(slab.positions, vacuum, slab.types)]))


# the answer depends on the structure alone


@systems
def test_the_answer_does_not_depend_on_what_came_before(request, system, cutoff):
    s = request.getfixturevalue(system)
    steps = np.random.default_rng(5).normal(scale=0.02, size=(5, *s.positions.shape))
    others = [Structure(s.positions + step, 1.001 * s.cell, s.types) for step in steps]
    potential = LennardJones(1, 1, cutoff)
    *_, late = potential.evaluate([*others, s])
    (early,) = LennardJones(1, 1, cutoff).evaluate([s])

    same_bits(early, late)


def test_a_large_cluster_does_not_depend_on_what_came_before(structure, lattice):
    s, other = structure(lattice(7, seed=1)), structure(lattice(7, seed=2))
    potential = LennardJones(1, 1, 2.5)
    first, _, again = potential.evaluate([s, other, s])

    same_bits(first, again)


LARGE = {"in free space": np.zeros((3, 3)), "in a cell": 8.05 * SHEAR, "in a slab": 8.05 * PLANE}


@pytest.mark.parametrize("cell", LARGE.values(), ids=LARGE.keys())
def test_the_answer_does_not_depend_on_the_neighborhood(structure, lattice, cell):
    s = structure(lattice(7) @ SHEAR, cell)
    steps = np.random.default_rng(6).normal(scale=0.02, size=(4, *s.positions.shape))
    potential, used = LennardJones(1, 1, 2.5), Neighborhood()
    for step in steps:  # within the skin, and beyond it
        potential.evaluate([structure(s.positions + step, cell)], [used])
    potential.evaluate([structure(lattice(6, seed=3), cell)], [strangers := Neighborhood()])
    (fresh,) = potential.evaluate([s])

    for neighborhood in (used, strangers, Neighborhood()):
        same_bits(*potential.evaluate([s], [neighborhood]), fresh)


@systems
def test_the_answer_does_not_depend_on_the_batch(request, system, cutoff, structure, lattice):
    s = request.getfixturevalue(system)
    cell = s.cell if cutoff else None
    others = [structure(lattice(n, seed=n), cell) for n in (2, 6)]
    potential = LennardJones(1, 1, cutoff)
    _, together, _ = potential.evaluate([others[0], s, others[1]], [Neighborhood()] * 3)
    (alone,) = potential.evaluate([s])

    same_bits(together, alone)


def test_there_is_one_neighborhood_for_each_structure(cluster):
    with pytest.raises(ValueError, match="shorter"):
        LennardJones(1, 1, 2.5).evaluate([cluster, cluster], [Neighborhood()])


@systems
def test_the_answer_does_not_depend_on_the_layout_in_memory(request, system, cutoff):
    s, potential = request.getfixturevalue(system), LennardJones(1, 1, cutoff)
    shifted = np.empty(s.positions.size + 1)[1:].reshape(s.positions.shape)  # 8 bytes further on
    shifted[:] = s.positions
    columns = np.asfortranarray(s.positions)
    a, b, c = potential.evaluate(
        [s, Structure(shifted, s.cell, s.types), Structure(columns, s.cell, s.types)]
    )

    same_bits(a, b)
    same_bits(a, c)


@systems
def test_evaluating_leaves_the_structure_alone(request, system, cutoff):
    s = request.getfixturevalue(system)
    positions, cell = s.positions.copy(), s.cell.copy()
    LennardJones(1, 1, cutoff).evaluate([s])

    assert_array_equal(s.positions, positions)
    assert_array_equal(s.cell, cell)


def test_an_answer_is_not_changed_by_the_next_one(crystal, structure, lattice):
    potential = LennardJones(1, 1, 2.5)
    (first,) = potential.evaluate([crystal])
    forces = first.forces.copy()
    potential.evaluate([structure(lattice(3, seed=9), 3.45 * np.eye(3))])

    assert_array_equal(first.forces, forces)


# what cannot be


@pytest.mark.parametrize("cell", [None, 20 * np.eye(3)])
def test_atoms_at_the_same_place_have_an_infinite_energy(structure, cell):
    (result,) = LennardJones(1, 1, 2.5).evaluate([structure([[1, 1, 1], [1, 1, 1]], cell)])

    assert result.energy == np.inf
    assert not np.isfinite(result.forces).any()


@pytest.mark.parametrize("cell", [None, 20 * np.eye(3)])
@pytest.mark.parametrize("r", [1e-30, 1e-60, 1e-200])
def test_atoms_almost_at_the_same_place_raise_no_warning(structure, cell, r):
    (result,) = LennardJones(1, 1, 2.5).evaluate([structure([[0, 0, 0], [r, 0, 0]], cell)])

    assert result.energy == np.inf


def test_a_cell_without_volume_is_refused(structure, lattice):
    flat = 8.05 * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])

    with pytest.raises(UserError, match="the cell has no volume"):
        LennardJones(1, 1, 2.5).evaluate([structure(lattice(7), flat)])


def test_positions_that_are_not_numbers_give_no_number(structure):
    (result,) = LennardJones(1, 1).evaluate([dimer(structure, np.nan)])

    assert np.isnan(result.energy)


def test_a_periodic_cell_without_a_cutoff_is_refused(crystal):
    with pytest.raises(UserError, match="a periodic cell needs a `cutoff`"):
        LennardJones(1, 1).evaluate([crystal])


@pytest.mark.parametrize("sigma", [0, -1, np.nan])
def test_sigma_must_be_positive(sigma):
    with pytest.raises(UserError, match="`sigma` must be positive, got"):
        LennardJones(1, sigma)


@pytest.mark.parametrize("cutoff", [0, -1, np.nan])
def test_the_cutoff_must_be_positive(cutoff):
    with pytest.raises(UserError, match="`cutoff` must be positive, got"):
        LennardJones(1, 1, cutoff)


# ASE's implementation


def in_bohr(s):
    return Structure(ANGSTROM * s.positions, ANGSTROM * s.cell, s.types)


@pytest.mark.parametrize(("system", "cutoff"), [("cluster", IN_A_GAP), ("crystal", 2.9)])
def test_ase_agrees_on_the_shifted_potential(request, system, cutoff):
    s = in_bohr(request.getfixturevalue(system))
    (ours,) = LennardJones(0.3 * EV, 0.98 * ANGSTROM, cutoff * ANGSTROM).evaluate([s])
    (theirs,) = AsePotential(AseLennardJones(epsilon=0.3, sigma=0.98, rc=cutoff)).evaluate([s])

    close(ours, theirs, rtol=1e-10, atol=1e-11)


def test_ase_agrees_on_all_pairs_of_a_cluster(cluster):
    s = in_bohr(cluster)
    (ours,) = LennardJones(0.3 * EV, 0.98 * ANGSTROM).evaluate([s])
    (theirs,) = AsePotential(AseLennardJones(epsilon=0.3, sigma=0.98, rc=1e4)).evaluate([s])

    close(ours, theirs, rtol=1e-10, atol=1e-11)
