"""The columns of COLVAR for reweighting with c(t)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from ipi_mtd.bias.bias import BiasColumn, Learned, Seen
from ipi_mtd.files.hills import Hill

Box: TypeAlias = tuple[Sequence[float], Sequence[float], Sequence[int]]
"""Lower bounds, upper bounds and numbers of bins of the CVs of a bias."""


def reweighting_columns(
    c_of_t: Callable[[Hill | None], float], n_changes: Callable[[], int]
) -> Mapping[str, BiasColumn]:
    """PLUMED's ``rct``, c(t) after the hill of the step, and ``rbias``, V - c(t) before it.

    Parameters
    ----------
    c_of_t : c(t), perhaps with one more hill
    n_changes : how often the bias has changed
    """
    known: dict[tuple[int, Hill | None], float] = {}

    def c(hill: Hill | None) -> float:
        """Costs a sum over the box, so it is done once for each hill."""
        key = n_changes(), hill
        if key not in known:
            if len(known) > 1:
                del known[next(iter(known))]
            known[key] = c_of_t(hill)
        return known[key]

    def rct(_seen: Seen, learned: Learned) -> float:
        return c(learned.deposit)

    def rbias(seen: Seen, _learned: Learned) -> float:
        return seen.V - c(None)

    return {"rbias": rbias, "rct": rct}
