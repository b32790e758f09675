"""From actions to the content of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.actions import GRAMMAR
from ipi_mtd.plumed_input.definition import did_you_mean
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.parser import parse

Places: TypeAlias = Mapping[tuple[int | str, int | str], str]
"""Where a table of the configuration comes from, by its key and its own name or number."""


def _tables() -> dict[str, list[tuple[Action, Content]]]:
    """The lists of the configuration that actions have sections of."""
    return {definition.table: [] for definition in GRAMMAR.values() if definition.table}


SETTINGS = ("models", "cv", "quantity", *_tables(), "units", "restart")
"""The keys of a configuration that PLUMED's input fills in."""


@dataclass(frozen=True)
class Translation:
    """What an input says.

    Parameters
    ----------
    content : as in a TOML file, for the keys in `SETTINGS`
    places : for a table of it, where it comes from
    tempered : the actions, and their keywords, that need a temperature and do not say it
    """

    content: Content
    places: Places
    tempered: Sequence[tuple[Action, str]] = ()

    def require_temperature(self) -> None:
        """Raise a UserError if something needs a temperature, as nobody has said one."""
        for action, key in self.tempered:
            raise action.error("needs the temperature: give TEMP", key)


def translate(path: Path) -> Translation:
    """Read PLUMED's input.

    Raises
    ------
    UserError
        Which names the file, the line, the word, the rule and what was found.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a text file (byte {error.start})") from error
    draft = Draft(path)
    for action in parse(text, path):
        _read(draft, action)
    return _finish(draft)


def _read(draft: Draft, action: Action) -> None:
    definition = GRAMMAR.get(action.name)
    if definition is None:
        hint = did_you_mean(action.name, GRAMMAR)
        raise action.error(f"is not supported{hint}; supported are {', '.join(GRAMMAR)}")
    definition.check(action)
    label = action.label if action.label is not None else f"@{len(draft.labels)}"
    if label in draft.labels:
        raise action.error(f"the label `{label}` is that of line {draft.labels[label].line}")
    others = [other for other in draft.labels.values() if not GRAMMAR[other.name].first]
    if definition.first and others:
        raise action.error(f"must come before {others[0].name} on line {others[0].line}")
    definition.translate(draft, action, definition.read(draft, action))
    draft.labels[label] = action


def _finish(draft: Draft) -> Translation:
    if not draft.models:
        raise UserError(f"{draft.path}: there is no METATOMIC, so there is nothing to evaluate")
    if not draft.scalars:
        raise UserError(
            f"{draft.path}: there is no scalar, such as SELECT_COMPONENTS or SUM make of the "
            "output of a model, so there is nothing to evaluate at every step"
        )
    tables = _tables()
    for action, section in draft.sections:
        table = GRAMMAR[action.name].table
        assert table is not None, f"{action.name} adds a section of no table"
        tables[table].append((action, section))
    # without a bias the scalars are what the run is for
    biased = draft.biased or set(draft.scalars)
    content: Content = {
        "models": draft.models,
        "cv": [section for name, section in draft.scalars.items() if name in biased],
        "quantity": [section for name, section in draft.scalars.items() if name not in biased],
        **{table: [section for _, section in pairs] for table, pairs in tables.items()},
        "units": {key: draft.units[key] for key in ("energy", "time")},
        "restart": draft.files.go_on(),
    }
    return Translation(content, _places(draft, content, tables), draft.tempered)


def _places(
    draft: Draft, content: Content, tables: Mapping[str, list[tuple[Action, Content]]]
) -> Places:
    places: dict[tuple[int | str, int | str], str] = {
        ("models", label): draft.labels[label].place() for label in draft.models
    }
    for table, pairs in tables.items():
        places |= {(table, k): action.place() for k, (action, _) in enumerate(pairs)}
    for key in ("cv", "quantity"):
        for k, section in enumerate(content[key]):
            places[key, k] = draft.labels[section["name"].partition(".")[0]].place()
    return places
