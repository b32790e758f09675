"""How PLUMED writes numbers and lists of atoms.

Each function raises a ValueError that says the rule if the text is not what it reads.
"""

from __future__ import annotations

import re

from ipi_mtd.written_number import WrittenNumber

_FILE = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::(-?[0-9]{1,9}))?)?")

MOST_ATOMS = 10_000_000
"""More are a slip of the keyboard."""


def positive(text: str) -> float:
    """A number above zero."""
    value = _or_nothing(text)
    if value is None or value <= 0.0:
        raise ValueError("must be a positive number")
    return value


def not_negative(text: str) -> float:
    """A number that is zero or above."""
    value = _or_nothing(text)
    if value is None or value < 0.0:
        raise ValueError("must be a number that is not negative")
    return value


def count(text: str) -> int:
    """A whole number above zero, such as ``30`` or ``1e3``."""
    value = _or_nothing(text)
    if value is None or not 1.0 <= value < 2**31 or value != int(value):
        raise ValueError("must be a whole number above 0")
    return int(value)


def whole(text: str) -> int:
    """A whole number."""
    value = _or_nothing(text)
    if value is None or abs(value) >= 2**31 or value != int(value):
        raise ValueError("must be a whole number")
    return int(value)


def file_name(text: str) -> str:
    """The name of a file in the output directory, which is no path."""
    if not _FILE.fullmatch(text):
        raise ValueError(
            "must be a name made of letters, digits and _.-, not a dot at its end, without a "
            "directory: all files are written to the output directory"
        )
    return text


def atoms(words: list[str]) -> list[int]:
    """Atoms counted from 1: ``7``, ``1-38``, ``1-37:2`` or ``38-1:-1``; at most `MOST_ATOMS`."""
    found: list[int] = []
    for word in words:
        match = _RANGE.fullmatch(word)
        if match is None:
            raise ValueError(
                f"must be atoms counted from 1, such as 7 or 1-38 or 1-37:2, got '{word}'"
            )
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        step = int(match[3]) if match[3] else 1
        span = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
        if not span or min(first, last) < 1:
            raise ValueError(f"must be atoms counted from 1, but '{word}' has none")
        if len(found) + len(span) > MOST_ATOMS:
            raise ValueError(f"names more than {MOST_ATOMS} atoms")
        found += span
    return found


def _or_nothing(text: str) -> float | None:
    try:
        return WrittenNumber(text)
    except ValueError:
        return None
