"""UPPER_WALLS and LOWER_WALLS, on one or more CVs."""

from __future__ import annotations

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.keywords import Keyword, each_cv, required
from ipi_mtd.written_number import WrittenNumber

_KEYWORDS = {
    "ARG": required(Draft.bias_on, "cv"),
    "AT": required(each_cv(WrittenNumber), "at"),
    "KAPPA": required(each_cv(values.not_negative)),
    "EXP": Keyword(each_cv(values.positive), "exponent"),
    "EPS": Keyword(each_cv(values.positive), "eps"),
    "OFFSET": Keyword(each_cv(WrittenNumber), "offset"),
}


def _walls(draft: Draft, action: Action, given: Given) -> None:
    name, side = action.called, action.name.removesuffix("_WALLS").lower()
    kappa = [draft.quantity(k) for k in given["KAPPA"]]
    draft.add(action, {"name": name, "side": side, "kappa": kappa, **given.section})
    # an element that is selected is a vector of length one, and PLUMED makes a wall on vectors of
    # other actions, whose names show in the files
    cvs = [draft.scalars[cv] for cv in given["ARG"]]
    dot = "_" if all("elements" in cv and "reduce" not in cv for cv in cvs) else "."
    draft.components[name] = {part: f"{name}{dot}{part}" for part in ("bias", "force2")}


WALLS = [
    Definition(name, _KEYWORDS, _walls, table="wall") for name in ("UPPER_WALLS", "LOWER_WALLS")
]
