"""SUM, MEAN, HIGHEST and LOWEST: a scalar made of all elements of a vector."""

from __future__ import annotations

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.keywords import required
from ipi_mtd.written_number import WrittenNumber


def _period(_draft: Draft, action: Action, key: str) -> Content:
    words = action.words(key)
    if words[0].upper() == "NO" and len(words) == 1:
        return {}
    if len(words) != 2:
        raise action.error("must be NO or two bounds such as -pi,pi", key)
    lower, upper = action.values(key, WrittenNumber)
    if not lower < upper:
        raise action.error(
            f"needs a lower and a larger upper bound, got {lower.text}, {upper.text}", key
        )
    return {"period": [lower, upper]}


def _reduce(draft: Draft, action: Action, given: Given) -> None:
    source = given["ARG"]
    reduce = source.only_sum or {"kind": action.name.lower()}
    draft.define(action, {**source.section(), "reduce": reduce, **given.get("PERIODIC", {})})


_SUM = {"ARG": required(Draft.vector), "PERIODIC": required(_period)}
_MEAN = {"ARG": required(Draft.plain_vector), "PERIODIC": required(_period)}
_HIGHEST = {"ARG": required(Draft.plain_vector)}

REDUCTIONS = [
    Definition("SUM", _SUM, _reduce, labeled=True),
    Definition("MEAN", _MEAN, _reduce, labeled=True),
    Definition("HIGHEST", _HIGHEST, _reduce, labeled=True),
    Definition("LOWEST", _HIGHEST, _reduce, labeled=True),
]
