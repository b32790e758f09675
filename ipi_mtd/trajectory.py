"""Is what i-PI sends one trajectory?

Nothing in the protocol says so. The beads of a ring polymer, several systems, or displaced
structures reach one driver as one stream of positions, and each would move the step clock. But in
one trajectory the atoms go on in the direction they went: from step to step the displacements are
nearly parallel. Where the structures of several trajectories alternate, each displacement undoes
part of the one before.
"""

from __future__ import annotations

import statistics

import numpy as np

from ipi_mtd.errors import UserError
from ipi_mtd.structure import FloatArray

N_STEPS = 24
"""How many steps are looked at, once, at the beginning."""

LIMIT = -0.35
"""Of the median cosine. It is 1 in molecular dynamics, 0 in Brownian motion, and -0.5 or less
between structures that come from two or more trajectories in turn."""


class OneTrajectory:
    """Looks at the first steps of a session."""

    def __init__(self) -> None:
        self._last: FloatArray | None = None
        self._displacement: FloatArray | None = None
        self._cosines: list[float] = []

    def follow(self, positions: FloatArray) -> None:
        """Look at the next structure.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr

        Raises
        ------
        UserError
            If the structures so far go back and forth.
        """
        if len(self._cosines) == N_STEPS:
            return
        if self._last is not None:
            displacement = positions - self._last
            if not displacement.any():
                return  # asked again
            if self._displacement is not None:
                self._cosines.append(_cosine(self._displacement, displacement))
            self._displacement = displacement
        self._last = positions
        if len(self._cosines) == N_STEPS and statistics.median(self._cosines) < LIMIT:
            raise UserError(
                "i-PI sends structures that go back and forth instead of one trajectory: several "
                "beads or systems, or displaced structures; for a ring polymer put the bias under "
                '<ensemble><bias> with nbeads="1", and give each system its own driver'
            )


def _cosine(one: FloatArray, other: FloatArray) -> float:
    return float(np.vdot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))
