"""BETWEEN: how far each element is within an interval; the sum counts them."""

from __future__ import annotations

from collections.abc import Mapping

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft, Vector
from ipi_mtd.plumed_input.keywords import Keyword, one, required
from ipi_mtd.written_number import WrittenNumber

_BOUNDS = {"LOWER": WrittenNumber, "UPPER": WrittenNumber, "SMEAR": values.positive}


def _gaussian(_draft: Draft, action: Action, key: str) -> Mapping[str, float]:
    """The bounds within ``{GAUSSIAN ...}``."""
    kind, *parts = action.words(key)
    texts = dict(part.upper().split("=", 1) for part in parts if "=" in part)
    wanted = {"LOWER", "UPPER"}
    complete = wanted <= texts.keys() <= _BOUNDS.keys() and len(texts) == len(parts)
    if kind.upper() != "GAUSSIAN" or not complete:
        raise action.error(
            f"must be {{GAUSSIAN LOWER=a UPPER=b SMEAR=c}}, got '{action.keywords[key].text}'",
            key,
        )
    return {bound: action.converted(bound, text, _BOUNDS[bound]) for bound, text in texts.items()}


def _between(draft: Draft, action: Action, given: Given) -> None:
    source, bounds = given["ARG"], given.get("SWITCH", given)
    if "SWITCH" in given and len(given) > 2:
        raise action.error("and LOWER, UPPER, SMEAR exclude each other", "SWITCH")
    for key in ("LOWER", "UPPER"):
        if key not in bounds:
            raise action.error(f"`{key}` is missing")
    if not bounds["LOWER"] < bounds["UPPER"]:
        raise action.error(f"LOWER must be below UPPER, got {bounds['LOWER']}, {bounds['UPPER']}")
    interval = {key.lower(): bounds[key] for key in _BOUNDS if key in bounds}
    only_sum = {"kind": "between", **interval}
    draft.vectors[action.called] = Vector(source.model, source.elements, only_sum)


BETWEEN = Definition(
    "BETWEEN",
    {
        "ARG": required(Draft.plain_vector),
        **{key: Keyword(one(convert)) for key, convert in _BOUNDS.items()},
        "SWITCH": Keyword(_gaussian),
    },
    _between,
    labeled=True,
)
