"""The configuration as far as the input has been read."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input.action import Action

Content: TypeAlias = dict[str, Any]
"""A table as TOML gives it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Several numbers from the output of a model.

    Parameters
    ----------
    model : its label
    elements : which ones, all if None
    between : an interval, where the numbers say how far each element is within it
    """

    model: str
    elements: tuple[str, ...] | None = None
    between: Content | None = None


@dataclass
class Draft:
    """The configuration as far as the input has been read.

    Parameters
    ----------
    path : the input file

    Attributes
    ----------
    length, energy, time : the units, as the configuration writes them
    restart : what the action RESTART says, None if there is none
    models : the models
    vectors : what each label of several numbers is; for a model this can be a scalar, too
    scalars : the CV that each label of one number is
    biased : labels of the scalars that a bias acts on
    components : of each bias, its components and their columns
    metads, walls, prints : the other tables of the configuration
    files : each file that is written, and the action that writes it
    labels : the action of each label
    """

    path: Path
    length: str = "nm"
    energy: str = "kJ/mol"
    time: str = "ps"
    restart: bool | None = None
    models: dict[str, Content] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    scalars: dict[str, Content] = field(default_factory=dict)
    biased: set[str] = field(default_factory=set)
    components: dict[str, dict[str, str]] = field(default_factory=dict)
    metads: list[tuple[Action, Content]] = field(default_factory=list)
    walls: list[tuple[Action, Content]] = field(default_factory=list)
    prints: list[tuple[Action, Content]] = field(default_factory=list)
    files: dict[str, Action] = field(default_factory=dict)
    labels: dict[str, Action] = field(default_factory=dict)

    def quantity(self, energy: float) -> str:
        """An energy with its unit."""
        return f"{energy!r} {self.energy}"

    def vector(self, action: Action) -> Vector:
        """What the only argument of an action is.

        Raises
        ------
        UserError
            If it is not the output of a model or a part of one.
        """
        name = action.text("ARG").removesuffix(".*")
        if name in self.scalars and name not in self.vectors:
            raise action.error(f"`{name}` is a scalar, {action.name} takes a vector", "ARG")
        if name not in self.vectors:
            raise self.unknown(action, name)
        return self.vectors[name]

    def bias_on(self, action: Action) -> list[str]:
        """The scalars that a bias acts on, which makes them CVs.

        Raises
        ------
        UserError
            If an argument is not a scalar.
        """
        names = action.words("ARG")
        for name in names:
            vector = self.vectors.get(name)
            if vector is not None and name == vector.model:
                # a scalar if the model has a single output, which shows when it is loaded
                self.scalars.setdefault(name, {"name": name, "model": name})
            elif vector is not None:
                raise action.error(f"`{name}` is a vector, a bias acts on scalars", "ARG")
            if name not in self.scalars or "." in name:
                raise self.unknown(action, name)
            if names.count(name) > 1:
                raise action.error(f"names `{name}` twice", "ARG")
        self.biased.update(names)
        return names

    def take_file(self, action: Action, name: str) -> str:
        """The name of a file that an action writes.

        Raises
        ------
        UserError
            If another one writes it.
        """
        if name in self.files:
            other = self.files[name]
            raise action.error(f"the file {name} is written by {other.name} on line {other.line}")
        if name == "ipi-mtd.journal":
            raise action.error(f"the file {name} is the driver's own")
        self.files[name] = action
        return name

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
