"""Make ``octahedron.xyz`` and ``icosahedron.xyz``: ``python -m lj38.structures``.

LJ38 is the smallest Lennard-Jones cluster whose best structure is not icosahedral. Its global
minimum is a truncated octahedron cut from the fcc lattice; at the bottom of a much wider funnel
lies an incomplete Mackay icosahedron, 0.676 epsilon higher. Hardly any trajectory finds its way
from one funnel to the other, which is what makes the cluster a test for enhanced sampling [1]_.

Everything here is in reduced units (epsilon = sigma = 1) until the files are written.

References
----------
.. [1] J. P. K. Doye, M. A. Miller and D. J. Wales, "The double-funnel energy landscape of the
   38-atom Lennard-Jones cluster", J. Chem. Phys. 110, 6896 (1999), doi:10.1063/1.478595
"""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import ase.io
import numpy as np
import numpy.typing as npt
from ase import Atoms
from scipy.optimize import minimize

from lj38 import SIGMA_ANGSTROM, SYMBOL

HERE = Path(__file__).parent
N_ATOMS = 38

FloatArray = npt.NDArray[np.float64]


def lennard_jones(positions: FloatArray) -> tuple[float, FloatArray]:
    """Energy of a free Lennard-Jones cluster, every pair counted, and its gradient.

    Parameters
    ----------
    positions : (n_atoms, 3) array, sigma

    Returns
    -------
    energy : float, epsilon
    gradient : (n_atoms, 3) array, epsilon/sigma
    """
    r_ij = positions[:, None] - positions  # (n_atoms, n_atoms, 3)
    r2 = np.sum(r_ij**2, axis=-1)
    np.fill_diagonal(r2, np.inf)  # no atom interacts with itself
    r6 = r2**-3
    energy = 2 * np.sum(r6 * (r6 - 1))  # 4 epsilon, each pair seen twice
    gradient = np.einsum("ij,ijx->ix", -24 * r6 * (2 * r6 - 1) / r2, r_ij)
    return float(energy), gradient


def relax(positions: FloatArray) -> FloatArray:
    """Minimize the energy with L-BFGS and put the center of mass at the origin.

    Parameters
    ----------
    positions : (n_atoms, 3) array, sigma

    Returns
    -------
    positions : (n_atoms, 3) array, sigma
    """

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        energy, gradient = lennard_jones(flat.reshape(-1, 3))
        return energy, gradient.ravel()

    # ftol=0: near a minimum the energy stops changing long before the gradient vanishes.
    tight = {"ftol": 0.0, "gtol": 1e-10, "maxiter": 5000, "maxcor": 50}
    found = minimize(objective, positions.ravel(), jac=True, method="L-BFGS-B", options=tight)
    relaxed = found.x.reshape(-1, 3)
    return relaxed - relaxed.mean(axis=0)


def truncated_octahedron() -> FloatArray:
    """The global minimum, of O_h symmetry: the 38 fcc sites nearest to an octahedral hole.

    Returns
    -------
    positions : (38, 3) array, sigma
    """
    # Around an octahedral hole the fcc sites are the integer points of odd x + y + z, in units
    # of half the lattice constant: 6 of the kind (1,0,0), 8 (1,1,1) and 24 (2,1,0).
    points = np.array(list(product(range(-2, 3), repeat=3)), dtype=float)
    sites = points[(points.sum(axis=1) % 2 == 1) & (np.sum(points**2, axis=1) < 5.5)]
    return relax(sites * 2 ** (1 / 6) / np.sqrt(2))


def mackay_icosahedron() -> FloatArray:
    """The sites of the 55-atom Mackay icosahedron, not relaxed, a five-fold axis along z.

    Returns
    -------
    positions : (55, 3) array, sigma
    """
    azimuth = 2 * np.pi / 5 * np.arange(5)
    ring = np.stack([2 * np.cos(azimuth), 2 * np.sin(azimuth), np.ones(5)], axis=1) / np.sqrt(5)
    half = np.vstack([[0.0, 0.0, 1.0], ring])
    inner = 2 ** (1 / 6) * np.vstack([half, -half])  # (12, 3), the vertices of the inner shell

    # The outer shell is twice as large, with an atom in the middle of each of its 30 edges.
    edges = [(a, b) for a, b in combinations(inner, 2) if np.linalg.norm(a - b) < 1.5]
    middles = np.array([a + b for a, b in edges])
    return np.vstack([np.zeros(3), inner, 2 * inner, middles])


def incomplete_icosahedron() -> FloatArray:
    """The best icosahedral minimum, of C_5v symmetry: a Mackay icosahedron less a cap.

    Of the 55 sites, the 17 highest along a five-fold axis go. No other removal of whole rings
    around that axis relaxes to a lower minimum; all 640 were tried.

    Returns
    -------
    positions : (38, 3) array, sigma
    """
    sites = mackay_icosahedron()
    cap = np.argsort(sites[:, 2])[N_ATOMS:]
    return relax(np.delete(sites, cap, axis=0))


def write(path: Path, positions: FloatArray) -> None:
    """Write a structure as extended XYZ, without a cell.

    Parameters
    ----------
    path : Path
    positions : (n_atoms, 3) array, sigma
        Written in angstrom.
    """
    atoms = Atoms([SYMBOL] * len(positions), SIGMA_ANGSTROM * positions)
    # ASE's "extxyz" has 8 decimals, its "xyz" as many as we want; the comment makes it extended.
    comment = 'Properties=species:S:1:pos:R:3 pbc="F F F"'
    ase.io.write(path, atoms, format="xyz", fmt="%20.15f", comment=comment)


def main(directory: Path = HERE) -> None:
    """Write both structures into a directory, by default the one of this module."""
    write(directory / "octahedron.xyz", truncated_octahedron())
    write(directory / "icosahedron.xyz", incomplete_icosahedron())


if __name__ == "__main__":
    main()
