"""The actions and keywords that are supported; any other is an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ipi_mtd.plumed_input.action import Action


@dataclass(frozen=True)
class Grammar:
    """What can be written on an action.

    Parameters
    ----------
    required, optional : keywords, with a value
    flags : words without one
    numbered : keywords that may also have a number behind them
    refused : keywords of PLUMED that are an error here, and why
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.optional, *self.numbered, *self.flags)


_UPDATED_LATER = "is not supported: i-PI does not say the time"
_WALLS = Grammar(("ARG", "AT", "KAPPA"), ("EXP", "EPS", "OFFSET"))

GRAMMAR = {
    "UNITS": Grammar(
        optional=("LENGTH", "ENERGY", "TIME"),
        refused={
            "NATURAL": "is not supported: i-PI has units",
            "MASS": "is not supported: nothing here depends on it",
            "CHARGE": "is not supported: nothing here depends on it",
        },
    ),
    "RESTART": Grammar(flags=("NO",)),
    "METATOMIC": Grammar(
        required=("MODEL",),
        optional=(
            "EXTENSIONS_DIRECTORY",
            "DEVICE",
            "SPECIES_TO_TYPES",
            "SELECTED_ATOMS",
            "VARIANT",
        ),
        flags=("CHECK_CONSISTENCY",),
        numbered=("SPECIES",),
    ),
    "SELECT_COMPONENTS": Grammar(("ARG", "COMPONENTS")),
    "SUM": Grammar(("ARG", "PERIODIC")),
    "MEAN": Grammar(("ARG", "PERIODIC")),
    "HIGHEST": Grammar(("ARG",)),
    "LOWEST": Grammar(("ARG",)),
    "BETWEEN": Grammar(("ARG",), ("LOWER", "UPPER", "SMEAR", "SWITCH")),
    "METAD": Grammar(
        required=("ARG", "SIGMA", "HEIGHT", "PACE"),
        optional=(
            "BIASFACTOR",
            "TEMP",
            "FILE",
            "GRID_MIN",
            "GRID_MAX",
            "GRID_BIN",
            "GRID_SPACING",
            "RESTART",
        ),
        flags=("CALC_RCT",),
        refused={
            "FMT": "is not supported: HILLS keeps all digits, or a restart would be another run",
            "TAU": "is not supported: give HEIGHT",
            "UPDATE_FROM": _UPDATED_LATER,
            "UPDATE_UNTIL": _UPDATED_LATER,
        },
    ),
    "UPPER_WALLS": _WALLS,
    "LOWER_WALLS": _WALLS,
    "PRINT": Grammar(
        required=("ARG", "FILE"),
        optional=("STRIDE", "FMT", "RESTART"),
        refused={"UPDATE_FROM": _UPDATED_LATER, "UPDATE_UNTIL": _UPDATED_LATER},
    ),
    "FLUSH": Grammar(("STRIDE",)),
}

UNLABELED = ("UNITS", "RESTART", "PRINT", "FLUSH", "METAD", "UPPER_WALLS", "LOWER_WALLS")
"""The actions that make sense without a label."""


def check(action: Action) -> None:
    """Make sure that an action and every word on it are known.

    Raises
    ------
    UserError
        Which names the word, and what is supported.
    """
    grammar = GRAMMAR.get(action.name)
    if grammar is None:
        hint = _guess(action.name, GRAMMAR)
        raise action.error(f"is not supported{hint}; supported are {', '.join(GRAMMAR)}")
    for key in (*action.keywords, *action.flags):
        _check_word(action, grammar, key)
    for key in grammar.required:
        if key not in action.keywords:
            raise action.error(f"`{key}` is missing")
    if action.label is None and action.name not in UNLABELED:
        raise action.error("needs a label: without one, nothing can use it")


def _check_word(action: Action, grammar: Grammar, key: str) -> None:
    if key in grammar.refused:
        raise action.error(grammar.refused[key], key)
    numbered = key.rstrip("0123456789") in grammar.numbered
    if key not in grammar.words and not numbered:
        raise action.error(
            f"is not supported{_guess(key, grammar.words)}; "
            f"{action.name} has {', '.join(grammar.words)}",
            key,
        )
    if key in action.flags and key not in grammar.flags:
        raise action.error("needs a value behind a `=`, without blanks around it", key)
    if key in action.keywords and key in grammar.flags:
        raise action.error("is a flag, it has no value", key)


def _guess(word: str, known: Iterable[str]) -> str:
    guess = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {guess[0]}?" if guess else ""
