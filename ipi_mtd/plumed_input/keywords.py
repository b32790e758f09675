"""The words that an action can have, and how the value of a keyword is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Draft

T = TypeVar("T")

Reading: TypeAlias = Callable[[Draft, Action, str], T]
"""Makes the value of a keyword, whose name comes last, or raises UserError."""


@dataclass(frozen=True)
class Keyword:
    """A word with a value.

    Parameters
    ----------
    read : makes the value of what is written
    to : the key of the configuration that has just this value
    default : the value if it is not written, None if there is none
    required : whether it must be written
    numbered : whether it may have a number behind it
    """

    read: Reading[Any]
    to: str | None = None
    default: Any = None
    required: bool = False
    numbered: bool = False


@dataclass(frozen=True)
class Flag:
    """A word without a value; `to` as for a keyword."""

    to: str | None = None


@dataclass(frozen=True)
class Refused:
    """A word of PLUMED that is an error here, and why."""

    why: str


UPDATE_TIMES = {
    key: Refused("is not supported: i-PI does not say the time")
    for key in ("UPDATE_FROM", "UPDATE_UNTIL")
}
"""Words of the actions that do something every so many steps."""


def required(read: Reading[Any], to: str | None = None) -> Keyword:
    """A keyword that must be written."""
    return Keyword(read, to, required=True)


def one(convert: Callable[[str], T]) -> Reading[T]:
    """A single word; `convert` raises ValueError if it is not what it must be."""
    return lambda _draft, action, key: action.value(key, convert)


def several(convert: Callable[[str], T]) -> Reading[list[T]]:
    """A list of words."""
    return lambda _draft, action, key: action.values(key, convert)


def each_cv(convert: Callable[[str], T]) -> Reading[list[T]]:
    """A word for each CV of ARG."""
    return lambda _draft, action, key: action.values(key, convert, len(action.words("ARG")))


def energy(draft: Draft, action: Action, key: str) -> str:
    """An energy that is not negative, with the unit of the input."""
    return draft.quantity(action.value(key, values.not_negative))


def restart(_draft: Draft, action: Action, key: str) -> bool | None:
    """Whether an action goes on with its file; None if it leaves that to others."""
    text = action.text(key).upper()
    if text not in ("YES", "NO", "AUTO"):
        raise action.error(f"must be YES, NO or AUTO, got '{text}'", key)
    return {"YES": True, "NO": False, "AUTO": None}[text]
