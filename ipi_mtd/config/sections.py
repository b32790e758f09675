"""The tables of the configuration: every key with its kind of value, its default and a sentence.

Quantities are written with their unit, ``"0.04 kcal/mol"``; a plain ``0`` needs none. Values and
widths of CVs are numbers in the unit of the CV, ``0.5`` or as PLUMED's users write them, ``"2pi"``,
``"-pi/2"``. Paths are relative to the file that names them. A name has letters, digits, ``_``,
``-`` and ``.``.

Where there is only one of ``[[quantity]]``, ``[[metad]]``, ``[[wall]]`` or ``[[colvar]]``, single
brackets do. A key that does not exist is an error that names the closest one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from ipi_mtd.config.section import Section
from ipi_mtd.config.values import (
    Element,
    Energy,
    EnergyUnit,
    Length,
    LengthUnit,
    Name,
    Number,
    NumberFormat,
    Period,
    Positive,
    RelativePath,
    Temperature,
    Time,
    TimeUnit,
)


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


class PlumedSection(Section):
    """``[plumed]``: a PLUMED input, which takes the place of the tables that it is translated to.

    These are ``models``, ``cv``, ``quantity``, ``metad``, ``wall``, ``colvar``, ``units`` and
    ``restart``.
    """

    file: RelativePath
    """The PLUMED input."""
