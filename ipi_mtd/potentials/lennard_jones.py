"""The Lennard-Jones potential, of a cluster or of a periodic cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.potentials.all_pairs import DistanceMatrix
from ipi_mtd.potentials.potential import Potential, with_neighborhoods
from ipi_mtd.structures.neighbors import Neighborhood, NeighborList
from ipi_mtd.structures.structure import Evaluation, Structure

_FEW_ATOMS = 150
"""An isolated cluster of up to this many atoms is done faster without a neighbor list."""


class LennardJones(Potential):
    """``4 epsilon ((sigma/r)^12 - (sigma/r)^6)`` summed over the pairs of atoms [1]_.

    The answer depends on the structure alone, to the last bit, and on nothing that was evaluated
    before. Atoms at the same place have an infinite energy and forces that are not a number.
    Memory is kept from a structure to the next, so two threads need two potentials.

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
        potential without a cutoff or has no volume, or if one of many atoms is absurdly far away.

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
        self._matrix = DistanceMatrix(0)
        if cutoff is not None and shift:
            self._energy_at_cutoff, _ = self._pair_terms(np.array([cutoff**2]))

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure; see :class:`.Potential`."""
        # infinities speak for themselves in the answer
        with np.errstate(all="ignore"):
            return [
                self._evaluate(structure, neighborhood)
                for structure, neighborhood in with_neighborhoods(structures, neighborhoods)
            ]

    def _evaluate(self, structure: Structure, neighborhood: Neighborhood | None) -> Evaluation:
        isolated = not np.count_nonzero(structure.cell)
        if self.cutoff is None:
            if not isolated:
                raise UserError("Lennard-Jones: a periodic cell needs a `cutoff`, and none is set")
            return self._all_pairs(structure.positions, np.inf)
        # nothing but the structure may decide which way it goes: the last bits differ
        if isolated and len(structure.positions) <= _FEW_ATOMS:
            return self._all_pairs(structure.positions, self.cutoff)
        return self._near_pairs(structure, self.cutoff, neighborhood)

    def _all_pairs(self, positions: FloatArray, cutoff: float) -> Evaluation:
        """An isolated cluster, over the matrix of its distances."""
        n_atoms = len(positions)
        if self._matrix.n_atoms != n_atoms:
            self._matrix = DistanceMatrix(n_atoms)
        forces = np.empty((n_atoms, 3))
        energy = 0.0
        for block in self._matrix.blocks(positions):
            if cutoff < np.inf:
                beyond = block.r2 >= cutoff**2
                block.r2[beyond] = np.inf
                energy -= np.count_nonzero(~beyond) * self._energy_at_cutoff
            block_energy, f_over_r = self._pair_terms(block.r2, *block.work)
            energy += block_energy
            np.einsum("kij,ij->ik", block.r_ij, f_over_r, out=forces[block.rows])
        # in a cluster the sum over pairs of r_ij f_ij is the sum over atoms of r_i f_i
        return Evaluation(0.5 * energy, forces, self._matrix.x @ forces)

    def _near_pairs(
        self, structure: Structure, cutoff: float, neighborhood: Neighborhood | None
    ) -> Evaluation:
        """The pairs within the cutoff, images included, in time linear in the atoms."""
        if neighborhood is None:
            neighbors = NeighborList(cutoff, full_list=False, skin=0.0)
        else:
            key = ("Lennard-Jones", cutoff)
            neighbors = neighborhood.list_of(key, cutoff, full_list=False)
        n_atoms = len(structure.positions)
        pairs, r_ij = neighbors.compute(structure.positions, structure.cell)
        first, second = pairs[:, :2].astype(np.intp).T
        energy, f_over_r = self._pair_terms(np.einsum("ij,ij->i", r_ij, r_ij))
        forces = np.empty((n_atoms, 3))
        virial = np.empty((3, 3))
        for k in range(3):
            f = f_over_r * r_ij[:, k]  # (n_pairs,), on the second atom of each pair
            forces[:, k] = np.bincount(second, f, n_atoms) - np.bincount(first, f, n_atoms)
            virial[k] = f @ r_ij
        return Evaluation(energy - len(pairs) * self._energy_at_cutoff, forces, virial)

    def _pair_terms(
        self, r2: FloatArray, s: FloatArray | None = None, f_over_r: FloatArray | None = None
    ) -> tuple[float, FloatArray]:
        """The summed energy of pairs, and each force over r.

        Parameters
        ----------
        r2 : any array, bohr^2
            The squared distances; overwritten, as fewer arrays stay in the fastest cache.
        s, f_over_r : arrays of that shape, optional
            Memory to work in; the second one is returned.
        """
        inverse = np.divide(self.sigma**2, r2, out=r2)
        s = np.multiply(inverse, inverse, out=s)
        s *= inverse  # (sigma/r)^6
        f_over_r = np.subtract(s, 1.0, out=f_over_r)
        energy = 4.0 * self.epsilon * float(np.vdot(s, f_over_r))
        f_over_r += s
        f_over_r *= s
        f_over_r *= inverse
        f_over_r *= 24.0 * self.epsilon / self.sigma**2
        return energy, f_over_r
