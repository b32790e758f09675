"""PRINT and FLUSH, and what RESTART on an action means."""

from __future__ import annotations

import re

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Draft

_FORMAT = re.compile(r"%[-+ #0]*[0-9]*(\.[0-9]*)?l?[feEgG]")


def read_print(draft: Draft, action: Action) -> None:
    """A file of columns.

    Raises
    ------
    UserError
        If a column does not exist, or a keyword makes no sense.
    """
    columns = [column for name in action.words("ARG") for column in _columns(draft, action, name)]
    for column in columns:
        if columns.count(column) > 1:
            raise action.error(f"prints `{column.removesuffix('.*')}` twice", "ARG")
    stride, number = 1, "%f"
    if "STRIDE" in action.keywords:
        stride = action.value("STRIDE", values.count)
    if "FMT" in action.keywords:
        number = action.value("FMT", _format)
    file = draft.take_file(action, action.value("FILE", values.file_name))
    section = {
        "file": file,
        "stride": stride,
        "columns": columns,
        "format": number,
        "time_format": "%f",
    }
    draft.prints.append((action, section))


def read_flush(_draft: Draft, action: Action) -> None:
    """Nothing to do: every line is in its file as soon as i-PI has the answer of its step.

    Raises
    ------
    UserError
        If the stride is no number.
    """
    action.value("STRIDE", values.count)


def restarts(draft: Draft) -> bool:
    """Whether the run goes on with what is in its files; one answer for all of them.

    Raises
    ------
    UserError
        If the actions do not agree.
    """
    told = [(action, _restart(action)) for action, _ in (*draft.metads, *draft.prints)]
    if not told:
        return bool(draft.restart)
    default = bool(draft.restart)
    answer = default if told[0][1] is None else told[0][1]
    for action, restart in told:
        # a file of columns goes along with the hills
        follows = action.name == "PRINT" and draft.restart is None
        if restart is None:
            restart = answer if follows else default
        if restart != answer:
            raise action.error(
                "cannot go on with its file while another action begins anew, or the other way "
                "round: the files of a run belong together; say RESTART once, above all actions"
            )
    return answer


def _restart(action: Action) -> bool | None:
    if "RESTART" not in action.keywords:
        return None
    text = action.text("RESTART").upper()
    if text not in ("YES", "NO", "AUTO"):
        raise action.error(f"must be YES, NO or AUTO, got '{text}'", "RESTART")
    return {"YES": True, "NO": False, "AUTO": None}[text]


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
    if vector.between is not None:
        raise action.error(f"`{label}`: the elements of BETWEEN cannot be printed", "ARG")
    if vector.elements is None:
        return [f"{label}.*"]
    return [f"{label}.{k + 1}" for k in range(len(vector.elements))]


def _format(text: str) -> str:
    if not _FORMAT.fullmatch(text):
        raise ValueError("must be a format of C for one number, such as %10.6f")
    return text
