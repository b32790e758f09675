"""What every table of the configuration is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, PrivateAttr


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
