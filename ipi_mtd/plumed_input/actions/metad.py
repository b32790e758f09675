"""METAD: a metadynamics bias."""

from __future__ import annotations

import math

from ipi_mtd.periods import same_period
from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.plumed_input.keywords import (
    UPDATE_TIMES,
    Flag,
    Keyword,
    Refused,
    each_cv,
    energy,
    one,
    required,
    restart,
)
from ipi_mtd.written_number import WrittenNumber

_MOST_BINS = 1_000_000
"""Along one CV; more are a slip of the keyboard."""

_TINIEST = 1e-100
"""Bins of this width are a slip of the keyboard."""


def _bias_factor(text: str) -> float:
    value = values.positive(text)
    if value < 1.0:
        raise ValueError("must be at least 1")
    return value


def _kelvin(text: str) -> str:
    return f"{values.positive(text)!r} K"


def _metad(draft: Draft, action: Action, given: Given) -> None:
    name, grid = action.called, _grid(draft, action, given)
    draft.add(action, {"name": name, "grid": grid, **given.section})
    draft.files.take(action, given["FILE"], given.get("RESTART"))
    components = ["bias"]
    if given["CALC_RCT"]:
        if not grid:
            raise action.error("needs a grid: give GRID_MIN and GRID_MAX", "CALC_RCT")
        components = ["bias", "rbias", "rct"]
    draft.components[name] = {part: f"{name}.{part}" for part in components}
    for key in ("BIASFACTOR", "CALC_RCT"):
        if given.get(key) and "TEMP" not in given:
            draft.needs_temperature(action, key)


def _grid(draft: Draft, action: Action, given: Given) -> Content | bool:
    """The grid; without one PLUMED sums the hills themselves, and so do we."""
    keys = [key for key in given if key.startswith("GRID_")]
    if not keys:
        return False
    for key in ("GRID_MIN", "GRID_MAX"):
        if key not in given:
            raise action.error(f"needs `{key}`", keys[0])
    n = len(given["ARG"])
    if n > 3:
        raise action.error(
            f"a grid is for one to three CVs, got {n}: leave it out, and the hills are summed",
            "GRID_MIN",
        )
    lower, upper, bins = given["GRID_MIN"], given["GRID_MAX"], given.get("GRID_BIN", [1] * n)
    spacing = None if "GRID_BIN" in given else [0.2 * width for width in given["SIGMA"]]
    spacing = given.get("GRID_SPACING", spacing)
    for k, (cv, low, high) in enumerate(zip(given["ARG"], lower, upper, strict=True)):
        if not low < high:
            raise action.error(f"must be above GRID_MIN for `{cv}`, got {high}", "GRID_MAX")
        if spacing is not None:
            bins[k] = max(bins[k], math.ceil(min((high - low) / spacing[k], 2.0**31)))
        if bins[k] > _MOST_BINS:
            raise action.error(f"makes {bins[k]} bins of the grid of `{cv}`", keys[-1])
        if not _TINIEST < (high - low) / bins[k] < 1.0 / _TINIEST:
            raise action.error(f"makes bins of `{cv}` that no CV can tell apart", "GRID_MAX")
        period = draft.scalars[cv].get("period")
        if period is not None and not same_period((low, high), period):
            whole = " and ".join(bound.text for bound in period)
            raise action.error(f"and GRID_MAX of `{cv}` must be its period, {whole}", "GRID_MIN")
        lower[k], upper[k] = period or (low, high)
    # PLUMED's threshold, in its unit, whatever the number of CVs
    return {"min": lower, "max": upper, "bins": bins, "tiny": draft.quantity(1e-7)}


METAD = Definition(
    "METAD",
    {
        "ARG": required(Draft.bias_on, "cvs"),
        "SIGMA": required(each_cv(values.positive), "sigma"),
        "HEIGHT": required(energy, "height"),
        "PACE": required(one(values.count), "pace"),
        "BIASFACTOR": Keyword(one(_bias_factor), "bias_factor"),
        "TEMP": Keyword(one(_kelvin), "temperature"),
        "FILE": Keyword(one(values.file_name), "file", default="HILLS"),
        "GRID_MIN": Keyword(each_cv(WrittenNumber)),
        "GRID_MAX": Keyword(each_cv(WrittenNumber)),
        "GRID_BIN": Keyword(each_cv(values.count)),
        "GRID_SPACING": Keyword(each_cv(values.positive)),
        "RESTART": Keyword(restart),
        "CALC_RCT": Flag("rct"),
        "FMT": Refused(
            "is not supported: HILLS keeps all digits, or a restart would be another run"
        ),
        "TAU": Refused("is not supported: give HEIGHT"),
        **UPDATE_TIMES,
    },
    _metad,
    table="metad",
)
