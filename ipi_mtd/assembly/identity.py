"""What a run is: all that changes its numbers, and nothing that does not.

Version 2 leaves out what has its default, so that a key that is added later does not make another
run of an old one. In version 1 every key of that time was said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ipi_mtd.assembly.potential import potential_identity
from ipi_mtd.assembly.structure import say_periodic
from ipi_mtd.config import Config
from ipi_mtd.config.section import Section, nested_sections
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.structures.structure import Structure

VERSION = 2

_NOT_OF_THE_RUN = {"label"}
"""Keys of the tables that change no number."""


def identity_of(
    config: Config, structure: Structure, models: Mapping[str, FeatureModel]
) -> dict[str, Any]:
    """What must not change when a run is continued, as JSON can hold it."""
    tables: dict[str, Sequence[Section]] = {
        "cv": config.cv,
        **config.biases(),
        "colvar": config.colvar,
    }
    return {
        "version": VERSION,
        "system": {
            "atoms": len(structure.types),
            "types": sorted(set(structure.types.tolist())),
            "periodic": say_periodic(structure),
            "timestep": config.system.timestep,
        },
        "potential": potential_identity(config),
        "models": {name: model.sha256 for name, model in models.items()},
        **{
            key: {
                section.key: section.model_dump(
                    mode="json", exclude_defaults=True, exclude=_NOT_OF_THE_RUN
                )
                for section in sections
            }
            for key, sections in tables.items()
        },
        "temperature": config.system.temperature,
        "units": config.units.model_dump(mode="json"),
    }


def in_todays_words(identity: dict[str, Any]) -> dict[str, Any]:
    """An identity of version 1 as version 2 would say it; one of version 2 as it is."""
    if "version" in identity:
        return identity
    said = {**identity, "version": VERSION}
    for key, section in Config.sections_of_lists().items():
        if key in said:
            said[key] = {name: _beyond_defaults(of, section) for name, of in said[key].items()}
    for section in nested_sections(Config, "potential"):
        if identity["potential"]["kind"] in get_args(section.model_fields["kind"].annotation):
            said["potential"] = _beyond_defaults(identity["potential"], section)
    return said


def _beyond_defaults(said: Mapping[str, Any], section: type[Section]) -> dict[str, Any]:
    """What a table says that is not its default, in the form in which JSON holds it."""
    kept = {}
    for key, value in said.items():
        field = section.model_fields.get(key)
        if field is not None and value == field.get_default(call_default_factory=True):
            continue
        inner = nested_sections(section, key)
        if isinstance(value, dict) and inner:
            value = _beyond_defaults(value, inner[0])
        if value != {}:
            kept[key] = value
    return kept
