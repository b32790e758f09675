"""The tables that describe a bias; a new kind of bias is one more of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from ipi_mtd.config.section import Section, require_known, require_one_each
from ipi_mtd.config.values import Energy, Name, Number, OneOrMore, Positive, Temperature


class BiasSection(Section):
    """A table that describes a bias.

    Attributes
    ----------
    maker : where the function is that makes the bias of such a table, ``module:name``
    """

    maker: ClassVar[str]
    name: Name

    def arguments(self, cvs: Sequence[str]) -> list[str]:
        """The names of the CVs that it acts on.

        Parameters
        ----------
        cvs : the names of all CVs
        """
        raise NotImplementedError

    def require_fit(self, cvs: Sequence[str], temperature: float | None) -> None:
        """Check what the table needs of the others.

        Parameters
        ----------
        cvs : the names of all CVs
        temperature : of the run, if it is known

        Raises
        ------
        ValueError
            If it does not fit; the message has the key and what it needs.
        """

    def files(self) -> list[str]:
        """The names of the files that the bias writes."""
        return []

    def needs_temperature(self) -> bool:
        """Whether the bias depends on a temperature."""
        return False

    def own_temperature(self) -> float | None:
        """The temperature of this bias, K, if it is another one than that of the run."""
        return None


class GridSection(Section):
    """``grid`` of a metadynamics bias: the nodes that its hills are summed on.

    It grows wherever hills are added.
    """

    min: list[Number] | None = None
    """A place where there is a node, for each CV; 0 by default."""
    max: list[Number] | None = None
    """Another one; with ``min`` and ``bins`` it gives the spacing, as PLUMED's GRID_MAX does."""
    bins: list[PositiveInt] | None = None
    """Number of bins between ``min`` and ``max``."""
    spacing: list[Positive] | None = None
    """Distance of the nodes; a fifth of sigma by default."""
    tiny: Annotated[Energy, Field(gt=0)] | None = None
    """Where the bias is below this it is interpolated without slope, which keeps the rim of the
    hills smooth; PLUMED's 1e-7 of the unit by default, 1e-4 of the height with three CVs."""

    @model_validator(mode="after")
    def _is_complete(self) -> GridSection:
        if (self.max is None) != (self.bins is None) or (self.bins and self.min is None):
            raise ValueError("`metad.grid` needs `min`, `max` and `bins` together")
        if self.bins is not None and self.spacing is not None:
            raise ValueError("`metad.grid.bins` and `spacing` exclude each other")
        for low, high in zip(self.min or [], self.max or [], strict=False):
            if low >= high:
                raise ValueError(
                    f"`metad.grid.max` must be larger than `min`, got {low:g} and {high:g}"
                )
        return self


class MetadSection(BiasSection):
    """``[[metad]]``: a metadynamics bias."""

    maker: ClassVar[str] = "ipi_mtd.bias.make_metad:make_metad"
    name: Name = "metad"
    """What it is called: its energy is the column ``NAME.bias`` of COLVAR."""
    cvs: list[str] | None = None
    """The names of the CVs that it acts on; all by default."""
    height: Annotated[Energy, Field(ge=0)]
    """The height of a hill where there is no bias yet; with 0 the bias stays as it is."""
    sigma: list[Positive]
    """The width of a hill along each CV."""
    pace: PositiveInt
    """A hill is added every so many steps."""
    bias_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """The gamma of well-tempered metadynamics; without it, all hills have the same height."""
    temperature: Temperature | None = None
    """The temperature of this bias; that of the system by default."""
    rct: bool = False
    """Whether COLVAR can have ``NAME.rct``, the c(t) of reweighting over the box of the grid, and
    ``NAME.rbias``, the bias without it, as with PLUMED's CALC_RCT."""
    grid: GridSection | Literal[False] | None = None
    """The grid that the hills are summed on, by default one with the defaults of its keys; false
    for the exact sum, which takes longer the more hills there are, and is the default with more
    than three CVs."""
    file: Name = "HILLS"
    """The name of the file of its hills, in the directory of the run."""

    def arguments(self, cvs: Sequence[str]) -> list[str]:
        """The CVs that it names, all by default."""
        return list(self.cvs or cvs)

    def files(self) -> list[str]:
        """HILLS."""
        return [self.file]

    def needs_temperature(self) -> bool:
        """If it is well-tempered, or has a c(t)."""
        return self.bias_factor is not None or self.rct

    def own_temperature(self) -> float | None:
        """What it names."""
        return self.temperature

    def require_fit(self, cvs: Sequence[str], temperature: float | None) -> None:
        """Check names of CVs, one width for each of them, and what needs a temperature."""
        used = self.arguments(cvs)
        for name in used:
            require_known("metad.cvs", name, cvs)
        require_one_each("metad.sigma", self.sigma, used)
        if self.grid:
            for key in ("min", "max", "bins", "spacing"):
                if (values := getattr(self.grid, key)) is not None:
                    require_one_each(f"metad.grid.{key}", values, used)
        has_temperature = (self.temperature or temperature) is not None
        if self.bias_factor is not None and not has_temperature:
            raise ValueError("`metad.bias_factor` (BIASFACTOR) needs `system.temperature` (TEMP)")
        if self.rct and not (has_temperature and self.grid and self.grid.bins):
            raise ValueError(
                "`metad.rct` needs `system.temperature` and `min`, `max`, `bins` of the `grid`"
            )


class WallSection(BiasSection):
    """``[[wall]]``: a wall that keeps a CV on one side of a value.

    Its energy is ``kappa * ((s - at + offset) / eps)^exponent`` beyond an upper wall, the mirror
    image beyond a lower one, and zero before it. A wall on several CVs has a list for each key, and
    its energy is the sum.
    """

    maker: ClassVar[str] = "ipi_mtd.bias.walls:make_walls"
    name: Name
    """What it is called: its energy is the column ``NAME.bias`` of COLVAR, its squared force
    ``NAME.force2``."""
    side: Literal["upper", "lower"]
    """Which side of the wall is allowed: below an upper one, above a lower one."""
    cv: Annotated[list[str], OneOrMore, Field(min_length=1)]
    """The name of the CV that it acts on."""
    at: Annotated[list[Number], OneOrMore]
    """Where it stands."""
    kappa: Annotated[list[Annotated[Energy, Field(ge=0)]], OneOrMore]
    """The force constant, an energy."""
    exponent: Annotated[list[Positive], OneOrMore] | None = None
    """The exponent; 2 by default."""
    eps: Annotated[list[Positive], OneOrMore] | None = None
    """The length that the distance from it is measured in; 1 by default."""
    offset: Annotated[list[Number], OneOrMore] | None = None
    """How far before `at` it begins; 0 by default."""

    def arguments(self, cvs: Sequence[str]) -> list[str]:  # noqa: ARG002
        """The CVs that it names."""
        return self.cv

    def require_fit(self, cvs: Sequence[str], temperature: float | None) -> None:  # noqa: ARG002
        """Check names of CVs, and one value for each of them."""
        for name in self.cv:
            require_known("wall.cv", name, cvs)
        for key in ("at", "kappa", "exponent", "eps", "offset"):
            if (values := getattr(self, key)) is not None:
                require_one_each(f"wall.{key}", values, self.cv)
