"""What a supported action is: its keywords, how each is read, and what it becomes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.keywords import Flag, Keyword, Refused


class Given(dict[str, Any]):
    """The value of each keyword that is written or has a default, and of each flag.

    Attributes
    ----------
    section : those that are values of the configuration, under their keys there
    """

    def __init__(self) -> None:
        super().__init__()
        self.section: Content = {}

    def put(self, word: str, entry: Keyword | Flag, value: object) -> None:
        """Add a value."""
        self[word] = value
        if entry.to is not None:
            self.section[entry.to] = value


@dataclass(frozen=True)
class Definition:
    """A supported action.

    Parameters
    ----------
    name : in upper case
    keywords : in the order in which they are read and listed; all others are errors
    translate : adds to the draft what an action says by the values it is given
    table : the list of the configuration that has a section for each such action, if there is one
    labeled : whether it makes no sense without a label
    first : whether it must come before all actions that need not
    """

    name: str
    keywords: Mapping[str, Keyword | Flag | Refused]
    translate: Callable[[Draft, Action, Given], None]
    table: str | None = None
    labeled: bool = False
    first: bool = False

    @property
    def words(self) -> list[str]:
        """All that can be written."""
        return [key for key, entry in self.keywords.items() if not isinstance(entry, Refused)]

    def check(self, action: Action) -> None:
        """Refuse an action with a word that is not supported, or without one that it needs."""
        for word in (*action.keywords, *action.flags):
            self._check_word(action, word)
        for key, entry in self.keywords.items():
            if isinstance(entry, Keyword) and entry.required and key not in action.keywords:
                raise action.error(f"`{key}` is missing")
        if self.labeled and action.label is None:
            raise action.error("needs a label: without one, nothing can use it")

    def read(self, draft: Draft, action: Action) -> Given:
        """The values of what is written on an action, and the defaults of what is not."""
        given = Given()
        for key, entry in self.keywords.items():
            match entry:
                case Flag():
                    given.put(key, entry, key in action.flags)
                case Keyword():
                    words = [word for word in action.keywords if self._key(word) == key]
                    for word in words:
                        given.put(word, entry, entry.read(draft, action, word))
                    if not words and entry.default is not None:
                        given.put(key, entry, entry.default)
        return given

    def _key(self, word: str) -> str:
        """The keyword that a word is, which may have a number."""
        bare = word.rstrip("0123456789")
        entry = self.keywords.get(bare)
        return bare if isinstance(entry, Keyword) and entry.numbered else word

    def _check_word(self, action: Action, word: str) -> None:
        match self.keywords.get(self._key(word)):
            case None:
                known = ", ".join(self.words)
                hint = did_you_mean(word, self.words)
                raise action.error(f"is not supported{hint}; {self.name} has {known}", word)
            case Refused(why):
                raise action.error(why, word)
            case Keyword() if word in action.flags:
                raise action.error("needs a value behind a `=`, without blanks around it", word)
            case Flag() if word in action.keywords:
                raise action.error("is a flag, it has no value", word)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that is most like another one, as a part of a sentence."""
    guess = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {guess[0]}?" if guess else ""
