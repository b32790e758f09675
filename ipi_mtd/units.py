"""Units: hartree and bohr inside, whatever the user writes at the borders.

The factors are metatomic's, which PLUMED and LAMMPS share: the calorie is 4.184 J. (i-PI's own
``kilocal/mol`` is the international calorie of 4.1868 J.)
"""

from __future__ import annotations

import re

BOLTZMANN_KJ_MOL = 0.0083144621
"""Boltzmann's constant in kJ/mol/K with the digits that PLUMED uses, so that well-tempered heights
agree with PLUMED's to the last digit; CODATA's differ by 6e-9."""

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")

EXAMPLES = {
    "hartree": ("energy", "0.04 kcal/mol"),
    "bohr": ("length", "3.4 angstrom"),
    "ps": ("time", "2.5 fs"),
    "K": ("temperature", "19.3 K"),
}
"""What each of our units measures, and how a user may write it."""


def factor(unit: str, to: str) -> float:
    """What a number in one unit is multiplied with to be in another.

    Raises
    ------
    ValueError
        If a unit is not known or measures something else.
    """
    if unit == to:
        return 1.0
    import metatomic.torch

    value = float(metatomic.torch.unit_conversion_factor(unit, to))
    if to == "hartree" and value > 1e6:
        raise ValueError(f"'{unit}' is a macroscopic energy; did you mean '{unit}/mol'?")
    return value


def boltzmann(energy_unit: str) -> float:
    """Boltzmann's constant in an energy unit per kelvin."""
    return BOLTZMANN_KJ_MOL * factor("kJ/mol", energy_unit)


def parse(text: str, to: str) -> float:
    """Read a number with its unit.

    Parameters
    ----------
    text : such as "0.04 kcal/mol"
    to : the unit of the result: hartree, bohr, ps or K

    Raises
    ------
    ValueError
        If there is no number, no unit, or a unit of something else.
    """
    kind, example = EXAMPLES[to]
    rule = f"must be {'an' if kind == 'energy' else 'a'} {kind} such as '{example}'"
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] is None:
        raise ValueError(f"{rule}, with its unit")
    try:
        return float(match[1]) * factor(match[2], to)
    except ValueError as error:
        raise ValueError(f"{rule}: {error}") from error
