"""Pictures of a free energy, with matplotlib's objects and no global state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ipi_mtd.analysis.free_energy import FreeEnergy
from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError

if TYPE_CHECKING:  # matplotlib takes a second to import, so only who draws pays for it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#1b4b72"
_MARK = "#b3372f"
_LEVELS = 25


def plot_free_energy(
    F: FreeEnergy,
    energy_unit: str,
    labels: Sequence[str] | None = None,
    references: Sequence[tuple[str, Sequence[float]]] = (),
    visited: FloatArray | None = None,
    highest: float | None = None,
) -> Figure:
    """Draw a free energy of one CV as a curve with its error band, of two as filled contours.

    With two CVs the error is drawn beside it. What is not known is left blank.

    Parameters
    ----------
    F : FreeEnergy
        Shown where there is a hill.
    energy_unit : str
    labels : one str for each CV, optional
        With the unit; the names of the CVs by default.
    references : sequence of (str, d floats in units of the CVs)
        Known structures, to be marked and named; those outside of the axes are left out.
    visited : (n, d) array, units of the CVs, optional
        Where the run has been, drawn faintly.
    highest : float, energy, optional
        The top of the energy scale; that of what is shown by default.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    UserError
        If the free energy has more than two CVs, or a reference or label is missing a coordinate.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    d = len(F.axes)
    if d > 2:
        raise UserError(
            f"a picture can show one or two CVs, got {d}; project the free energy first"
        )
    labels = [axis.name for axis in F.axes] if labels is None else labels
    for what, given in (("labels", labels), *references):
        if len(given) != d:
            raise UserError(f"{what}: expected {d}, one for each CV, got {len(given)}")
    n_panels = 2 if d == 2 and F.error is not None else 1
    figure = Figure(figsize=(4.8 * n_panels, 3.6), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, n_panels, 1)
    marks = [(name, place) for name, s in references if (place := _inside(F, s)) is not None]
    if d == 1:
        _curve(axes, F, highest, visited)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(f"free energy ({energy_unit})")
    else:
        _contours(axes, F, F.values, f"free energy ({energy_unit})", "viridis", highest)
        _places(axes, labels, visited)
    for name, place in marks:
        _mark(axes, F, name, place)
    if d == 2 and F.error is not None:
        axes = figure.add_subplot(1, 2, 2)
        _contours(axes, F, F.error, f"standard error ({energy_unit})", "magma", None)
        _places(axes, labels, None)
    return figure


def save_free_energy(path: Path, F: FreeEnergy, energy_unit: str, **options: Any) -> None:
    """Write the picture of `plot_free_energy`, with its options, in the format of the suffix."""
    plot_free_energy(F, energy_unit, **options).savefig(path)


def _inside(F: FreeEnergy, s: Sequence[float]) -> list[float] | None:
    """The place of a mark on the axes, None if it is outside."""
    place = [axis.wrapped(x) for axis, x in zip(F.axes, s, strict=True)]
    return None if None in place else [x for x in place if x is not None]


def _curve(axes: Axes, F: FreeEnergy, highest: float | None, visited: FloatArray | None) -> None:
    s = F.axes[0].points
    values = np.where(_outer_tails(F), np.nan, F.values)
    top = float(np.nanmax(values))
    if F.error is not None:
        top = float(np.nanmax([values, values + F.error]))
        axes.fill_between(s, values - F.error, values + F.error, color=_INK, alpha=0.22, lw=0)
    top = top if highest is None else highest
    axes.plot(s, values, color=_INK, lw=1.6)
    axes.set_xlim(s[0], s[-1])
    axes.set_ylim(-0.08 * top, 1.08 * top)
    axes.spines[["top", "right"]].set_visible(False)
    if visited is not None:  # ticks along the bottom
        bottom = np.full(len(visited), -0.055 * top)
        axes.plot(visited[:, 0], bottom, "|", color="0.4", ms=4, alpha=0.15)


def _outer_tails(F: FreeEnergy) -> npt.NDArray[np.bool_]:
    """Where there is nothing but the tails of the outermost hills, or no hill at all.

    What is as high as the tails but within the landscape is a barrier, and no tail.
    """
    from scipy.ndimage import label

    regions, _ = label(~F.reached | (F.values > 0.98 * F.values.max()))
    outside = [regions[~F.reached]]
    for j, axis in enumerate(F.axes):
        if not axis.periodic:
            outside += [regions.take(end, axis=j).ravel() for end in (0, -1)]
    tails: npt.NDArray[np.bool_] = np.isin(regions, np.concatenate(outside)) & (regions > 0)
    return tails


def _contours(
    axes: Axes, F: FreeEnergy, z: FloatArray, label: str, colors: str, highest: float | None
) -> None:
    """Filled contours where there is a value; above `highest` all is of one color."""
    from matplotlib.ticker import MaxNLocator

    x, y = (axis.points for axis in F.axes)
    shown = np.ma.masked_array(z, _outer_tails(F) | np.isnan(z)).T
    most = float(shown.filled(0.0).max())
    top = (most or 1.0) if highest is None else highest  # where nothing is known, any
    levels = np.asarray(MaxNLocator(_LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, top))
    levels = levels[levels < top]
    extend = "max" if most > top else "neither"
    filled = axes.contourf(x, y, shown, [*levels, top], cmap=colors, extend=extend)
    axes.contour(x, y, shown, levels[::4], colors="white", linewidths=0.4, alpha=0.7)
    axes.figure.colorbar(filled, ax=axes, label=label, ticks=levels[::4])
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])


def _places(axes: Axes, labels: Sequence[str], visited: FloatArray | None) -> None:
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    if visited is not None:
        axes.plot(visited[:, 0], visited[:, 1], ".", color="0.1", ms=1.5, mew=0, alpha=0.4)


def _mark(axes: Axes, F: FreeEnergy, name: str, s: Sequence[float]) -> None:
    """Mark a point of the plane, or the curve where it passes above the point, and name it."""
    if len(s) == 1:
        height = min(float(np.interp(s[0], F.axes[0].points, F.values)), axes.get_ylim()[1])
        point, offset, aligned = (s[0], height), (0, 9), "center"
    else:
        right = s[0] < 0.5 * (F.axes[0].lower + F.axes[0].upper)  # where there is room
        point, offset, aligned = (s[0], s[1]), (7 if right else -7, 7), "left" if right else "right"
    axes.plot(*point, "o", color=_MARK, ms=5, mec="white", mew=0.8, zorder=5, clip_on=False)
    axes.annotate(
        name,
        point,
        xytext=offset,
        textcoords="offset points",
        ha=aligned,
        fontsize=8,
        color=_MARK,
        zorder=6,
        bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
    )
