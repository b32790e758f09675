"""The whole configuration, and the rules that hold between its tables."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import Field, PositiveInt, field_validator, model_validator

from ipi_mtd.config.sections import (
    ASESection,
    ColvarSection,
    CVSection,
    LennardJonesSection,
    MetadSection,
    MetatomicSection,
    ModelSection,
    NoPotentialSection,
    Section,
    SocketSection,
    SystemSection,
    UnitsSection,
    WallSection,
)
from ipi_mtd.config.values import Name


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
    """A number like a CV, but only for COLVAR: it is evaluated when it is printed."""
    metad: list[MetadSection] = []
    wall: list[WallSection] = []
    colvar: list[ColvarSection] = [ColvarSection()]
    units: UnitsSection = UnitsSection()
    restart: bool = False
    """Go on with the hills that are there even if no journal tells of them."""
    threads: PositiveInt = 1
    """How many threads torch uses; more than one makes a small system slower."""

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
        tables: list[MetadSection | ColvarSection] = [*self.metad, *self.colvar]
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
