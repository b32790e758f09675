"""METAD, UPPER_WALLS and LOWER_WALLS."""

from __future__ import annotations

import math

from ipi_mtd.periods import same_period
from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft
from ipi_mtd.written_number import WrittenNumber

_TINIEST = 1e-100
"""Bins of this width are a slip of the keyboard."""


def read_metad(draft: Draft, action: Action) -> None:
    """A metadynamics bias.

    Raises
    ------
    UserError
        If a keyword makes no sense.
    """
    cvs = draft.bias_on(action)
    metad: Content = {
        "name": _name(action),
        "cvs": cvs,
        "sigma": action.values("SIGMA", values.positive, len(cvs)),
        "height": draft.quantity(action.value("HEIGHT", values.not_negative)),
        "pace": action.value("PACE", values.count),
        "file": draft.take_file(action, _file(action)),
        "rct": "CALC_RCT" in action.flags,
    }
    metad["grid"] = _grid(draft, action, cvs, metad["sigma"])
    if "BIASFACTOR" in action.keywords:
        metad["bias_factor"] = action.value("BIASFACTOR", _bias_factor)
    if "TEMP" in action.keywords:
        metad["temperature"] = f"{action.value('TEMP', values.positive)!r} K"
    components = ["bias"]
    if metad["rct"]:
        if not metad["grid"]:
            raise action.error("needs a grid: give GRID_MIN and GRID_MAX", "CALC_RCT")
        components = ["bias", "rbias", "rct"]
    draft.components[metad["name"]] = {part: f"{metad['name']}.{part}" for part in components}
    draft.metads.append((action, metad))


def read_walls(draft: Draft, action: Action) -> None:
    """Walls on one or more CVs.

    Raises
    ------
    UserError
        If a keyword makes no sense.
    """
    cvs = draft.bias_on(action)
    n = len(cvs)
    wall: Content = {
        "name": _name(action),
        "side": "upper" if action.name == "UPPER_WALLS" else "lower",
        "cv": cvs,
        "at": action.values("AT", WrittenNumber, n),
        "kappa": [draft.quantity(k) for k in action.values("KAPPA", values.not_negative, n)],
    }
    if "EXP" in action.keywords:
        wall["exponent"] = action.values("EXP", values.positive, n)
    if "EPS" in action.keywords:
        wall["eps"] = action.values("EPS", values.positive, n)
    if "OFFSET" in action.keywords:
        wall["offset"] = action.values("OFFSET", WrittenNumber, n)
    # an element that is selected is a vector of length one, and PLUMED makes a wall on vectors of
    # other actions, whose names show in the files
    sections = [draft.scalars[cv] for cv in cvs]
    selected = all("elements" in section and "reduce" not in section for section in sections)
    dot = "_" if selected else "."
    draft.components[wall["name"]] = {
        part: f"{wall['name']}{dot}{part}" for part in ("bias", "force2")
    }
    draft.walls.append((action, wall))


def _name(action: Action) -> str:
    return action.label or f"{action.name.lower()}-line-{action.line}"


def _file(action: Action) -> str:
    return action.value("FILE", values.file_name) if "FILE" in action.keywords else "HILLS"


def _bias_factor(text: str) -> float:
    value = values.positive(text)
    if value < 1.0:
        raise ValueError("must be at least 1")
    return value


def _grid(draft: Draft, action: Action, cvs: list[str], sigma: list[float]) -> Content | bool:
    """The grid; without one PLUMED sums the hills themselves, and so do we."""
    keys = ("GRID_MIN", "GRID_MAX", "GRID_BIN", "GRID_SPACING")
    given = [key for key in keys if key in action.keywords]
    if not given:
        return False
    for key in ("GRID_MIN", "GRID_MAX"):
        if key not in given:
            raise action.error(f"needs `{key}`", given[0])
    n = len(cvs)
    if n > 3:
        raise action.error(
            f"a grid is for one to three CVs, got {n}: leave it out, and the hills are summed",
            "GRID_MIN",
        )
    lower = action.values("GRID_MIN", WrittenNumber, n)
    upper = action.values("GRID_MAX", WrittenNumber, n)
    bins = [1] * n
    if "GRID_BIN" in given:
        bins = action.values("GRID_BIN", values.count, n)
    spacing = None if "GRID_BIN" in given else [0.2 * width for width in sigma]
    if "GRID_SPACING" in given:
        spacing = action.values("GRID_SPACING", values.positive, n)
    for k, (cv, low, high) in enumerate(zip(cvs, lower, upper, strict=True)):
        if not low < high:
            raise action.error(f"must be above GRID_MIN for `{cv}`, got {high}", "GRID_MAX")
        if spacing is not None:
            bins[k] = max(bins[k], math.ceil(min((high - low) / spacing[k], 2.0**31)))
        if bins[k] > values.MOST_BINS:
            raise action.error(f"makes {bins[k]} bins of the grid of `{cv}`", given[-1])
        if not _TINIEST < (high - low) / bins[k] < 1.0 / _TINIEST:
            raise action.error(f"makes bins of `{cv}` that no CV can tell apart", "GRID_MAX")
        period = draft.scalars[cv].get("period")
        if period is not None and not same_period((low, high), period):
            whole = " and ".join(bound.text for bound in period)
            raise action.error(f"and GRID_MAX of `{cv}` must be its period, {whole}", "GRID_MIN")
        lower[k], upper[k] = period or (low, high)
    # PLUMED's threshold, in its unit, whatever the number of CVs
    return {"min": lower, "max": upper, "bins": bins, "tiny": draft.quantity(1e-7)}
