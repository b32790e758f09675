"""Neighbor lists: the pairs, their order, and what a structure gone wrong may not do."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import vesin
from scipy.spatial import KDTree

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.structures.neighbors import NeighborList

CUTOFF = 3.0
TRICLINIC = np.array([[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.5, 3.0, 10.0]])
CELLS = {
    "isolated": np.zeros((3, 3)),
    "triclinic": TRICLINIC,
    "slab": np.diag([9.0, 8.0, 0.0]),
    "slab with the gap first": np.diag([0.0, 9.0, 8.0]),
    "slanted slab": np.array([[6.0, 0.0, 5.0], [0.0, 8.0, 4.0], [0.0, 0.0, 0.0]]),
    "wire": np.diag([0.0, 0.0, 7.0]),
    "slanted wire": np.array([[0.0, 0.0, 0.0], [4.0, 3.0, 5.0], [0.0, 0.0, 0.0]]),
    "smaller than the cutoff": np.array([[2.0, 0.0, 0.0], [0.5, 2.5, 0.0], [0.3, 0.2, 1.5]]),
}

each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
half_and_full = pytest.mark.parametrize("full_list", [False, True], ids=["half", "full"])


def atoms_in(seed: int, n_atoms: int = 25) -> FloatArray:
    """Positions in a box of 10 by 10 by 10, some outside of the cells."""
    return np.random.default_rng(seed).uniform(-2.0, 8.0, (n_atoms, 3))


def by_label(pairs: np.ndarray, vectors: FloatArray) -> dict[tuple[int, ...], FloatArray]:
    labeled = dict(zip(map(tuple, pairs.tolist()), vectors, strict=True))
    assert len(labeled) == len(pairs)
    return labeled


def same_pairs(
    ours: dict[tuple[int, ...], FloatArray], theirs: dict[tuple[int, ...], FloatArray]
) -> bool:
    return ours.keys() == theirs.keys() and all(
        np.allclose(ours[label], theirs[label], rtol=0, atol=1e-12) for label in ours
    )


def all_images(
    positions: FloatArray, cell: FloatArray, n_images: int
) -> dict[tuple[int, ...], FloatArray]:
    """The full list, by looking at every image of every atom."""
    ranges = [range(-n_images, n_images + 1) if row.any() else [0] for row in cell]
    shifts = np.array(list(product(*ranges)))
    r_ij = positions[None, :, None] - positions[:, None, None] + shifts @ cell
    near = np.linalg.norm(r_ij, axis=-1) < CUTOFF
    near[np.arange(len(positions)), np.arange(len(positions)), len(shifts) // 2] = False
    return {
        (int(i), int(j), *map(int, shifts[s])): r_ij[i, j, s]
        for i, j, s in zip(*near.nonzero(), strict=True)
    }


@each_cell
@half_and_full
def test_the_pairs_are_those_of_vesin(cell, full_list):
    positions = atoms_in(1)

    ours = by_label(*NeighborList(CUTOFF, full_list=full_list).compute(positions, cell))

    theirs = vesin.NeighborList(cutoff=CUTOFF, full_list=full_list, n_threads=1)
    pairs, shifts, vectors = theirs.compute(positions, cell, cell.any(axis=1), "PSD")
    labels = np.column_stack([pairs, shifts]).astype(int)
    assert len(labels) > 20
    assert same_pairs(ours, by_label(labels, vectors))


@each_cell
def test_the_full_list_is_every_image_within_the_cutoff(cell):
    positions = atoms_in(2, n_atoms=8)

    ours = by_label(*NeighborList(CUTOFF, full_list=True).compute(positions, cell))

    # The images of the small cell reach over 12 of it, those of the others not over 6.
    assert same_pairs(ours, all_images(positions, cell, n_images=14))


@each_cell
def test_a_full_list_is_the_half_list_and_its_mirror_image(cell):
    positions = atoms_in(3)

    half = by_label(*NeighborList(CUTOFF, full_list=False).compute(positions, cell))
    full = by_label(*NeighborList(CUTOFF, full_list=True).compute(positions, cell))

    mirrored = {(j, i, -a, -b, -c): -vector for (i, j, a, b, c), vector in half.items()}
    assert not half.keys() & mirrored.keys()
    assert same_pairs(full, half | mirrored)


@each_cell
@half_and_full
def test_what_was_computed_before_changes_no_bit(cell, full_list):
    rng = np.random.default_rng(4)
    target = atoms_in(5)
    histories = [NeighborList(CUTOFF, full_list=full_list, skin=0.5) for _ in range(20)]

    answers = []
    for history in histories:
        history.compute(target + rng.uniform(-0.14, 0.14, target.shape), cell)
        answers.append([array.tobytes() for array in history.compute(target, cell)])

    fresh = NeighborList(CUTOFF, full_list=full_list, skin=0.5).compute(target, cell)
    assert all(answer == [array.tobytes() for array in fresh] for answer in answers)


@each_cell
def test_neither_does_the_skin(cell):
    positions = atoms_in(6)

    answers = {
        tuple(
            array.tobytes()
            for array in NeighborList(CUTOFF, full_list=False, skin=skin).compute(positions, cell)
        )
        for skin in (0.0, 0.1, 1.0, 2.0)
    }

    assert len(answers) == 1


@each_cell
def test_a_drifting_structure_never_misses_a_pair(cell):
    rng = np.random.default_rng(7)
    kept = NeighborList(CUTOFF, full_list=False)
    positions = atoms_in(8, n_atoms=10)

    for _ in range(50):
        positions = positions + rng.normal(scale=0.03, size=positions.shape)
        fresh = NeighborList(CUTOFF, full_list=False)
        assert same_pairs(
            by_label(*kept.compute(positions, cell)), by_label(*fresh.compute(positions, cell))
        )


def test_a_changed_cell_asks_for_new_pairs():
    neighbors = NeighborList(CUTOFF, full_list=False)
    neighbors.compute(atoms_in(9), TRICLINIC)

    ours = by_label(*neighbors.compute(atoms_in(9), 0.9 * TRICLINIC))

    fresh = NeighborList(CUTOFF, full_list=False).compute(atoms_in(9), 0.9 * TRICLINIC)
    assert same_pairs(ours, by_label(*fresh))


def test_a_pair_at_the_cutoff_is_none():
    neighbors = NeighborList(CUTOFF, full_list=False)

    at, _ = neighbors.compute(np.array([[0.0, 0, 0], [CUTOFF, 0, 0]]), np.zeros((3, 3)))
    closer = math.nextafter(CUTOFF, 0.0)
    within, _ = neighbors.compute(np.array([[0.0, 0, 0], [closer, 0, 0]]), np.zeros((3, 3)))

    assert (len(at), len(within)) == (0, 1)


@each_cell
def test_no_atoms_have_no_pairs(cell):
    pairs, vectors = NeighborList(CUTOFF, full_list=True).compute(np.zeros((0, 3)), cell)

    assert (pairs.shape, vectors.shape) == ((0, 5), (0, 3))
    assert (pairs.dtype, vectors.dtype) == (np.int32, np.float64)


def test_a_single_atom_has_its_images_as_neighbors():
    atom = np.array([[0.3, 0.2, 0.1]])

    isolated, _ = NeighborList(CUTOFF, full_list=True).compute(atom, np.zeros((3, 3)))
    half, _ = NeighborList(CUTOFF, full_list=False).compute(atom, 2.5 * np.eye(3))
    full, vectors = NeighborList(CUTOFF, full_list=True).compute(atom, 2.5 * np.eye(3))

    assert (len(isolated), len(half), len(full)) == (0, 3, 6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(2.5, abs=1e-15)


def test_two_atoms_at_the_same_place_are_a_pair():
    pairs, vectors = NeighborList(CUTOFF, full_list=False).compute(
        np.ones((2, 3)), np.zeros((3, 3))
    )

    assert pairs.tolist() == [[0, 1, 0, 0, 0]]
    assert vectors.tolist() == [[0.0, 0.0, 0.0]]


# vesin alone divides by zero at 10^5 cutoffs, which kills the process.
@pytest.mark.parametrize("cell", [CELLS["isolated"], CELLS["slab"], CELLS["wire"]])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("distance", [1e2, 1e4, 1e5, 1e6, 2e7])
def test_an_atom_that_has_evaporated_leaves_the_others_alone(cell, sign, distance):
    positions = atoms_in(10)
    gone = positions.copy()
    gone[7, ~cell.any(axis=1)] = sign * distance

    ours = by_label(*NeighborList(CUTOFF, full_list=True).compute(gone, cell))

    stayed = by_label(*NeighborList(CUTOFF, full_list=True).compute(positions, cell))
    without = {label: vector for label, vector in stayed.items() if 7 not in label[:2]}
    assert same_pairs({k: v for k, v in ours.items() if 7 not in k[:2]}, without)
    assert not any(7 in label[:2] and label[0] != label[1] for label in ours)


def test_a_pair_that_has_evaporated_is_still_a_pair():
    positions = np.vstack([atoms_in(11), [[1e6, 0.0, 0.0], [1e6, 1.0, 0.0]]])

    pairs, _ = NeighborList(CUTOFF, full_list=False).compute(positions, np.zeros((3, 3)))

    assert pairs[-1].tolist() == [25, 26, 0, 0, 0]


def test_atoms_of_a_wide_and_flat_gas_are_found():
    # 2600 by 2600 by 1 cutoffs, too many cells and too few across for vesin
    rng = np.random.default_rng(12)
    positions = rng.uniform(size=(1500, 3)) * [8000.0, 8000.0, 1.0]
    positions[1::2] = positions[::2] + rng.uniform(-1, 1, (750, 3))

    pairs, _ = NeighborList(CUTOFF, full_list=False).compute(positions, np.zeros((3, 3)))

    assert len(pairs) >= 750
    assert set(map(tuple, pairs[:, :2].tolist())) == KDTree(positions).query_pairs(CUTOFF)


def test_a_very_long_cell_has_its_pairs():
    cell = np.diag([1e7, 7.0, 7.0])

    pairs, _ = NeighborList(CUTOFF, full_list=True).compute(
        np.array([[1.0, 0, 0], [1e7 - 1.0, 0, 0]]), cell
    )

    assert pairs.tolist() == [[0, 1, -1, 0, 0], [1, 0, 1, 0, 0]]


def test_atoms_may_have_left_the_cell_by_many_images():
    positions = atoms_in(13)
    images = np.random.default_rng(14).integers(-100_000, 100_000, positions.shape)

    near = by_label(*NeighborList(CUTOFF, full_list=True).compute(positions, TRICLINIC))
    far = by_label(
        *NeighborList(CUTOFF, full_list=True).compute(positions + images @ TRICLINIC, TRICLINIC)
    )

    moved = {
        (i, j, *(np.array(shift) + images[i] - images[j]).tolist()): vector
        for (i, j, *shift), vector in near.items()
    }
    assert moved.keys() == far.keys()
    assert all(np.allclose(moved[k], far[k], rtol=0, atol=1e-8) for k in far)


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e300])
@pytest.mark.parametrize("cell", [CELLS["isolated"], CELLS["triclinic"], CELLS["slab"]])
def test_a_position_that_is_no_number_is_an_error(bad, cell):
    neighbors = NeighborList(CUTOFF, full_list=False)
    positions = atoms_in(15)
    neighbors.compute(positions, cell)
    broken = positions.copy()
    broken[3, 1] = bad

    with pytest.raises(UserError, match="the simulation has blown up"):
        neighbors.compute(broken, cell)
    with pytest.raises(UserError, match="the simulation has blown up"):
        neighbors.compute(broken, cell)

    pairs, _ = neighbors.compute(positions, cell)
    fresh, _ = NeighborList(CUTOFF, full_list=False).compute(positions, cell)
    assert pairs.tobytes() == fresh.tobytes()


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_cell_that_is_no_number_is_an_error(bad):
    cell = TRICLINIC.copy()
    cell[1, 1] = bad

    with pytest.raises(UserError, match="the simulation has blown up"):
        NeighborList(CUTOFF, full_list=False).compute(atoms_in(16), cell)


@pytest.mark.parametrize(
    "cell",
    [
        np.array([[9.0, 0, 0], [18.0, 0, 0], [0, 0, 9.0]]),
        np.array([[9.0, 0, 0], [9.0, 1e-9, 0], [0, 0, 9.0]]),
        np.array([[9.0, 0, 0], [-9.0, 0, 0], [0, 0, 0.0]]),
        np.diag([9.0, 9.0, 1e-7]),
    ],
    ids=["parallel", "nearly parallel", "parallel in a slab", "flat"],
)
def test_a_cell_without_volume_is_an_error(cell):
    with pytest.raises(UserError, match="the cell has no volume"):
        NeighborList(CUTOFF, full_list=False).compute(atoms_in(17), cell)


def test_the_pairs_grow_in_proportion_to_the_atoms():
    def count(n):
        points = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        shaken = 1.15 * points + 0.05 * np.random.default_rng(0).normal(size=points.shape)
        pairs, _ = NeighborList(2.0, full_list=False).compute(shaken, 1.15 * n * np.eye(3))
        return len(pairs) / n**3

    assert count(16) == pytest.approx(count(8), rel=0.02)
