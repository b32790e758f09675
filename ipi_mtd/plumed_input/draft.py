"""The configuration as far as the input has been read."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.files import Files

Content: TypeAlias = dict[str, Any]
"""A table as TOML gives it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Several numbers from the output of a model.

    Parameters
    ----------
    model : its label
    elements : which ones, all if None
    only_sum : the reduction that its SUM is, where nothing else can be made of the numbers
    """

    model: str
    elements: tuple[str, ...] | None = None
    only_sum: Content | None = None

    def section(self) -> Content:
        """The keys of a CV that say what it is made of."""
        if self.elements is None:
            return {"model": self.model}
        return {"model": self.model, "elements": list(self.elements)}


@dataclass
class Draft:
    """The configuration as far as the input has been read.

    What reads an argument raises a UserError if there is no such thing above the action.

    Parameters
    ----------
    path : the input file

    Attributes
    ----------
    units : length, energy and time, as the configuration writes them
    files : which are written, and whether the run goes on with them
    models : the models
    vectors : what each label of several numbers is; for a model this can be a scalar, too
    scalars : the CV that each label of one number is
    biased : labels of the scalars that a bias acts on
    components : of each bias, its components and their columns
    sections : of the tables of the configuration, with the actions that they come from
    tempered : the actions, and their keywords, that need a temperature and do not say it
    labels : the action of each label
    """

    path: Path
    units: dict[str, str] = field(
        default_factory=lambda: {"length": "nm", "energy": "kJ/mol", "time": "ps"}
    )
    files: Files = field(default_factory=Files)
    models: dict[str, Content] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    scalars: dict[str, Content] = field(default_factory=dict)
    biased: set[str] = field(default_factory=set)
    components: dict[str, dict[str, str]] = field(default_factory=dict)
    sections: list[tuple[Action, Content]] = field(default_factory=list)
    tempered: list[tuple[Action, str]] = field(default_factory=list)
    labels: dict[str, Action] = field(default_factory=dict)

    def add(self, action: Action, section: Content) -> None:
        """Give the table of an action a section."""
        self.sections.append((action, section))

    def needs_temperature(self, action: Action, key: str) -> None:
        """Note that a keyword needs a temperature, which this input need not say."""
        self.tempered.append((action, key))

    def define(self, action: Action, section: Content) -> None:
        """Make a scalar of the label of an action, which the files must not use for another."""
        label = action.called
        if label in ("bias", "potential", "time"):
            raise action.error(f"the label `{label}` is taken by a column of COLVAR")
        if label == "raw":
            raise action.error("the label `raw` is taken by i-PI's extras")
        self.scalars[label] = {"name": label, **section}

    def quantity(self, energy: float) -> str:
        """An energy with its unit."""
        return f"{energy!r} {self.units['energy']}"

    def vector(self, action: Action, key: str) -> Vector:
        """The vector that the only argument of an action is; a reading, like the next two."""
        name = action.text(key).removesuffix(".*")
        if name in self.scalars and name not in self.vectors:
            raise action.error(f"`{name}` is a scalar, {action.name} takes a vector", key)
        if name not in self.vectors:
            raise self.unknown(action, name)
        return self.vectors[name]

    def plain_vector(self, action: Action, key: str) -> Vector:
        """The same, but a vector of which only the sum can be used is refused."""
        vector = self.vector(action, key)
        if vector.only_sum is not None:
            maker = self.labels[action.text(key).removesuffix(".*")].name
            raise action.error(f"of {maker} is not supported, only its SUM")
        return vector

    def bias_on(self, action: Action, key: str) -> list[str]:
        """The different scalars that a bias acts on, which makes them CVs."""
        names = action.words(key)
        for name in names:
            vector = self.vectors.get(name)
            if vector is not None and name == vector.model:
                # a scalar if the model has a single output, which shows when it is loaded
                self.scalars.setdefault(name, {"name": name, "model": name})
            elif vector is not None:
                raise action.error(f"`{name}` is a vector, a bias acts on scalars", key)
            if name not in self.scalars or "." in name:
                raise self.unknown(action, name)
            if names.count(name) > 1:
                raise action.error(f"names `{name}` twice", key)
        self.biased.update(names)
        return names

    def unknown(self, action: Action, name: str) -> UserError:
        """That an argument is no label."""
        label, _, part = name.partition(".")
        if label in self.vectors and part:
            return action.error(
                f"`{name}`: an element of a vector has no name in PLUMED; "
                "use SELECT_COMPONENTS to give it one",
                "ARG",
            )
        if label in self.components:
            parts = ", ".join(f"{label}.{part}" for part in self.components[label])
            return action.error(f"`{name}` is no component of `{label}`; there are {parts}", "ARG")
        known = [*self.vectors, *self.scalars]
        guess = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {guess[0]}?" if guess else f"there are {', '.join(known) or 'none'}"
        return action.error(f"there is nothing called `{name}` above this line; {hint}", "ARG")
