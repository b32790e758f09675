"""The kinds of values that keys have: quantities with their unit, numbers, paths, names."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ipi_mtd import units
from ipi_mtd.written_number import WrittenNumber


@dataclass(frozen=True, slots=True)
class Words:
    """What a person calls values of a kind, in `docs/configuration.md`."""

    one: str
    several: str


def _quantity(to: str) -> BeforeValidator:
    def convert(value: object) -> float:
        if type(value) in (int, float) and value == 0:
            return 0.0  # in any unit
        return units.parse(value if isinstance(value, str) else str(value), to)

    return BeforeValidator(convert)


def _example(unit: str) -> Words:
    kind, example = units.EXAMPLES[unit]
    plural = kind.removesuffix("y") + "ies" if kind.endswith("y") else f"{kind}s"
    return Words(f'{kind} such as `"{example}"`', f'{plural} such as `"{example}"`')


def _unit_words(unit: str) -> Words:
    kind, _ = units.EXAMPLES[unit]
    return Words(f"unit of {kind}", f"units of {kind}")


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("must be a path")
    return Path(info.context, value) if info.context else Path(value)


def _unit_of(dimension: str) -> BeforeValidator:
    def check(unit: str) -> str:
        units.factor(unit, dimension)
        return unit

    return BeforeValidator(check)


def _number(value: object) -> object:
    """A string is read as PLUMED reads it; one that is no number is left for pydantic to refuse."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return WrittenNumber(value)
    return value


def _as_written(value: object, validate: ValidatorFunctionWrapHandler) -> float:
    """The number with its text: ``360.0`` in TOML is not ``360``; pi has no digits to keep."""
    number = _number(value)
    validated: float = validate(number)
    if type(value) in (int, float) and abs(validated) != math.pi:
        return WrittenNumber(repr(value))
    return number if isinstance(number, WrittenNumber) else validated


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


Energy: TypeAlias = Annotated[
    float, _quantity("hartree"), _example("hartree"), Field(allow_inf_nan=False)
]
Length: TypeAlias = Annotated[
    float, _quantity("bohr"), _example("bohr"), Field(gt=0, allow_inf_nan=False)
]
Time: TypeAlias = Annotated[
    float, _quantity("ps"), _example("ps"), Field(gt=0, allow_inf_nan=False)
]
Temperature: TypeAlias = Annotated[
    float, _quantity("K"), _example("K"), Field(gt=0, allow_inf_nan=False)
]
RelativePath: TypeAlias = Annotated[Path, BeforeValidator(_path)]
Number: TypeAlias = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
Bound: TypeAlias = Annotated[Number, WrapValidator(_as_written)]
Period: TypeAlias = tuple[Bound, Bound]
Name: TypeAlias = Annotated[
    str, Words("name", "names"), Field(pattern=r"^[A-Za-z0-9_.\-]*[A-Za-z0-9_\-]$")
]
NumberFormat: TypeAlias = Annotated[
    str,
    Words('format such as `"%.6f"`', 'formats such as `"%.6f"`'),
    Field(pattern=r"^%[-+ #0]*[0-9]*(\.[0-9]*)?l?[feEgG]$"),
]
Element: TypeAlias = Annotated[
    str,
    Words('element such as `"2"`', 'elements such as `"2"` or `"3.2"`'),
    Field(pattern=r"^[0-9]+(\.[0-9]+)?$"),
]
EnergyUnit: TypeAlias = Annotated[str, _unit_of("hartree"), _unit_words("hartree")]
LengthUnit: TypeAlias = Annotated[str, _unit_of("bohr"), _unit_words("bohr")]
TimeUnit: TypeAlias = Annotated[str, _unit_of("ps"), _unit_words("ps")]
OneOrMore = BeforeValidator(_one_or_more)
