"""What i-PI says of its end: why it stopped, and what was wrong.

The last line of its log is seldom the one that explains: a thread has said something later, PLUMED
has added its timings, or i-PI ends itself in order, with exit status 0, after a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_EXCEPTION = re.compile(r"(?:\w+\.)*([A-Z]\w*)(?:: ?(?P<words>.*))?")
_CONSEQUENCES = (
    *("BrokenPipeError", "ConnectionResetError", "ConnectionAbortedError", "Disconnected"),
    *("SystemExit", "KeyboardInterrupt"),
)
"""Exceptions of threads that lose what they work with because i-PI ends."""

_PLUMED = "PLUMED:"
_PLUMED_FRAME = re.compile(r"PLUMED: ?#{20,}")
_SOFTEXIT = re.compile(r"@softexit\.trigger:\s+SOFTEXIT CALLED FROM THREAD <.*?\)>(?P<words>.*)")
_STOPPED = {
    "EXIT file detected": "there is a file called EXIT, to be removed before it can go on",
    "Wall clock time expired": "<total_time> is over",
    "Maximum wallclock time elapsed": "<total_time> is over",
    "Kill signal": "it was told to",
}


def why_it_stopped(log: str) -> str | None:
    """Why i-PI ended before its last step in an orderly way, None if it did not."""
    for sign, words in _STOPPED.items():
        if sign in log:
            return words
    return None


def what_was_wrong(log: str) -> str | None:
    """The line that explains why i-PI failed, None if there is none.

    Parameters
    ----------
    log : what it has printed, stdout and stderr together
    """
    lines = log.splitlines()
    for explanations in (_of_plumed, _of_python, _of_warnings, _of_softexit):
        explanation = next(explanations(lines), None)
        if explanation is not None:
            return explanation
    return None


def last_line(log: str) -> str | None:
    """The last line that says something."""
    return next((line.strip() for line in reversed(log.splitlines()) if line.strip()), None)


def _of_plumed(lines: list[str]) -> Iterator[str]:
    """What PLUMED says between two lines of #, but for the place in its source."""
    framed = False
    for line in lines:
        if _PLUMED_FRAME.match(line):
            framed = not framed
        elif framed and line.startswith(_PLUMED):
            words = line.removeprefix(_PLUMED).strip()
            if words and not words.startswith(("+++", "(")):
                yield f"PLUMED: {words}"


def _of_python(lines: list[str]) -> Iterator[str]:
    """The exception of each traceback; the last of those that were raised from one another."""
    found: str | None = None
    inside = chained = False
    for k, line in enumerate(lines):
        if line.startswith(_CHAINED):
            chained = True
        elif line == _TRACEBACK:
            if found is not None and not chained:
                yield found
            found = found if chained else None
            inside, chained = True, False
        elif inside and (match := _EXCEPTION.fullmatch(line)):
            inside = False
            if match[1] not in _CONSEQUENCES:
                found = line if match["words"] else _with_next_line(lines, k)
    if found is not None:
        yield found


def _with_next_line(lines: list[str], k: int) -> str:
    """An exception whose message begins on the line after its name, if it has one."""
    following = lines[k + 1].strip() if k + 1 < len(lines) and lines[k].endswith(": ") else ""
    return lines[k] + following


def _of_warnings(lines: list[str]) -> Iterator[str]:
    for line in lines:
        _, mark, words = line.partition("!W!")
        if mark and "error" in words.lower():
            yield words.strip()


def _of_softexit(lines: list[str]) -> Iterator[str]:
    """What i-PI says when it ends itself, but for the words of a normal end."""
    for line in lines:
        match = _SOFTEXIT.search(line)
        if match and "Exiting cleanly" not in match["words"] and "die off" not in match["words"]:
            words = re.sub(r"^\s*@\s*[\w.]+\s*:?", "", match["words"]).strip()
            if words:
                yield words
