"""From settings to a metadynamics bias: where its hills are summed, and their file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

from ipi_mtd.bias.grid import Grid
from ipi_mtd.bias.hill_sum import HillSum
from ipi_mtd.bias.hills_file import HillsFile
from ipi_mtd.bias.metad import Metad
from ipi_mtd.bias.reweighting import Box
from ipi_mtd.bias.surroundings import Surroundings

MOST_GRID_CVS = 3
"""On more CVs a grid takes too much memory: the hills are summed one by one then."""


class GridSettings(Protocol):
    """Where the nodes are; energies in hartree."""

    @property
    def min(self) -> Sequence[float] | None: ...
    @property
    def max(self) -> Sequence[float] | None: ...
    @property
    def bins(self) -> Sequence[int] | None: ...
    @property
    def spacing(self) -> Sequence[float] | None: ...
    @property
    def tiny(self) -> float | None: ...


class MetadSettings(Protocol):
    """What a user says of the bias; energies in hartree, temperatures in kelvin."""

    @property
    def sigma(self) -> Sequence[float]: ...
    @property
    def height(self) -> float: ...
    @property
    def pace(self) -> int: ...
    @property
    def bias_factor(self) -> float | None: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def rct(self) -> bool: ...
    @property
    def grid(self) -> GridSettings | Literal[False] | None: ...
    @property
    def file(self) -> str: ...


def make_metad(settings: MetadSettings, around: Surroundings) -> Metad:
    """The bias that the settings describe.

    Raises
    ------
    ValueError
        If they are not one for each CV, or as for `Metad`, `Grid` and `HillSum`.
    """
    temperature = settings.temperature or around.temperature
    return Metad(
        sigma=settings.sigma,
        height=settings.height * around.per_hartree,
        pace=settings.pace,
        surface=_make_surface(settings, around),
        bias_factor=settings.bias_factor,
        kT=None if temperature is None else around.kB * temperature,
        box=_box(settings),
        file=HillsFile(
            settings.file,
            around.cvs,
            around.periods,
            around.identity,
            around.timestep,
            settings.bias_factor,
        ),
    )


def _box(settings: MetadSettings) -> Box | None:
    """Where c(t) is taken."""
    grid = settings.grid
    if not settings.rct or not grid or not (grid.min and grid.max and grid.bins):
        return None
    return grid.min, grid.max, grid.bins


def _make_surface(settings: MetadSettings, around: Surroundings) -> Grid | HillSum:
    grid, periods = settings.grid, around.periods
    if grid is False or (grid is None and len(periods) > MOST_GRID_CVS):
        return HillSum(periods, settings.sigma)
    spacing = [0.2 * sigma for sigma in settings.sigma]
    origin = [0.0] * len(periods)
    # PLUMED's threshold gives PLUMED's numbers. With three CVs its spline has spikes where a
    # hill just ends, which a higher threshold removes.
    tiny = 1e-7
    # Without new hills there may be old ones, of a height that is not known yet.
    height = settings.height * around.per_hartree or 1.0
    if len(periods) == 3 and settings.height > 0.0:
        tiny = 1e-4 * height
    if grid is not None:
        spacing = list(grid.spacing or spacing)
        origin = list(grid.min or origin)
        if grid.tiny is not None:
            tiny = grid.tiny * around.per_hartree
        if grid.bins and grid.max:
            ends = zip(origin, grid.max, grid.bins, strict=True)
            spacing = [(high - low) / bins for low, high, bins in ends]
    for k, period in enumerate(periods):
        if period is not None and not (grid and grid.bins):
            # the widest spacing not wider than asked for that divides the period
            length = period[1] - period[0]
            spacing[k] = length / math.ceil(length / spacing[k])
            origin[k] = period[0]
    return Grid(origin, spacing, periods, height, tiny)
