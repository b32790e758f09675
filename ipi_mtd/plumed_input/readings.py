"""How the value of a keyword is read, where it is not particular to one action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Draft

T = TypeVar("T")

Reading: TypeAlias = Callable[[Draft, Action, str], Any]
"""Makes the value of a keyword, whose name comes last, or raises UserError."""


def one(convert: Callable[[str], T]) -> Callable[[Draft, Action, str], T]:
    """A single word; `convert` raises ValueError if it is not what it must be."""
    return lambda _draft, action, key: action.value(key, convert)


def several(convert: Callable[[str], T]) -> Callable[[Draft, Action, str], list[T]]:
    """A list of words."""
    return lambda _draft, action, key: action.values(key, convert)


def each_cv(convert: Callable[[str], T]) -> Callable[[Draft, Action, str], list[T]]:
    """A word for each CV of ARG."""
    return lambda _draft, action, key: action.values(key, convert, len(action.words("ARG")))


def energy(draft: Draft, action: Action, key: str) -> str:
    """An energy that is not negative, with the unit of the input."""
    return draft.quantity(action.value(key, values.not_negative))


def each_energy(draft: Draft, action: Action, key: str) -> list[str]:
    """An energy for each CV of ARG."""
    return [draft.quantity(k) for k in each_cv(values.not_negative)(draft, action, key)]


def restart(_draft: Draft, action: Action, key: str) -> bool | None:
    """Whether an action goes on with its file; None if it leaves that to others."""
    text = action.text(key).upper()
    if text not in ("YES", "NO", "AUTO"):
        raise action.error(f"must be YES, NO or AUTO, got '{text}'", key)
    return {"YES": True, "NO": False, "AUTO": None}[text]
