"""The configuration: one TOML file, every key with its unit, its default and a sentence.

Quantities are written with their unit, ``"0.04 kcal/mol"``. Values and widths of CVs are plain
numbers in the unit of the CV. Paths are relative to the file that names them.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ipi_mtd import units
from ipi_mtd.errors import UserError


def _quantity(to: str) -> BeforeValidator:
    def convert(value: object) -> float:
        return units.parse(value if isinstance(value, str) else str(value), to)

    return BeforeValidator(convert)


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("must be a path")
    return Path(info.context, value) if info.context else Path(value)


def _energy_unit(unit: str) -> str:
    units.factor(unit, "hartree")
    return unit


def _time_unit(unit: str) -> str:
    units.factor(unit, "ps")
    return unit


def _length_unit(unit: str) -> str:
    units.factor(unit, "bohr")
    return unit


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
OneOrMore = BeforeValidator(_one_or_more)


class Section(BaseModel):
    """A table of the configuration; keys that are not declared are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SystemSection(Section):
    """``[system]``: what is simulated."""

    structure: RelativePath
    """A file that ASE reads; gives the number and the species of the atoms, in i-PI's order."""
    periodic: bool = False
    """Whether the cell that i-PI sends is periodic."""
    timestep: Time
    """i-PI's time step, for the time column of the files."""
    temperature: Temperature | None = None
    """The temperature of the run; well-tempered metadynamics needs it."""


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
    """i-PI's input: if a socket in it has this address, it is checked for beads, inner time steps
    and whatever else the driver could not see."""
    patience: Annotated[float, Field(ge=0)] = 60.0
    """How long to wait for the server, in seconds."""

    @model_validator(mode="after")
    def _inet_needs_port(self) -> SocketSection:
        if self.mode == "inet" and self.port is None:
            raise ValueError("`socket.port` is missing: an inet socket needs one")
        return self


class LennardJonesSection(Section):
    """``[potential]`` with ``kind = "lennard-jones"``."""

    kind: Literal["lennard-jones"]
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
    file: RelativePath
    """The exported model."""
    extensions: RelativePath | None = None
    """The directory of its TorchScript extensions."""
    device: str = "cpu"
    """The device that it runs on."""


class ASESection(Section):
    """``[potential]`` with ``kind = "ase"``: any ASE calculator."""

    kind: Literal["ase"]
    calculator: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    """Module and class, such as ``ase.calculators.emt:EMT``."""
    arguments: dict[str, Any] = {}
    """What the class is called with."""


class NoPotentialSection(Section):
    """``[potential]`` with ``kind = "none"``: another driver gives the physical forces."""

    kind: Literal["none"]


class ModelSection(Section):
    """``[models.NAME]``: an exported metatomic model that CVs are made from."""

    file: RelativePath
    """The exported model."""
    extensions: RelativePath | None = None
    """The directory of its TorchScript extensions, if it has any beyond featomic."""
    device: str = "cpu"
    """The device that it runs on: cpu, cuda, cuda:1, mps."""
    variant: str | None = None
    """For an output called ``feature/VARIANT``."""
    atoms: list[PositiveInt] | None = None
    """The atoms that the model is given, counted from 1; all by default."""
    selected_atoms: list[PositiveInt] | None = None
    """The atoms that the output is evaluated for, counted from 1; all by default."""
    types: dict[str, int] = {}
    """The model's type of each chemical symbol; the atomic number by default."""
    atom_types: list[int] | None = None
    """Instead of `types`: the model's type of each of `atoms`."""
    length_unit: Annotated[str, BeforeValidator(_length_unit)] = "angstrom"
    """For a model that does not say in which unit it wants lengths."""
    check_consistency: bool = False
    """Let metatomic check all data at every call; slow."""

    @model_validator(mode="after")
    def _one_kind_of_types(self) -> ModelSection:
        if self.types and self.atom_types is not None:
            raise ValueError("`types` and `atom_types` of a model exclude each other")
        return self


class ReductionSection(Section):
    """``reduce`` of a CV: what makes one number of the values of all atoms."""

    kind: Literal["sum", "mean", "max", "min", "highest", "lowest", "between"]
    """``max`` and ``min`` are smooth, ``highest`` and ``lowest`` are not; ``between`` counts the
    atoms within an interval."""
    beta: Positive | None = None
    """For ``max`` and ``min``: PLUMED's BETA, in the unit of the feature."""
    lower: Number | None = None
    """For ``between``."""
    upper: Number | None = None
    """For ``between``."""
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
    """As in the files and in what i-PI receives."""
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
    """What makes one number of several."""
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
    """``grid`` of a metadynamics bias. It grows wherever hills are added."""

    min: list[Number] | None = None
    """The position of a node, for each CV; 0 by default."""
    max: list[Number] | None = None
    """With ``min`` and ``bins`` gives the spacing, as PLUMED's GRID_MAX."""
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


class MetadSection(Section):
    """``[[metad]]``: a metadynamics bias."""

    name: Name = "metad"
    """Its energy is the column ``NAME.bias`` of COLVAR."""
    cvs: list[str] | None = None
    """The CVs it acts on; all by default."""
    height: Annotated[Energy, Field(gt=0)]
    """The height of a hill where there is no bias yet."""
    sigma: list[Positive]
    """The width of a hill for each CV."""
    pace: PositiveInt
    """A hill is added every so many steps."""
    bias_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """The gamma of well-tempered metadynamics; without it, all hills have the same height."""
    temperature: Temperature | None = None
    """Of this bias; that of the system by default."""
    rct: bool = False
    """Whether COLVAR can have ``NAME.rct``, the c(t) of reweighting over the box of the grid, and
    ``NAME.rbias``, the bias without it, as with PLUMED's CALC_RCT."""
    grid: GridSection | Literal[False] = GridSection()
    """The grid that the hills are summed on; false for the exact sum, which grows slower."""
    file: Name = "HILLS"
    """The file of its hills."""


class WallSection(Section):
    """``[[wall]]``: kappa ((s - at + offset)/eps)^exponent beyond a value of a CV.

    A wall on several CVs has a list for each key, and its energy is the sum.
    """

    name: Name
    """Its energy is the column ``NAME.bias`` of COLVAR, its squared force ``NAME.force2``."""
    side: Literal["upper", "lower"]
    """Which side of the wall is allowed: below an upper one, above a lower one."""
    cv: Annotated[list[str], OneOrMore, Field(min_length=1)]
    """The CV it acts on."""
    at: Annotated[list[Number], OneOrMore]
    """Where it stands."""
    kappa: Annotated[list[Annotated[Energy, Field(ge=0)]], OneOrMore]
    """The force constant, an energy."""
    exponent: Annotated[list[Positive], OneOrMore] | None = None
    """The exponent; 2 by default."""
    eps: Annotated[list[Positive], OneOrMore] | None = None
    """The distance is measured in this; 1 by default."""
    offset: Annotated[list[Number], OneOrMore] | None = None
    """How far before `at` it begins; 0 by default."""


class UnitsSection(Section):
    """``[units]``: of the files; CVs are in the units of their models."""

    energy: Annotated[str, BeforeValidator(_energy_unit)] = "kJ/mol"
    """Of HILLS and COLVAR."""
    time: Annotated[str, BeforeValidator(_time_unit)] = "ps"
    """Of HILLS and COLVAR."""


class PrintSection(Section):
    """``[colvar]``: a file with a line every so many steps. There may be several of them."""

    file: Name = "COLVAR"
    """Its name."""
    stride: PositiveInt = 10
    """A line every so many steps."""
    columns: list[str] | None = None
    """CVs and quantities, ``NAME.bias`` of a bias, ``NAME.1`` for a component of the output of a
    model or ``NAME.*`` for all of them, ``potential``; all CVs and biases by default."""
    format: NumberFormat | None = None
    """How a number is written, as in C; by default with all its digits."""
    time_format: NumberFormat | None = None
    """How the time is written; like the other numbers by default."""


class Config(Section):
    """The whole configuration."""

    system: SystemSection
    socket: SocketSection
    potential: Annotated[
        LennardJonesSection | MetatomicSection | ASESection | NoPotentialSection,
        Field(discriminator="kind"),
    ]
    models: Annotated[dict[Name, ModelSection], Field(min_length=1)]
    cv: Annotated[list[CVSection], Field(min_length=1)]
    quantity: list[CVSection] = []
    """Like CVs, but only for COLVAR: evaluated when they are printed."""
    metad: list[MetadSection] = []
    wall: list[WallSection] = []
    colvar: list[PrintSection] = [PrintSection()]
    units: UnitsSection = UnitsSection()
    restart: bool = False
    """Go on with the hills that are there even if no journal tells of them."""
    threads: PositiveInt = 1
    """Threads of torch; more than one makes a small system slower."""

    @field_validator("metad", "wall", "colvar", "quantity", mode="before")
    @classmethod
    def _single_table(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _names_fit(self) -> Config:
        names = [cv.name for cv in self.cv]
        _require_unique("cv", names)
        terms: list[MetadSection | WallSection] = [*self.metad, *self.wall]
        _require_unique("metad or wall", [term.name for term in terms])
        tables: list[MetadSection | PrintSection] = [*self.metad, *self.colvar]
        _require_unique("file", [table.file for table in tables] + ["ipi-mtd.journal"])
        _require_unique("cv or quantity", [cv.name for cv in [*self.cv, *self.quantity]])
        for cv in [*self.cv, *self.quantity]:
            if cv.model is None and len(self.models) > 1:
                raise ValueError(f"`cv.model` of '{cv.name}' must name one of the models")
            if cv.model is not None:
                _require_known("cv.model", cv.model, list(self.models))
            if cv.name in ("bias", "potential", "time", "raw"):  # the last by i-PI, for extras
                raise ValueError(f"`cv.name` must not be '{cv.name}', which is taken")
        for term in self.metad:
            for name in term.cvs or []:
                _require_known("metad.cvs", name, names)
            used = term.cvs or names
            _require_one_each("metad.sigma", term.sigma, used)
            if term.grid:
                for key in ("min", "max", "bins", "spacing"):
                    if (values := getattr(term.grid, key)) is not None:
                        _require_one_each(f"metad.grid.{key}", values, used)
            has_temperature = (term.temperature or self.system.temperature) is not None
            if term.bias_factor is not None and not has_temperature:
                raise ValueError(
                    "`metad.bias_factor` (BIASFACTOR) needs `system.temperature` (TEMP)"
                )
            if term.rct and not (has_temperature and term.grid and term.grid.bins):
                raise ValueError(
                    "`metad.rct` needs `system.temperature` and `min`, `max`, `bins` of the `grid`"
                )
        for wall in self.wall:
            for name in wall.cv:
                _require_known("wall.cv", name, names)
            for key in ("at", "kappa", "exponent", "eps", "offset"):
                if (values := getattr(wall, key)) is not None:
                    _require_one_each(f"wall.{key}", values, wall.cv)
        return self


def read_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises
    ------
    UserError
        Which names the file, the key, the rule and what was found.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from error
    return validate(content, path)


def validate(content: dict[str, Any], path: Path) -> Config:
    """Check the content of a configuration.

    Parameters
    ----------
    content : as TOML gives it; with a table ``plumed``, the rest of it is read from that file
    path : where it comes from; its relative paths are relative to this

    Raises
    ------
    UserError
        Which names the file, the key, the rule and what was found.
    """
    places: Mapping[tuple[int | str, ...], str] = {}
    if "plumed" in content:
        content, places = _with_plumed(content, path)
    try:
        return Config.model_validate(content, context=path.parent)
    except ValidationError as error:
        found = [places[tuple(e["loc"][:2])] for e in error.errors() if e["loc"][:2] in places]
        where = found[0] if found else path
        raise UserError(f"{where}: {_explain(error, content)}") from error


def _with_plumed(
    content: dict[str, Any], path: Path
) -> tuple[dict[str, Any], Mapping[tuple[int | str, ...], str]]:
    """The content with what its PLUMED input says, and where in that input it says it."""
    from ipi_mtd.plumed_input import SETTINGS, translate

    match content["plumed"]:
        case {"file": str() | Path() as file, **more} if not more:
            translated = translate(path.parent / file)
        case other:
            raise UserError(f"{path}: `plumed` needs the key `file` and no other, got {other!r}")
    twice = [key for key in SETTINGS if key in content]
    if twice:
        raise UserError(
            f"{path}: `{twice[0]}` and `plumed` exclude each other: the PLUMED input says it"
        )
    others = {key: value for key, value in content.items() if key != "plumed"}
    return {**others, **translated.content}, translated.places


def with_overrides(
    config: Config,
    source: Path,
    *,
    models: Mapping[str, Path],
    extensions: Path | None,
    device: str | None,
    address: str | None,
    port: int | None,
) -> Config:
    """The configuration with what the command line says instead of the file.

    Parameters
    ----------
    models : name of a model and the file to take for it; the name "" stands for the only model

    Raises
    ------
    UserError
        If a model is named that the configuration does not have.
    """
    changed = dict(config.models)
    for name, file in models.items():
        if not name and len(changed) > 1:
            raise UserError(
                f"{source}: has several models ({', '.join(changed)}); say --model NAME={file}"
            )
        key = name or next(iter(changed))
        if key not in changed:
            raise UserError(f"{source}: has no model '{key}', only {', '.join(changed)}")
        changed[key] = changed[key].model_copy(update={"file": file, "extensions": extensions})
    update: dict[str, Any] = {}
    if extensions is not None:
        update["extensions"] = extensions
    if device is not None:
        update["device"] = device
    changed = {name: model.model_copy(update=update) for name, model in changed.items()}
    socket: dict[str, Any] = {}
    if address is not None:
        socket["address"] = address
    if port is not None:
        socket.update(port=port, mode="inet")
    return config.model_copy(
        update={"models": changed, "socket": config.socket.model_copy(update=socket)}
    )


def _explain(error: ValidationError, content: dict[str, Any]) -> str:
    """The first of pydantic's complaints, as one line in the words of the file."""
    # a misspelt key is also a missing one: say the former
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    keys, key = _locate(first["loc"], content, absent=first["type"] == "missing")
    found = first["input"]
    match first["type"]:
        case "extra_forbidden":
            known = [key for key in _known_keys(keys[:-1]) if key != keys[-1]]
            guess = difflib.get_close_matches(keys[-1], known, n=1)
            hint = f"; did you mean `{guess[0]}`?" if guess else ""
            return f"there is no key `{key}`{hint}"
        case "missing":
            return f"`{key}` is missing"
        case "union_tag_invalid":
            kinds = first["ctx"]["expected_tags"]
            return f"`{key}.kind` must be one of {kinds}, got '{first['ctx']['tag']}'"
        case "union_tag_not_found":
            return f"`{key}.kind` is missing"
        case "value_error":
            message = str(first["ctx"]["error"])
            return message if message.startswith("`") else f"`{key}`: {message}, got {found!r}"
    rule = first["msg"].removeprefix("Input should ").removeprefix("String should ")
    rule = rule.replace("valid dictionary", "table").partition(" or instance of ")[0]
    return f"`{key}` must {rule}, got {found!r}"


def _locate(
    location: tuple[int | str, ...], content: Any, *, absent: bool
) -> tuple[list[str], str]:
    """A place in the file, as a list of keys and as a user would write it.

    pydantic's own location also has names of classes and numbers that are not in the file.
    """
    keys: list[str] = []
    written = ""
    for part in location:
        if isinstance(part, str) and isinstance(content, dict) and part in content:
            keys.append(part)
            written += f".{part}"
            content = content[part]
        elif isinstance(part, int) and isinstance(content, list) and part < len(content):
            written += f"[{part + 1}]"
            content = content[part]
    if absent:
        keys.append(str(location[-1]))
        written += f".{location[-1]}"
    return keys, written.removeprefix(".")


def _known_keys(keys: list[str]) -> list[str]:
    """The keys that the table at this place has, in any of its forms."""
    sections: list[Any] = [Config]
    for part in keys:
        found = [
            _sections(section.model_fields[part].annotation)
            for section in sections
            if part in section.model_fields
        ]
        if found:
            sections = [section for some in found for section in some]
    return [key for section in sections for key in section.model_fields]


def _sections(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]


def _require_unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"`{what}`: two are called '{name}'")


def _require_known(key: str, name: str, known: list[str]) -> None:
    if name not in known:
        guess = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{guess[0]}'?" if guess else f", only {', '.join(known)}"
        raise ValueError(f"`{key}`: there is no '{name}'{hint}")


def _require_one_each(key: str, values: list[Any], cvs: list[str]) -> None:
    if len(values) != len(cvs):
        raise ValueError(
            f"`{key}` needs one value for each of the {len(cvs)} CVs ({', '.join(cvs)}), "
            f"got {len(values)}"
        )
