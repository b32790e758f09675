"""The Lennard-Jones potential, of a cluster or of a periodic cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.structures.structure import Evaluation, Structure

if TYPE_CHECKING:
    import vesin

# Rows of the distance matrix are treated together until they hold this many numbers: the work
# arrays then stay in the cache, and the memory does not grow with the square of the atoms.
_BLOCK = 2**14

# An isolated cluster of up to this many atoms is done faster without a neighbor list.
_FEW_ATOMS = 150


class LennardJones:
    """``4 epsilon ((sigma/r)^12 - (sigma/r)^6)`` summed over the pairs of atoms [1]_.

    The answer depends on the structure alone, to the last bit, and on nothing that was evaluated
    before. Atoms at the same place have an infinite energy and forces that are not a number.

    Parameters
    ----------
    epsilon : float, hartree
        The depth of the well.
    sigma : float, bohr
        The distance where the energy crosses zero.
    cutoff : float, bohr, optional
        Pairs at this distance and beyond do not interact. Without it all pairs do, which a
        periodic cell does not allow. A cell may be smaller than the cutoff: atoms then interact
        with several images of each other, and with their own.
    shift : bool, optional
        By default the energy of each pair is shifted to be zero at the cutoff, so that the energy
        is continuous (the forces still jump there). ``False`` truncates it only, as LAMMPS's
        ``lj/cut`` does. Forces and virial are the same either way.

    Raises
    ------
    UserError
        If `sigma` or `cutoff` is not positive; on evaluation, if a periodic cell meets a
        potential without a cutoff.

    References
    ----------
    .. [1] M. P. Allen and D. J. Tildesley, Computer Simulation of Liquids, 2nd ed. (2017),
       https://doi.org/10.1093/oso/9780198803195.001.0001
    """

    def __init__(
        self, epsilon: float, sigma: float, cutoff: float | None = None, *, shift: bool = True
    ) -> None:
        if not sigma > 0:
            raise UserError(f"Lennard-Jones: `sigma` must be positive, got {sigma}")
        if cutoff is not None and not cutoff > 0:
            raise UserError(f"Lennard-Jones: `cutoff` must be positive, got {cutoff}")
        self.epsilon = epsilon
        self.sigma = sigma
        self.cutoff = cutoff
        self.shift = shift
        self._energy_at_cutoff = 0.0
        if cutoff is not None and shift:
            self._energy_at_cutoff, _ = self._pair_terms(np.array([cutoff**2]))

    def evaluate(
        self, structures: Sequence[Structure], neighborhoods: object = None
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure."""
        # infinities speak for themselves in the answer
        with np.errstate(all="ignore"):
            return [self._evaluate(structure) for structure in structures]

    def _evaluate(self, structure: Structure) -> Evaluation:
        positions, cell = structure.positions, structure.cell
        isolated = not np.count_nonzero(cell)
        if self.cutoff is None and not isolated:
            raise UserError("Lennard-Jones: a periodic cell needs a `cutoff`, and none is set")
        if self.cutoff is None or (isolated and _better_without_list(positions, self.cutoff)):
            return self._all_pairs(positions)
        return self._near_pairs(positions, cell)

    def _all_pairs(self, positions: FloatArray) -> Evaluation:
        """An isolated cluster, in blocks of rows of its matrix of distances.

        Each pair is met twice, which is cheaper than picking out one triangle of the matrix.
        """
        n_atoms = len(positions)
        x = np.ascontiguousarray(positions.T)  # (3, n_atoms)
        forces = np.empty((n_atoms, 3))
        energy = 0.0
        n_rows = max(1, _BLOCK // max(1, n_atoms))
        for start in range(0, n_atoms, n_rows):
            rows = slice(start, start + n_rows)
            r_ij = x[:, rows, None] - x[:, None, :]  # (3, n_rows, n_atoms)
            r2 = np.einsum("kij,kij->ij", r_ij, r_ij)
            r2.reshape(-1)[start :: n_atoms + 1] = np.inf  # an atom does not feel itself
            if self.cutoff is not None:
                r2[r2 >= self.cutoff**2] = np.inf
                energy -= np.count_nonzero(r2 < np.inf) * self._energy_at_cutoff
            block_energy, f_over_r = self._pair_terms(r2)
            energy += block_energy
            np.einsum("kij,ij->ik", r_ij, f_over_r, out=forces[rows])
        # in a cluster the sum over pairs of r_ij f_ij is the sum over atoms of r_i f_i
        return Evaluation(0.5 * energy, forces, x @ forces)

    def _near_pairs(self, positions: FloatArray, cell: FloatArray) -> Evaluation:
        """The pairs within the cutoff, images included, in time linear in the atoms."""
        n_atoms = len(positions)
        pairs, r_ij = self._neighbors.compute(
            positions, cell, cell.any(axis=1), "PD", copy=False
        )  # (n_pairs, 2) and (n_pairs, 3), from the first to the second atom
        first, second = pairs[:, 0].astype(np.intp), pairs[:, 1].astype(np.intp)
        energy, f_over_r = self._pair_terms(np.einsum("ij,ij->i", r_ij, r_ij))
        forces = np.empty((n_atoms, 3))
        virial = np.empty((3, 3))
        for k in range(3):
            f = f_over_r * r_ij[:, k]  # (n_pairs,), on the second atom of each pair
            forces[:, k] = np.bincount(second, f, n_atoms) - np.bincount(first, f, n_atoms)
            virial[k] = f @ r_ij
        return Evaluation(energy - len(pairs) * self._energy_at_cutoff, forces, virial)

    @cached_property
    def _neighbors(self) -> vesin.NeighborList:
        """Finds each pair within the cutoff once; kept, because it then reuses its memory.

        A skin would make it three times faster on similar structures, but the order of the pairs,
        hence the last bits of the sums, would then depend on what was evaluated before.
        """
        import vesin  # here, because it takes a second: it imports torch

        return vesin.NeighborList(cutoff=self.cutoff, full_list=False, n_threads=1)

    def _pair_terms(self, r2: FloatArray) -> tuple[float, FloatArray]:
        """The summed energy of pairs at the squared distances `r2`, and each force over r.

        `r2` is overwritten: fewer arrays stay in the fastest cache.
        """
        inverse = np.divide(self.sigma**2, r2, out=r2)
        s = inverse * inverse
        s *= inverse  # (sigma/r)^6
        f_over_r = s - 1.0
        energy = 4.0 * self.epsilon * float(np.vdot(s, f_over_r))
        f_over_r += s
        f_over_r *= s
        f_over_r *= inverse
        f_over_r *= 24.0 * self.epsilon / self.sigma**2
        return energy, f_over_r


def _better_without_list(positions: FloatArray, cutoff: float) -> bool:
    """Whether an isolated cluster is better done over all pairs than with a neighbor list.

    Small ones are, for speed. So is one that has lost an atom to the far distance: vesin covers
    the box around the atoms with at most 10^5 cells, and divides by zero (killing the process)
    when the box is so long that this leaves less than one cell across it.
    """
    if len(positions) <= _FEW_ATOMS:
        return True
    n_cells = np.maximum(np.ptp(positions, axis=0) / cutoff, 1.0)
    shrinking = min(1.0, (1e5 / n_cells.prod()) ** (1 / 3))
    return bool(shrinking < 1.0 and n_cells.min() * shrinking < 4.0)
