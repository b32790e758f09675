"""From actions to the content of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input import biases, models, printing, quantities, setup
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.grammar import check
from ipi_mtd.plumed_input.parser import parse

SETTINGS = ("models", "cv", "quantity", "metad", "wall", "colvar", "units", "restart")
"""The keys of a configuration that PLUMED's input fills in."""

_READERS: Mapping[str, Callable[[Draft, Action], None]] = {
    "UNITS": setup.read_units,
    "RESTART": setup.read_restart,
    "METATOMIC": models.read_metatomic,
    "SELECT_COMPONENTS": quantities.read_select_components,
    "SUM": quantities.read_sum_or_mean,
    "MEAN": quantities.read_sum_or_mean,
    "HIGHEST": quantities.read_highest_or_lowest,
    "LOWEST": quantities.read_highest_or_lowest,
    "BETWEEN": quantities.read_between,
    "METAD": biases.read_metad,
    "UPPER_WALLS": biases.read_walls,
    "LOWER_WALLS": biases.read_walls,
    "PRINT": printing.read_print,
    "FLUSH": printing.read_flush,
}


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
    places: Mapping[tuple[int | str, int | str], str]
    tempered: Sequence[tuple[Action, str]] = ()

    def require_temperature(self) -> None:
        """Refuse what needs a temperature that nobody has said.

        Raises
        ------
        UserError
            Which names the action and the keyword.
        """
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
    for k, action in enumerate(parse(text, path)):
        check(action)
        label = action.label if action.label is not None else f"@{k}"
        if label in draft.labels:
            raise action.error(f"the label `{label}` is that of line {draft.labels[label].line}")
        _READERS[action.name](draft, action)
        draft.labels[label] = action
    return _finish(draft)


def _finish(draft: Draft) -> Translation:
    if not draft.models:
        raise UserError(f"{draft.path}: there is no METATOMIC, so there is nothing to evaluate")
    if not draft.scalars:
        raise UserError(
            f"{draft.path}: there is no scalar, such as SELECT_COMPONENTS or SUM make of the "
            "output of a model, so there is nothing to evaluate at every step"
        )
    # without a bias the scalars are what the run is for
    biased = draft.biased or set(draft.scalars)
    content: Content = {
        "models": draft.models,
        "cv": [section for name, section in draft.scalars.items() if name in biased],
        "quantity": [section for name, section in draft.scalars.items() if name not in biased],
        "metad": [section for _, section in draft.metads],
        "wall": [section for _, section in draft.walls],
        "colvar": [section for _, section in draft.prints],
        "units": {"energy": draft.energy, "time": draft.time},
        "restart": printing.restarts(draft),
    }
    tempered = [
        (action, "BIASFACTOR" if "bias_factor" in metad else "CALC_RCT")
        for action, metad in draft.metads
        if ("bias_factor" in metad or metad["rct"]) and "temperature" not in metad
    ]
    return Translation(content, _places(draft, content), tempered)


def _places(draft: Draft, content: Content) -> dict[tuple[int | str, int | str], str]:
    places: dict[tuple[int | str, int | str], str] = {
        ("models", label): draft.labels[label].place() for label in draft.models
    }
    for key, pairs in (("metad", draft.metads), ("wall", draft.walls), ("colvar", draft.prints)):
        places |= {(key, k): action.place() for k, (action, _) in enumerate(pairs)}
    for key in ("cv", "quantity"):
        for k, section in enumerate(content[key]):
            places[key, k] = draft.labels[section["name"].partition(".")[0]].place()
    return places
