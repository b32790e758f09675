"""PRINT: a file of columns."""

from __future__ import annotations

import re

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.keywords import UPDATE_TIMES, Keyword, one, required, restart

_FORMAT = re.compile(r"%[-+ #0]*[0-9]*(\.[0-9]*)?l?[feEgG]")


def _all_columns(draft: Draft, action: Action, key: str) -> list[str]:
    columns = [column for name in action.words(key) for column in _columns(draft, action, name)]
    for column in columns:
        if columns.count(column) > 1:
            raise action.error(f"prints `{column.removesuffix('.*')}` twice", key)
    return columns


def _columns(draft: Draft, action: Action, name: str) -> list[str]:
    """The columns that a word of ARG stands for."""
    if name.startswith("(") or name in ("*", "*.*"):
        raise action.error(
            f"'{name}': patterns are not supported, only `label.*` and `*.component`", "ARG"
        )
    label, _, part = name.partition(".")
    if label == "*":
        found = [some[part] for some in draft.components.values() if part in some]
        if not found:
            raise action.error(f"no action has a component `{part}`", "ARG")
        return found
    if label in draft.components:
        if part == "*":
            return list(draft.components[label].values())
        if part in draft.components[label]:
            return [draft.components[label][part]]
        raise draft.unknown(action, name)
    if label in draft.vectors and part in ("", "*"):
        return _elements(draft, action, label)
    if label in draft.scalars and part in ("", "*"):
        return [label]
    raise draft.unknown(action, name)


def _elements(draft: Draft, action: Action, label: str) -> list[str]:
    vector = draft.vectors[label]
    if vector.only_sum is not None:
        maker = draft.labels[label].name
        raise action.error(f"`{label}`: the elements of {maker} cannot be printed", "ARG")
    if vector.elements is None:
        return [f"{label}.*"]
    return [f"{label}.{k + 1}" for k in range(len(vector.elements))]


def _format(text: str) -> str:
    if not _FORMAT.fullmatch(text):
        raise ValueError("must be a format of C for one number, such as %10.6f")
    return text


def _print(draft: Draft, action: Action, given: Given) -> None:
    draft.files.take(action, given["FILE"], given.get("RESTART"), follows=True)
    draft.add(action, {"time_format": "%f", **given.section})


PRINT = Definition(
    "PRINT",
    {
        "ARG": required(_all_columns, "columns"),
        "FILE": required(one(values.file_name), "file"),
        "STRIDE": Keyword(one(values.count), "stride", default=1),
        "FMT": Keyword(one(_format), "format", default="%f"),
        "RESTART": Keyword(restart),
        **UPDATE_TIMES,
    },
    _print,
    table="colvar",
)
