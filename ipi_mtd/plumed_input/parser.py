"""From the text of PLUMED's input to a list of actions.

=========================================  =========================================================
text                                       meaning
=========================================  =========================================================
``label: ACTION KEY=value FLAG``           an action, on one line
``ACTION LABEL=label``                     the same label
``ACTION ...``, lines, ``...``             an action on several lines; the closing dots may repeat
                                           the first word, as in ``... label:``
``KEY={a b}``                              a value with blanks
``# text``                                 a comment, to the end of the line
``ENDPLUMED``                              the end; what follows is not read
=========================================  =========================================================

The names of actions and keywords are read without regard to upper and lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input.action import Action, Word

_LABEL = re.compile(r"[A-Za-z0-9_-]+")


def parse(text: str, path: Path) -> list[Action]:
    """Read all actions of a text; what breaks the rules above is a UserError with its line."""
    actions = []
    for words in _statements(text, path):
        if words[0].text.upper() == "ENDPLUMED":
            break
        actions.append(_action(words, path))
    return actions


def _statements(text: str, path: Path) -> Iterator[list[Word]]:
    """The words of one action after the other."""
    words: list[Word] = []
    opened: int | None = None
    for number, line in _whole_lines(text, path):
        found = [Word(word, number) for word in _split(line)]
        if opened is not None and found[0].text == "...":
            _check_end(words, found, path)
            yield words
            words, opened = [], None
        elif found[-1].text == "...":
            words += found[:-1]
            opened = number if opened is None else opened
            if not words:
                raise UserError(f"{path}, line {number}: `...` without an action before it")
        elif opened is not None:
            words += found
        else:
            yield found
    if opened is not None:
        raise UserError(f"{path}, line {opened}: this `...` has no `...` that closes it")


def _check_end(words: list[Word], end: list[Word], path: Path) -> None:
    if len(end) > 2 or (len(end) == 2 and end[1].text != words[0].text):
        raise UserError(
            f"{path}, line {end[0].line}: after the closing `...` there can only be "
            f"`{words[0].text}`, got `{' '.join(word.text for word in end[1:])}`"
        )


def _whole_lines(text: str, path: Path) -> Iterator[tuple[int, str]]:
    """The lines without comments, those within braces joined, with the number of the first."""
    pending, begin, depth = "", 0, 0
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.partition("#")[0].strip(" \t\r")
        if not line:
            continue
        begin = begin if pending else number
        for character in line:
            if not (character.isprintable() or character == "\t"):
                raise UserError(f"{path}, line {number}: {character!r} is no part of a text")
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth < 0:
                raise UserError(f"{path}, line {number}: a `}}` without a `{{`")
        pending = f"{pending} {line}" if pending else line
        if depth == 0:
            yield begin, pending
            pending = ""
    if depth:
        raise UserError(f"{path}, line {begin}: a `{{` without a `}}`")


def _split(line: str) -> list[str]:
    """The words of a line; outer braces keep blanks and go away."""
    words, word, depth = [], "", 0
    for character in line:
        depth -= character == "}"
        if depth == 0 and character in " \t":
            words.append(word)
            word = ""
        elif depth > 0 or character not in "{}":
            word += character
        depth += character == "{"
    return [word for word in [*words, word] if word] or [""]


def _action(words: list[Word], path: Path) -> Action:
    where = f"{path}, line {words[0].line}"
    label = None
    if words[0].text.endswith(":"):
        label, words = words[0].text[:-1], words[1:]
        if not words:
            raise UserError(f"{where}: `{label}:` without an action")
    keywords: dict[str, Word] = {}
    flags: dict[str, Word] = {}
    for word in words[1:]:
        key, separator, value = word.text.partition("=")
        key = key.upper()
        if not key:
            raise UserError(
                f"{path}, line {word.line}: `{word.text}`: a `=` stands between a keyword and its "
                "value, without blanks"
            )
        if key in keywords or key in flags:
            raise UserError(f"{path}, line {word.line}: `{key}` stands twice on one action")
        if separator:
            keywords[key] = Word(value, word.line)
        else:
            flags[key] = word
    if "LABEL" in keywords:
        if label is not None:
            raise UserError(f"{where}: two labels, `{label}` and `{keywords['LABEL'].text}`")
        label = keywords.pop("LABEL").text
    if label is not None and not _LABEL.fullmatch(label):
        raise UserError(f"{where}: a label is made of letters, digits, `_` and `-`, got `{label}`")
    return Action(path, words[0].line, words[0].text.upper(), label, keywords, flags)
