"""The columns of COLVAR for reweighting with c(t)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from ipi_mtd.bias.bias import BiasColumn, Learned, Seen
from ipi_mtd.files.hills import Hill

Box: TypeAlias = tuple[Sequence[float], Sequence[float], Sequence[int]]
"""Lower bounds, upper bounds and numbers of bins of the CVs of a bias."""


class HasC(Protocol):
    """A bias with a c(t).

    Attributes
    ----------
    n_changes : how often it has learned or forgotten
    """

    n_changes: int

    def c_of_t(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        bins: Sequence[int],
        hill: Hill | None = None,
        /,
    ) -> float:
        """c(t) over a box, perhaps with one more hill."""


def reweighting_columns(metad: HasC, box: Box) -> Mapping[str, BiasColumn]:
    """PLUMED's ``rct``, c(t) after the hill of the step, and ``rbias``, V - c(t) before it.

    Parameters
    ----------
    metad : the bias
    box : over which c(t) is taken
    """
    known: dict[tuple[int, Hill | None], float] = {}

    def c(hill: Hill | None) -> float:
        """Costs a sum over the box, so it is done once for each hill."""
        key = metad.n_changes, hill
        if key not in known:
            if len(known) > 1:
                del known[next(iter(known))]
            known[key] = metad.c_of_t(*box, hill)
        return known[key]

    def rct(_seen: Seen, learned: Learned) -> float:
        return c(learned.deposit)

    def rbias(seen: Seen, _learned: Learned) -> float:
        return seen.V - c(None)

    return {"rbias": rbias, "rct": rct}
