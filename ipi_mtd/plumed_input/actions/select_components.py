"""SELECT_COMPONENTS: one element of a vector or matrix, a scalar; or several, a vector."""

from __future__ import annotations

import re

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft, Vector
from ipi_mtd.plumed_input.keywords import required, several

_ELEMENT = re.compile(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8})?")


def _element(text: str) -> str:
    if not _ELEMENT.fullmatch(text):
        raise ValueError("must be elements counted from 1, such as 2 or, of a matrix, 3.1")
    return text


def _select(draft: Draft, action: Action, given: Given) -> None:
    source, elements = given["ARG"], given["COMPONENTS"]
    if len(set(elements)) < len(elements):
        raise action.error("has an element twice", "COMPONENTS")
    if source.elements is not None:
        elements = [_nth(action, source.elements, element) for element in elements]
    # PLUMED keeps the order that they have in the vector
    elements.sort(key=lambda element: [int(index) for index in element.split(".")])
    if len(elements) == 1:
        draft.define(action, Vector(source.model, tuple(elements)).section())
        return
    draft.vectors[action.called] = Vector(source.model, tuple(elements))
    for k, element in enumerate(elements, start=1):
        name = f"{action.called}.{k}"
        draft.scalars[name] = {"name": name, "model": source.model, "elements": [element]}


def _nth(action: Action, elements: tuple[str, ...], element: str) -> str:
    if "." in element or int(element) > len(elements):
        raise action.error(
            f"has {element}, but the vector has the elements 1 to {len(elements)}", "COMPONENTS"
        )
    return elements[int(element) - 1]


SELECT_COMPONENTS = Definition(
    "SELECT_COMPONENTS",
    {"ARG": required(Draft.plain_vector), "COMPONENTS": required(several(_element))},
    _select,
    labeled=True,
)
