"""The page of the configuration, from the docstrings of its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_type_hints

from pydantic.fields import FieldInfo

from docs.kinds import in_words
from docs.markdown import MADE, paragraphs, sentence, table
from ipi_mtd.config import sections
from ipi_mtd.config.schema import RunConfig
from ipi_mtd.config.section import Section, nested_sections
from ipi_mtd.config.sections import PlumedSection

HEAD = ("key", "value", "default", "meaning")


def configuration() -> str:
    """The page."""
    _, *introduction = paragraphs(sections.__doc__)
    blocks = [
        MADE.format(source="`ipi_mtd/config/sections.py` and `ipi_mtd/config/schema.py`"),
        "# The configuration",
        "A run is told what to do by a TOML file; [`inputs/lj38.toml`](../inputs/lj38.toml) is a "
        "complete one.",
        *introduction,
        "## Above all tables",
        _keys(RunConfig),
    ]
    seen: set[type[Section]] = set()
    for name, field in RunConfig.model_fields.items():
        for section in nested_sections(RunConfig, name):
            blocks += _again(name, field, section) if section in seen else _described(section)
            seen.add(section)
    return "\n\n".join([*blocks, *_described(PlumedSection)]) + "\n"


def _described(section: type[Section]) -> Iterator[str]:
    """A table of the configuration, and the tables in it."""
    first, *more = paragraphs(section.__doc__)
    title, _, what = first.partition(": ")
    yield f"## {title.rstrip('.')}"
    if what or more:
        yield " ".join([sentence(what), *more])
    yield _keys(section)
    for name in section.model_fields:
        for inner in nested_sections(section, name):
            yield from _described(inner)


def _again(name: str, field: FieldInfo, section: type[Section]) -> Iterator[str]:
    title = paragraphs(section.__doc__)[0].partition(": ")[0]
    yield f"## `[[{name}]]`"
    yield f"{sentence(field.description or '')} Its keys are those of {title}."


def _keys(section: type[Section]) -> str:
    kinds = get_type_hints(section, include_extras=True)
    rows = []
    for name, field in section.model_fields.items():
        if section is RunConfig and nested_sections(section, name):
            continue
        meaning = " ".join(paragraphs(_description(section, name)))
        rows.append((f"`{name}`", in_words(kinds[name]), _default(field), sentence(meaning)))
    return table(HEAD, rows)


def _description(section: type[Section], name: str) -> str:
    """What a key is, said where it is declared, or where that overrides another declaration."""
    declaring = [
        parent for parent in section.__mro__ if name in getattr(parent, "model_fields", ())
    ]
    for parent in declaring:
        if text := parent.model_fields[name].description:
            return text
    raise ValueError(f"{section.__name__}.{name} needs a docstring")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default == {}:
        return ""
    if isinstance(field.default, Section):
        return "`{}`"
    return f"`{json.dumps(field.default)}`"
