"""SELECT_COMPONENTS, SUM and the like: scalars made from the output of a model."""

from __future__ import annotations

import re

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft, Vector
from ipi_mtd.written_number import WrittenNumber

_ELEMENT = re.compile(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8})?")


def read_select_components(draft: Draft, action: Action) -> None:
    """One element of a vector or matrix, a scalar; or several, a vector.

    Raises
    ------
    UserError
        If an element makes no sense.
    """
    assert action.label is not None
    source = _plain(draft, action)
    elements = action.values("COMPONENTS", _element)
    if len(set(elements)) < len(elements):
        raise action.error("has an element twice", "COMPONENTS")
    if source.elements is not None:
        elements = [_nth(action, source.elements, element) for element in elements]
    # PLUMED keeps the order that they have in the vector
    elements.sort(key=lambda element: [int(index) for index in element.split(".")])
    if len(elements) == 1:
        _define(draft, action, {"model": source.model, "elements": elements})
        return
    draft.vectors[action.label] = Vector(source.model, tuple(elements))
    for k, element in enumerate(elements, start=1):
        name = f"{action.label}.{k}"
        draft.scalars[name] = {"name": name, "model": source.model, "elements": [element]}


def read_sum_or_mean(draft: Draft, action: Action) -> None:
    """The sum or the mean of all elements.

    Raises
    ------
    UserError
        If its argument or its period makes no sense.
    """
    source = draft.vector(action)
    reduce: Content = {"kind": action.name.lower()}
    if source.between is not None:
        if action.name != "SUM":
            raise action.error("of BETWEEN is not supported, only its SUM")
        reduce = {"kind": "between", **source.between}
    _define(draft, action, {**_of(source), "reduce": reduce, **_period(action)})


def read_highest_or_lowest(draft: Draft, action: Action) -> None:
    """The highest or the lowest element.

    Raises
    ------
    UserError
        If its argument makes no sense.
    """
    source = _plain(draft, action)
    _define(draft, action, {**_of(source), "reduce": {"kind": action.name.lower()}})


def read_between(draft: Draft, action: Action) -> None:
    """How far each element is within an interval; the sum counts them.

    Raises
    ------
    UserError
        If the interval makes no sense.
    """
    assert action.label is not None
    source = _plain(draft, action)
    bounds = _bounds(action)
    if not bounds["lower"] < bounds["upper"]:
        raise action.error(f"LOWER must be below UPPER, got {bounds['lower']}, {bounds['upper']}")
    draft.vectors[action.label] = Vector(source.model, source.elements, bounds)


def _bounds(action: Action) -> dict[str, float]:
    """LOWER, UPPER and SMEAR, as keywords or within SWITCH={GAUSSIAN ...}."""
    if "SWITCH" not in action.keywords:
        for key in ("LOWER", "UPPER"):
            if key not in action.keywords:
                raise action.error(f"`{key}` is missing")
        texts = {
            key: action.text(key) for key in ("LOWER", "UPPER", "SMEAR") if key in action.keywords
        }
    else:
        if len(action.keywords) > 2:
            raise action.error("and LOWER, UPPER, SMEAR exclude each other", "SWITCH")
        kind, *parts = action.words("SWITCH")
        texts = dict(part.upper().split("=", 1) for part in parts if "=" in part)
        wanted = {"LOWER", "UPPER"}
        complete = wanted <= texts.keys() <= wanted | {"SMEAR"} and len(texts) == len(parts)
        if kind.upper() != "GAUSSIAN" or not complete:
            raise action.error(
                "must be {GAUSSIAN LOWER=a UPPER=b SMEAR=c}, got "
                f"'{action.keywords['SWITCH'].text}'",
                "SWITCH",
            )
    bounds = {}
    for key, text in texts.items():
        convert = values.positive if key == "SMEAR" else WrittenNumber
        try:
            bounds[key.lower()] = convert(text)
        except ValueError as error:
            raise action.error(f"`{key}` {error}, got '{text}'") from error
    return bounds


def _define(draft: Draft, action: Action, section: Content) -> None:
    assert action.label is not None
    if action.label in ("bias", "potential", "time"):
        raise action.error(f"the label `{action.label}` is taken by a column of COLVAR")
    if action.label == "raw":
        raise action.error("the label `raw` is taken by i-PI's extras")
    draft.scalars[action.label] = {"name": action.label, **section}


def _of(source: Vector) -> Content:
    if source.elements is None:
        return {"model": source.model}
    return {"model": source.model, "elements": list(source.elements)}


def _plain(draft: Draft, action: Action) -> Vector:
    source = draft.vector(action)
    if source.between is not None:
        raise action.error("of BETWEEN is not supported, only its SUM")
    return source


def _period(action: Action) -> Content:
    words = action.words("PERIODIC")
    if words[0].upper() == "NO" and len(words) == 1:
        return {}
    if len(words) != 2:
        raise action.error("must be NO or two bounds such as -pi,pi", "PERIODIC")
    lower, upper = action.values("PERIODIC", WrittenNumber)
    if not lower < upper:
        raise action.error(
            f"needs a lower and a larger upper bound, got {lower.text}, {upper.text}", "PERIODIC"
        )
    return {"period": [lower, upper]}


def _element(text: str) -> str:
    if not _ELEMENT.fullmatch(text):
        raise ValueError("must be elements counted from 1, such as 2 or, of a matrix, 3.1")
    return text


def _nth(action: Action, elements: tuple[str, ...], element: str) -> str:
    if "." in element or int(element) > len(elements):
        raise action.error(
            f"has {element}, but the vector has the elements 1 to {len(elements)}", "COMPONENTS"
        )
    return elements[int(element) - 1]
