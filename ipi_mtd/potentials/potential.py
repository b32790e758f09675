"""What a source of physical forces looks like from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ipi_mtd.structures.structure import Evaluation, Structure


class Potential(Protocol):
    """Anything with this method can drive the atoms."""

    def evaluate(
        self, structures: Sequence[Structure], neighborhoods: object = None
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure, in the order of the structures."""
        ...
