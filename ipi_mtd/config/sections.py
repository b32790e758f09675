"""The tables of the configuration: every key with its kind of value, its default and a sentence.

Quantities are written with their unit, ``"0.04 kcal/mol"``; a plain ``0`` needs none. Values and
widths of CVs are numbers in the unit of the CV, ``0.5`` or as PLUMED's users write them, ``"2pi"``,
``"-pi/2"``. Paths are relative to the file that names them. A name has letters, digits, ``_``,
``-`` and ``.``.

Where there is only one of ``[[quantity]]``, ``[[metad]]``, ``[[wall]]`` or ``[[colvar]]``, single
brackets do. A key that does not exist is an error that names the closest one.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    PrivateAttr,
    field_validator,
    model_validator,
)

from ipi_mtd.config.values import (
    Element,
    Energy,
    EnergyUnit,
    Length,
    LengthUnit,
    Name,
    Number,
    NumberFormat,
    OneOrMore,
    Period,
    Positive,
    RelativePath,
    Temperature,
    Time,
    TimeUnit,
)


class Section(BaseModel):
    """A table of the configuration; keys that are not declared are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    _place: str | None = PrivateAttr(default=None)

    def set_place(self, place: str) -> None:
        """Say which line of PLUMED's input the table was made from."""
        self._place = place

    @property
    def key(self) -> str:
        """What tells it from others of its kind."""
        return str(getattr(self, "name", "")) or str(getattr(self, "file", ""))

    @property
    def is_plumeds(self) -> bool:
        """Whether PLUMED's input says it."""
        return self._place is not None

    def said_at(self, in_toml: str, in_plumed: str) -> str:
        """Where a setting is, in the words of the file that has it.

        Parameters
        ----------
        in_toml : the file and the key
        in_plumed : the keyword of PLUMED, or nothing
        """
        if self._place is None:
            return in_toml
        return f"{self._place}: `{in_plumed}`" if in_plumed else self._place


def nested_sections(section: type[Section], key: str) -> list[type[Section]]:
    """The tables that a key of a table can be, none if it is no table."""
    field = section.model_fields.get(key)
    return [] if field is None else _sections_in(field.annotation)


def _sections_in(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections_in(part)]


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


class SystemSection(Section):
    """``[system]``: what is simulated."""

    structure: RelativePath | None = None
    """A file that i-PI wrote, or that ASE reads; gives the number and the species of the atoms, in
    i-PI's order, and whether the run is periodic."""
    periodic: bool | tuple[bool, bool, bool] | None = None
    """Whether the cell that i-PI sends is periodic, for all lattice vectors or for each; as the
    structure says by default."""
    timestep: Time | None = None
    """i-PI's time step, for the time column of the files."""
    temperature: Temperature | None = None
    """The temperature of the run; well-tempered metadynamics needs it."""


class RunSystemSection(SystemSection):
    """``[system]``: what is simulated."""

    # a run cannot do without these; what they are is said above
    structure: RelativePath
    timestep: Time


class SocketSection(Section):
    """``[socket]``: where i-PI listens, as in its ``<ffsocket>``."""

    mode: Literal["unix", "inet"] = "unix"
    """The kind of socket."""
    address: Annotated[str, Field(pattern=r"^[^\x00\s]+$")]
    """The name of a unix socket, or a host."""
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    """The port of an inet socket."""
    prefix: str = "/tmp/ipi_"
    """What i-PI puts before the name of a unix socket, its ``sockets_prefix``."""
    input: RelativePath | None = None
    """i-PI's input: if a socket in it has this address, its temperature, time step, atoms and cell
    are compared with these, and what the driver could not see, such as beads, is refused."""
    patience: Annotated[float, Field(ge=0)] = 60.0
    """How long to wait for the server, in seconds."""

    @model_validator(mode="after")
    def _inet_needs_port(self) -> SocketSection:
        if self.mode == "inet" and self.port is None:
            raise ValueError("`socket.port` is missing: an inet socket needs one")
        return self


class LennardJonesSection(Section):
    """``[potential]`` with ``kind = "lennard-jones"``: the same interaction between all atoms.

    It is ``4 epsilon ((sigma / r)^12 - (sigma / r)^6)`` between two of them.
    """

    kind: Literal["lennard-jones"]
    """Chooses this potential."""
    epsilon: Energy
    """The depth of the well."""
    sigma: Length
    """The distance at which the energy is zero."""
    cutoff: Length | None = None
    """The distance from which there is no interaction; a periodic cell needs one."""
    shift: bool = True
    """Whether the energy is shifted so that it is zero at the cutoff."""


class MetatomicSection(Section):
    """``[potential]`` with ``kind = "metatomic"``: a model with an ``energy`` output."""

    kind: Literal["metatomic"]
    """Chooses this potential."""
    file: RelativePath
    """The exported model."""
    extensions: RelativePath | None = None
    """The directory of its TorchScript extensions."""
    device: str = "cpu"
    """The device that it runs on."""


class ASESection(Section):
    """``[potential]`` with ``kind = "ase"``: any ASE calculator."""

    kind: Literal["ase"]
    """Chooses this potential."""
    calculator: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    """Module and class, such as ``ase.calculators.emt:EMT``."""
    arguments: dict[str, Any] = {}
    """What the class is called with."""


class NoPotentialSection(Section):
    """``[potential]`` with ``kind = "none"``: another driver gives the physical forces."""

    kind: Literal["none"]
    """Chooses this potential."""


class ModelSection(Section):
    """``[models.NAME]``: an exported metatomic model that CVs are made from."""

    file: RelativePath
    """The exported model."""
    extensions: RelativePath | None = None
    """The directory of its TorchScript extensions, if it has any beyond featomic."""
    device: str = "cpu"
    """The device that it runs on: cpu, cuda, cuda:1, mps."""
    variant: str | None = None
    """VARIANT of an output called ``feature/VARIANT``; ``feature`` by default."""
    atoms: list[PositiveInt] | None = None
    """The atoms that the model is given, counted from 1; all by default."""
    selected_atoms: list[PositiveInt] | None = None
    """The atoms that the output is evaluated for, counted from 1; all by default."""
    types: dict[str, int] = {}
    """The model's type of each chemical symbol, ``{ Ar = 1 }``; the atomic number by default."""
    atom_types: list[int] | None = None
    """Instead of `types`: the model's type of each of `atoms`."""
    length_unit: LengthUnit = "angstrom"
    """The unit of length of a model that does not say in which it wants positions."""
    check_consistency: bool = False
    """Let metatomic check all data at every call; slow."""

    @model_validator(mode="after")
    def _one_kind_of_types(self) -> ModelSection:
        if self.types and self.atom_types is not None:
            raise ValueError("`types` and `atom_types` of a model exclude each other")
        return self


class ReductionSection(Section):
    """``reduce`` of a CV: what makes one number of the values of all atoms.

    Where the kind is all that it needs, ``reduce = "sum"`` is enough.
    """

    kind: Literal["sum", "mean", "max", "min", "highest", "lowest", "between"]
    """What is done: ``max`` and ``min`` are smooth, ``highest`` and ``lowest`` are not; ``between``
    counts the atoms within an interval."""
    beta: Positive | None = None
    """For ``max`` and ``min``: PLUMED's BETA, in the unit of the feature."""
    lower: Number | None = None
    """For ``between``: where the interval begins."""
    upper: Number | None = None
    """For ``between``: where it ends."""
    smear: Positive = 0.5
    """For ``between``: width of the smearing Gaussian as a fraction of the interval."""

    @model_validator(mode="after")
    def _has_parameters(self) -> ReductionSection:
        if self.kind in ("max", "min") and self.beta is None:
            raise ValueError(f"`cv.reduce` of kind '{self.kind}' needs `beta`")
        if self.kind == "between" and not (
            self.lower is not None and self.upper is not None and self.lower < self.upper
        ):
            raise ValueError("`cv.reduce` of kind 'between' needs `lower` and a larger `upper`")
        return self


class CVSection(Section):
    """``[[cv]]``: a collective variable."""

    name: Name
    """What it is called in the files, and in what i-PI receives."""
    label: str | None = None
    """What it is, with its unit, for pictures; its name by default."""
    model: str | None = None
    """The model that it is made from; may be left out if there is only one."""
    component: PositiveInt | None = None
    """Which property of the model's output, counted from 1; all of them by default."""
    atom: PositiveInt | None = None
    """Which sample of a per-atom output, counted from 1."""
    elements: Annotated[list[Element], Field(min_length=1)] | None = None
    """Instead of `component` and `atom`: ``"2"`` in an output that is a vector, ``"3.2"``, atom and
    property, in one that is a matrix, as in PLUMED's COMPONENTS."""
    reduce: ReductionSection | None = None
    """What makes one number of the values of several atoms."""
    period: Period | None = None
    """Lower and upper bound of a periodic CV."""

    @field_validator("reduce", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_number(self) -> CVSection:
        if self.atom is not None and self.reduce is not None:
            raise ValueError("`cv.atom` and `reduce` exclude each other")
        if self.elements is not None and (self.atom is not None or self.component is not None):
            raise ValueError("`cv.elements` and `component` or `atom` exclude each other")
        if self.period is not None and self.period[0] >= self.period[1]:
            raise ValueError(
                f"`cv.period` needs a lower and a larger upper bound, got {self.period}"
            )
        return self


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


class PlumedSection(Section):
    """``[plumed]``: a PLUMED input, which takes the place of the tables that it is translated to.

    These are ``models``, ``cv``, ``quantity``, ``metad``, ``wall``, ``colvar``, ``units`` and
    ``restart``.
    """

    file: RelativePath
    """The PLUMED input."""


class UnitsSection(Section):
    """``[units]``: the units of the files; CVs are in those of their models."""

    energy: EnergyUnit = "kJ/mol"
    """The unit of energies in HILLS and COLVAR."""
    time: TimeUnit = "ps"
    """The unit of time in HILLS and COLVAR."""


class ColvarSection(Section):
    """``[[colvar]]``: a file with a line every so many steps.

    If nothing is said of any, there is one with the defaults.
    """

    file: Name = "COLVAR"
    """The name of the file, in the directory of the run."""
    stride: PositiveInt = 10
    """A line every so many steps."""
    columns: list[str] | None = None
    """CVs and quantities, ``NAME.bias`` of a bias, ``NAME.1`` for a component of the output of a
    model or ``NAME.*`` for all of them, ``potential``; all CVs and biases by default."""
    format: NumberFormat | None = None
    """How a number is written, as in C; by default with all its digits."""
    time_format: NumberFormat | None = None
    """How the time is written; like the other numbers by default."""


def require_known(key: str, name: str, known: Sequence[str]) -> None:
    """Refuse a name that is none of those known, and say which was probably meant.

    Raises
    ------
    ValueError
        With the key.
    """
    if name not in known:
        guess = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{guess[0]}'?" if guess else f", only {', '.join(known)}"
        raise ValueError(f"`{key}`: there is no '{name}'{hint}")


def require_one_each(key: str, values: Sequence[Any], cvs: Sequence[str]) -> None:
    """Refuse another number of values than one for each CV.

    Raises
    ------
    ValueError
        With the key.
    """
    if len(values) != len(cvs):
        raise ValueError(
            f"`{key}` needs one value for each of the {len(cvs)} CVs ({', '.join(cvs)}), "
            f"got {len(values)}"
        )
