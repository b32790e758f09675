"""Units: hartree and bohr inside, whatever the user writes at the borders.

The names and factors are metatomic's, which PLUMED and LAMMPS share: the calorie is 4.184 J.
(i-PI's own ``kilocal/mol`` is the international calorie of 4.1868 J.) They are repeated here:
reading a configuration then does not take the seconds that metatomic takes to load torch.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable
from typing import TypeAlias

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


_Measure: TypeAlias = tuple[float, tuple[int, ...]]
"""A value in SI units, and the exponents of meter, kilogram, second and kelvin."""

_LENGTH, _ENERGY, _TIME, _MASS = (1, 0, 0, 0), (2, 1, -2, 0), (0, 0, 1, 0), (0, 1, 0, 0)
_NUMBER, _KELVIN = (0, 0, 0, 0), (0, 0, 0, 1)

_UNITS: dict[str, _Measure] = {
    name: (value, dimension)
    for dimension, values in {
        _LENGTH: {
            **dict.fromkeys(("meter", "m"), 1.0),
            **dict.fromkeys(("centimeter", "cm"), 1e-2),
            **dict.fromkeys(("millimeter", "mm"), 1e-3),
            **dict.fromkeys(("micrometer", "um", "μm"), 1e-6),
            **dict.fromkeys(("nanometer", "nm"), 1e-9),
            **dict.fromkeys(("angstrom", "a"), 1e-10),
            "bohr": 5.2917721054482e-11,
        },
        _ENERGY: {
            **dict.fromkeys(("joule", "j"), 1.0),
            "kj": 1e3,
            "kcal": 4184.0,
            "ev": 1.602176634e-19,
            "mev": 1.6021766339999998e-22,
            "hartree": 4.359744722206048e-18,
            **dict.fromkeys(("rydberg", "ry"), 2.179872361103024e-18),
        },
        _TIME: {
            **dict.fromkeys(("second", "s"), 1.0),
            **dict.fromkeys(("millisecond", "ms"), 1e-3),
            **dict.fromkeys(("microsecond", "us", "μs"), 1e-6),
            **dict.fromkeys(("nanosecond", "ns"), 1e-9),
            **dict.fromkeys(("picosecond", "ps"), 1e-12),
            **dict.fromkeys(("femtosecond", "fs"), 1e-15),
        },
        _MASS: {"kg": 1.0, "g": 1e-3},
        _NUMBER: {"mol": 6.02214076e23},
        _KELVIN: {"k": 1.0, "kelvin": 1.0},
    }.items()
    for name, value in values.items()
}
"""Upper and lower case are the same; Python reads the micro sign as the Greek letter."""


def factor(unit: str, to: str) -> float:
    """What a number in one unit is multiplied with to be in another.

    Parameters
    ----------
    unit, to : names of units, or products, quotients and powers of them: ``kcal/mol``

    Raises
    ------
    ValueError
        If a unit is not known or measures something else.
    """
    if unit == to:
        return 1.0
    (value, dimension), (other_value, other_dimension) = _measure(unit), _measure(to)
    if dimension != other_dimension:
        raise ValueError(f"dimension mismatch: '{unit}' does not measure what '{to}' does")
    if to == "hartree" and value / other_value > 1e6:
        raise ValueError(f"'{unit}' is a macroscopic energy; did you mean '{unit}/mol'?")
    return value / other_value


def _measure(unit: str) -> _Measure:
    try:
        return _evaluated(ast.parse(unit.strip().replace("^", "**"), mode="eval").body)
    except (SyntaxError, _NotAUnit) as error:
        raise ValueError(f"'{unit}' is no unit") from error


class _NotAUnit(Exception):
    """An expression that means nothing here."""


def _evaluated(node: ast.expr) -> _Measure:
    match node:
        case ast.Name(id=name):
            if name.lower() not in _UNITS:
                guess = difflib.get_close_matches(name.lower(), _UNITS, n=1)
                hint = f"; did you mean '{guess[0]}'?" if guess else ""
                raise ValueError(f"unknown unit '{name}'{hint}")
            return _UNITS[name.lower()]
        case ast.Constant(value=int() | float() as number) if number > 0:
            return float(number), _NUMBER
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            (value, dimension), power = _evaluated(left), _power(right)
            return value**power, tuple(power * n for n in dimension)
        case ast.BinOp(left=left, op=(ast.Mult() | ast.Div()) as op, right=right):
            of_values, of_dimensions = _OPERATORS[type(op)]
            (a, da), (b, db) = _evaluated(left), _evaluated(right)
            return of_values(a, b), tuple(map(of_dimensions, da, db))
    raise _NotAUnit


def _power(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
            return -number
    raise _NotAUnit


_OPERATORS: dict[
    type[ast.operator], tuple[Callable[[float, float], float], Callable[[int, int], int]]
] = {
    ast.Mult: (operator.mul, operator.add),
    ast.Div: (operator.truediv, operator.sub),
}


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
