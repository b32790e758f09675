"""Docstrings as Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

MADE = "<!-- Made by `make docs`. What is wrong here is mended in {source}. -->"


def paragraphs(docstring: str | None) -> list[str]:
    """The paragraphs of a docstring, each as one line."""
    text = inspect.cleandoc(docstring or "").replace("``", "`")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def sentence(text: str) -> str:
    """With a capital in front, but for i-PI's name, and a full stop behind."""
    first = text[:1] if text.startswith("i-PI") else text[:1].upper()
    return f"{first}{text[1:].rstrip('.')}." if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; ``|`` in a cell does not end it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines
    )
