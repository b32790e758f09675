"""The kinds of values that keys have: quantities with their unit, numbers, paths, names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo

from ipi_mtd import units


def _quantity(to: str) -> BeforeValidator:
    def convert(value: object) -> float:
        return units.parse(value if isinstance(value, str) else str(value), to)

    return BeforeValidator(convert)


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("must be a path")
    return Path(info.context, value) if info.context else Path(value)


def _unit_of(dimension: str) -> BeforeValidator:
    def check(unit: str) -> str:
        units.factor(unit, dimension)
        return unit

    return BeforeValidator(check)


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


Energy: TypeAlias = Annotated[float, _quantity("hartree"), Field(allow_inf_nan=False)]
Length: TypeAlias = Annotated[float, _quantity("bohr"), Field(gt=0, allow_inf_nan=False)]
Time: TypeAlias = Annotated[float, _quantity("ps"), Field(gt=0, allow_inf_nan=False)]
Temperature: TypeAlias = Annotated[float, _quantity("K"), Field(gt=0, allow_inf_nan=False)]
RelativePath: TypeAlias = Annotated[Path, BeforeValidator(_path)]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Period: TypeAlias = tuple[Number, Number]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]*[A-Za-z0-9_\-]$")]
NumberFormat: TypeAlias = Annotated[str, Field(pattern=r"^%[-+ #0]*[0-9]*(\.[0-9]*)?l?[feEgG]$")]
Element: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
EnergyUnit: TypeAlias = Annotated[str, _unit_of("hartree")]
LengthUnit: TypeAlias = Annotated[str, _unit_of("bohr")]
TimeUnit: TypeAlias = Annotated[str, _unit_of("ps")]
OneOrMore = BeforeValidator(_one_or_more)
