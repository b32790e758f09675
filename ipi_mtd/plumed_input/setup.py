"""UNITS and RESTART, which come before all other actions."""

from __future__ import annotations

from ipi_mtd import units
from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Draft

# PLUMED's own factors: with others, the heights of well-tempered hills would be different ones
LENGTHS = {"nm": "nm", "A": "angstrom", "um": "um", "Bohr": "bohr"}
ENERGIES = {
    "kj/mol": "kJ/mol",
    "kcal/mol": "kcal/mol",
    "j/mol": "0.001*kJ/mol",
    "eV": "96.48530749925792*kJ/mol",
    "Ha": "2625.499638*kJ/mol",
}
TIMES = {"ps": "ps", "fs": "fs", "ns": "ns", "atomic": "2.418884326509e-5*ps"}

_INSIDE = {"nm": "bohr", "kJ/mol": "hartree", "ps": "ps"}
"""What a number of each default unit is converted to, which must be possible."""


def read_units(draft: Draft, action: Action) -> None:
    """The units of the input and of the files.

    Raises
    ------
    UserError
        If a unit is not known.
    """
    _require_first(draft, action)
    if any(other.name == "UNITS" for other in draft.labels.values()):
        raise action.error("stands twice")
    if "LENGTH" in action.keywords:
        draft.length = _unit(action, "LENGTH", LENGTHS, "nm")
    if "ENERGY" in action.keywords:
        draft.energy = _unit(action, "ENERGY", ENERGIES, "kJ/mol")
    if "TIME" in action.keywords:
        draft.time = _unit(action, "TIME", TIMES, "ps")


def read_restart(draft: Draft, action: Action) -> None:
    """Whether the run goes on with what is in its files.

    Raises
    ------
    UserError
        If it does not come first.
    """
    _require_first(draft, action)
    draft.restart = "NO" not in action.flags


def _require_first(draft: Draft, action: Action) -> None:
    others = [other for other in draft.labels.values() if other.name not in ("UNITS", "RESTART")]
    if others:
        raise action.error(f"must come before {others[0].name} on line {others[0].line}")


def _unit(action: Action, key: str, names: dict[str, str], default: str) -> str:
    text = action.text(key)
    if text in names:
        return names[text]
    try:
        unit = f"{values.positive(text)!r}*{default}"
        units.factor(unit, _INSIDE[default])
    except ValueError as error:
        rule = f"must be one of {', '.join(names)}, or a number of {default}"
        raise action.error(f"{rule}, got '{text}'", key) from error
    return unit
