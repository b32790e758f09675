"""The whole configuration, and the rules that hold between its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias, get_origin

from pydantic import Field, PositiveInt, PrivateAttr, field_validator, model_validator

from ipi_mtd.config.biases import BiasSection, MetadSection, WallSection
from ipi_mtd.config.section import Section, nested_sections, require_known
from ipi_mtd.config.sections import (
    ASESection,
    ColvarSection,
    CVSection,
    LennardJonesSection,
    MetatomicSection,
    ModelSection,
    NoPotentialSection,
    RunSystemSection,
    SocketSection,
    SystemSection,
    UnitsSection,
)
from ipi_mtd.config.values import Name

Potential: TypeAlias = Annotated[
    LennardJonesSection | MetatomicSection | ASESection | NoPotentialSection,
    Field(discriminator="kind"),
]


class Config(Section):
    """What is biased: models, CVs, biases and what is printed.

    It describes the CVs and biases of any structures, wherever they come from. A run needs more,
    see :class:`RunConfig`.
    """

    system: SystemSection = SystemSection()
    socket: SocketSection | None = None
    potential: Potential | None = None
    models: Annotated[dict[Name, ModelSection], Field(min_length=1)]
    cv: Annotated[list[CVSection], Field(min_length=1)]
    quantity: list[CVSection] = []
    """A number like a CV, but only for COLVAR: it is evaluated when it is printed."""
    metad: list[MetadSection] = []
    wall: list[WallSection] = []
    colvar: list[ColvarSection] = [ColvarSection()]
    units: UnitsSection = UnitsSection()
    restart: bool = False
    """Go on with the hills that are there even if no journal tells of them."""
    threads: PositiveInt = 1
    """How many threads torch uses; more than one makes a small system slower."""
    _source: Path = PrivateAttr(default=Path("configuration"))

    @field_validator("metad", "wall", "colvar", "quantity", mode="before")
    @classmethod
    def _single_table(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @property
    def source(self) -> Path:
        """The file that it was read from, for messages."""
        return self._source

    def set_source(self, path: Path) -> None:
        """Say which file it was read from."""
        self._source = path

    @classmethod
    def sections_of_lists(cls) -> dict[str, type[Section]]:
        """The tables of which there may be several: the key, and what one of them is."""
        return {
            key: section
            for key, field in cls.model_fields.items()
            for section in nested_sections(cls, key)
            if get_origin(field.annotation) is list
        }

    def biases(self) -> dict[str, list[BiasSection]]:
        """The key of each kind of bias and its tables, in the order of the kinds above."""
        return {
            key: getattr(self, key)
            for key, section in self.sections_of_lists().items()
            if issubclass(section, BiasSection)
        }

    def each_bias(self) -> list[BiasSection]:
        """The tables of all biases."""
        return [section for sections in self.biases().values() for section in sections]

    def files_of_biases(self) -> list[str]:
        """The names of the files that the biases write."""
        return [file for section in self.each_bias() for file in section.files()]

    @model_validator(mode="after")
    def _names_fit(self) -> Config:
        names = [cv.name for cv in self.cv]
        _require_unique("cv", names)
        biases = self.each_bias()
        tables = " or ".join(self.biases())
        _require_unique(tables, [section.name for section in biases])
        files = [*self.files_of_biases(), *(section.file for section in self.colvar)]
        _require_unique("file", [*files, "ipi-mtd.journal"])
        _require_unique("cv or quantity", [cv.name for cv in [*self.cv, *self.quantity]])
        for cv in [*self.cv, *self.quantity]:
            if cv.model is None and len(self.models) > 1:
                raise ValueError(f"`cv.model` of '{cv.name}' must name one of the models")
            if cv.model is not None:
                require_known("cv.model", cv.model, list(self.models))
            if cv.name in ("bias", "potential", "time", "raw"):  # the last by i-PI, for extras
                raise ValueError(f"`cv.name` must not be '{cv.name}', which is taken")
        for section in biases:
            section.require_fit(names, self.system.temperature)
        return self


class RunConfig(Config):
    """What a run is told: what is biased, of which atoms, by which potential, served where."""

    system: RunSystemSection
    socket: SocketSection
    potential: Potential


def _require_unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"`{what}`: two are called '{name}'")
