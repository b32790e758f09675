"""What a supported action is: its keywords, how each is read, and what it becomes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.readings import Reading

Given: TypeAlias = Mapping[str, Any]
"""The values of the keywords that are written or have a default, and of all flags."""


@dataclass(frozen=True)
class Keyword:
    """A word with a value.

    Parameters
    ----------
    read : makes the value of what is written
    to : the key of the configuration that has just this value
    required : whether it must be written
    default : the value if it is not written
    numbered : whether it may have a number behind it
    """

    read: Reading
    to: str | None = None
    required: bool = False
    default: Any = None
    numbered: bool = False


@dataclass(frozen=True)
class Flag:
    """A word without a value; `to` as for a keyword."""

    to: str | None = None


@dataclass(frozen=True)
class Refused:
    """A word of PLUMED that is an error here, and why."""

    why: str


Keywords: TypeAlias = Mapping[str, Keyword | Flag | Refused]


UPDATE_TIMES = {
    key: Refused("is not supported: i-PI does not say the time")
    for key in ("UPDATE_FROM", "UPDATE_UNTIL")
}
"""Words of all actions that do something every so many steps."""


def required(read: Reading, to: str | None = None) -> Keyword:
    """A keyword that must be written."""
    return Keyword(read, to, required=True)


def optional(read: Reading, to: str | None = None, default: Any = None) -> Keyword:
    """A keyword that can be left out."""
    return Keyword(read, to, default=default)


def section(keywords: Keywords, given: Given) -> Content:
    """What the keywords say one by one, under the keys that they go `to`."""
    return {
        entry.to: given[key]
        for key, entry in keywords.items()
        if not isinstance(entry, Refused) and entry.to and key in given
    }


@dataclass(frozen=True)
class Definition:
    """A supported action.

    Parameters
    ----------
    name : in upper case
    keywords : in the order in which they are read and listed; all others are errors
    translate : adds what an action says to the draft, given the values of its keywords
    table : the list of the configuration that has a section for each such action, if there is one
    labeled : whether it makes no sense without a label
    first : whether it must come before all actions that need not
    """

    name: str
    keywords: Keywords
    translate: Callable[[Draft, Action, Given], None]
    table: str | None = None
    labeled: bool = False
    first: bool = False

    @property
    def words(self) -> list[str]:
        """All that can be written."""
        return [key for key, entry in self.keywords.items() if not isinstance(entry, Refused)]

    def check(self, action: Action) -> None:
        """Refuse an action with an unknown word or without one that it needs.

        Raises
        ------
        UserError
            Which names the word, and what is supported.
        """
        for word in (*action.keywords, *action.flags):
            self._check_word(action, word)
        for key, entry in self.keywords.items():
            if isinstance(entry, Keyword) and entry.required and key not in action.keywords:
                raise action.error(f"`{key}` is missing")
        if self.labeled and action.label is None:
            raise action.error("needs a label: without one, nothing can use it")

    def read(self, draft: Draft, action: Action) -> Given:
        """The values of what is written on an action, and the defaults of what is not.

        Raises
        ------
        UserError
            If a value is not what its keyword must have.
        """
        given: dict[str, Any] = {}
        for key, entry in self.keywords.items():
            match entry:
                case Flag():
                    given[key] = key in action.flags
                case Keyword(read=read, default=default):
                    words = [word for word in action.keywords if self._key(word) == key]
                    given |= {word: read(draft, action, word) for word in words}
                    if not words and default is not None:
                        given[key] = default
        return given

    def _key(self, word: str) -> str:
        """The keyword that a word is, which may have a number."""
        bare = word.rstrip("0123456789")
        match self.keywords.get(bare):
            case Keyword(numbered=True):
                return bare
        return word

    def _check_word(self, action: Action, word: str) -> None:
        match self.keywords.get(self._key(word)):
            case None:
                known = ", ".join(self.words)
                hint = did_you_mean(word, self.words)
                raise action.error(f"is not supported{hint}; {self.name} has {known}", word)
            case Refused(why=why):
                raise action.error(why, word)
            case Keyword() if word in action.flags:
                raise action.error("needs a value behind a `=`, without blanks around it", word)
            case Flag() if word in action.keywords:
                raise action.error("is a flag, it has no value", word)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that is most like another one, as a part of a sentence."""
    guess = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {guess[0]}?" if guess else ""
