"""One action of PLUMED's input, and how its keywords are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ipi_mtd.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the line that it stands on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Action:
    """An action with everything that is written on it.

    What reads the value of a keyword raises a UserError with its place if it is not as it must be.

    Parameters
    ----------
    path : the file it is in
    line : the line it begins on
    name : in upper case, such as ``METAD``
    label : if it has one
    keywords : ``KEY=value``, the keys in upper case, the values without their braces
    flags : all words without ``=``, in upper case
    """

    path: Path
    line: int
    name: str
    label: str | None
    keywords: Mapping[str, Word]
    flags: Mapping[str, Word]

    @property
    def called(self) -> str:
        """Its label, or a name that says where it is."""
        return self.label or f"{self.name.lower()}-line-{self.line}"

    def error(self, what: str, key: str | None = None) -> UserError:
        """An error that names the file, the line and the action."""
        word = self.keywords.get(key or "") or self.flags.get(key or "")
        where = f"{self.path}, line {word.line if word else self.line}: {self.name}"
        return UserError(f"{where}: `{key}` {what}" if key else f"{where}: {what}")

    def place(self) -> str:
        """For an error that is found later."""
        return f"{self.path}, line {self.line}: {self.name}"

    def words(self, key: str) -> list[str]:
        """The words of a list, which commas or blanks separate."""
        words = re.findall(r"[^, \t]+", self.keywords[key].text)
        if not words:
            raise self.error("is empty", key)
        return words

    def text(self, key: str) -> str:
        """The only word of a keyword."""
        words = self.words(key)
        if len(words) > 1:
            raise self.error(f"needs one value, got {len(words)}: {', '.join(words)}", key)
        return words[0]

    def value(self, key: str, convert: Callable[[str], T]) -> T:
        """The only word of a keyword, converted."""
        return self.converted(key, self.text(key), convert)

    def values(self, key: str, convert: Callable[[str], T], n: int | None = None) -> list[T]:
        """The words of a list, converted; `n` is how many it must have."""
        words = self.words(key)
        if n is not None and len(words) != n:
            raise self.error(f"needs one value for each of the {n} CVs, got {len(words)}", key)
        return [self.converted(key, word, convert) for word in words]

    def converted(self, key: str, text: str, convert: Callable[[str], T]) -> T:
        """A text that belongs to a keyword, converted."""
        try:
            return convert(text)
        except ValueError as error:
            raise self.error(f"{error}, got '{text}'", key) from error
