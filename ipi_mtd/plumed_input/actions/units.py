"""UNITS: of the numbers in the input and in the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipi_mtd import units
from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.keywords import Keyword, Refused, one

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


def _unit(names: Mapping[str, str], default: str, inside: str) -> Callable[[str], str]:
    """Reads a name, or a number of the default unit, which can be converted to that `inside`."""

    def convert(text: str) -> str:
        if text in names:
            return names[text]
        try:
            unit = f"{values.positive(text)!r}*{default}"
            units.factor(unit, inside)
        except ValueError as error:
            rule = f"must be one of {', '.join(names)}, or a number of {default}"
            raise ValueError(rule) from error
        return unit

    return convert


def _units(draft: Draft, action: Action, given: Given) -> None:
    if any(other.name == action.name for other in draft.labels.values()):
        raise action.error("stands twice")
    draft.units |= given.section


UNITS = Definition(
    "UNITS",
    {
        "LENGTH": Keyword(one(_unit(LENGTHS, "nm", "bohr")), "length"),
        "ENERGY": Keyword(one(_unit(ENERGIES, "kJ/mol", "hartree")), "energy"),
        "TIME": Keyword(one(_unit(TIMES, "ps", "ps")), "time"),
        "NATURAL": Refused("is not supported: i-PI has units"),
        "MASS": Refused("is not supported: nothing here depends on it"),
        "CHARGE": Refused("is not supported: nothing here depends on it"),
    },
    _units,
    first=True,
)
