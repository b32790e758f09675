"""Is what i-PI sends one trajectory?

Nothing in the protocol says so. The beads of a ring polymer, several systems, or displaced
structures reach one driver as one stream of positions, and each would move the step clock. But in
one trajectory the atoms go on in the direction they went: from step to step the displacements are
nearly parallel. Where the structures of several trajectories alternate, each displacement undoes
part of the one before.
"""

from __future__ import annotations

import numpy as np

from ipi_mtd.arrays import FloatArray, coincide
from ipi_mtd.errors import UserError
from ipi_mtd.structures.images import ISOLATED, displacements

N_STEPS = 24
"""How many steps are looked at, once, at the beginning."""

LIMIT = -0.35
"""Of the median cosine. It is 1 in molecular dynamics, 0 in Brownian motion, and -0.5 or less
between structures that come from two or more trajectories in turn."""


class OneTrajectory:
    """Looks at the first steps after a driver has connected."""

    def __init__(self) -> None:
        self._structures: list[FloatArray] = []
        self._is_sure = False

    def follow(self, positions: FloatArray, cell: FloatArray = ISOLATED) -> None:
        """Look at the next structure.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr
        cell : (3, 3) array, bohr
            Jumps by its vectors are none.

        Raises
        ------
        UserError
            If the structures so far go back and forth.
        """
        if self._is_sure:
            return
        if self._structures:
            last = self._structures[-1]
            positions = last + displacements(positions, last, cell)
            if coincide(positions, last):
                return  # asked again
        self._structures.append(positions)
        if len(self._structures) == N_STEPS + 2:
            if _median_cosine(self._structures) < LIMIT:
                raise UserError(
                    "i-PI sends structures that go back and forth instead of one trajectory: "
                    "several beads or systems, or displaced structures; for a ring polymer put "
                    'the bias under <ensemble><bias> with nbeads="1", and give each system its '
                    "own driver"
                )
            self._is_sure = True
            self._structures.clear()


def _median_cosine(structures: list[FloatArray]) -> float:
    """Of the angle between each displacement and the next one."""
    R = np.reshape(structures, (len(structures), -1))
    steps = np.diff(R, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    return float(np.median(np.einsum("ij,ij->i", steps[1:], steps[:-1])))
