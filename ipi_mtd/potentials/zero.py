"""No physical forces at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipi_mtd.potentials.potential import Potential
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure


class NoPotential(Potential):
    """Zero energy, forces and virial.

    For a driver that adds the bias alone, when the physical forces reach i-PI from elsewhere.
    """

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,  # noqa: ARG002
    ) -> list[Evaluation]:
        """Zeros for each structure."""
        return [
            Evaluation(0.0, np.zeros((len(structure.positions), 3)), np.zeros((3, 3)))
            for structure in structures
        ]
