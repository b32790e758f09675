"""No physical forces at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipi_mtd.structures.structure import Evaluation, Structure


class NoPotential:
    """Zero energy, forces and virial.

    For a driver that adds the bias alone, when the physical forces reach i-PI from elsewhere.
    """

    def evaluate(
        self, structures: Sequence[Structure], neighborhoods: object = None
    ) -> list[Evaluation]:
        """Zeros for each structure."""
        return [
            Evaluation(0.0, np.zeros((len(structure.positions), 3)), np.zeros((3, 3)))
            for structure in structures
        ]
