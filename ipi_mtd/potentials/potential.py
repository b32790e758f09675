"""What a source of physical forces looks like from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure


class Potential(Protocol):
    """Anything with these methods can drive the atoms; who inherits has the second one."""

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,
    ) -> list[Evaluation]:
        """Energy, forces and virial of each structure, in the order of the structures.

        What comes out for a structure depends neither on the others nor on the neighborhood.

        Parameters
        ----------
        structures : any number of them, which need not have the same atoms
        neighborhoods : for each structure the neighbor lists of its trajectory
            They are kept from a structure to the next, which saves time; without them, lists are
            made for each structure anew.

        Returns
        -------
        list of Evaluation
            Energies in hartree, forces in hartree/bohr, virials in hartree.

        Raises
        ------
        UserError
            If the potential cannot tell the forces of a structure.
        ValueError
            If there is not one neighborhood for each structure.
        """
        ...

    def missing_virial(self, structure: Structure) -> str | None:  # noqa: ARG002
        """Why the virial that is told for a structure is zero without being so; None if it is not.

        Parameters
        ----------
        structure : that of a run, of which the periodic directions do not change
        """
        return None


def with_neighborhoods(
    structures: Sequence[Structure], neighborhoods: Sequence[Neighborhood] | None
) -> Iterator[tuple[Structure, Neighborhood | None]]:
    """Each structure with its neighborhood.

    Raises
    ------
    ValueError
        If there is not one neighborhood for each structure.
    """
    return zip(
        structures,
        [None] * len(structures) if neighborhoods is None else neighborhoods,
        strict=True,
    )
