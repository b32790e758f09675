"""Reading what a run is told, whether it is TOML or PLUMED's input."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Unpack

from pydantic import ValidationError

from ipi_mtd import units
from ipi_mtd.config.explaining import explain
from ipi_mtd.config.overrides import Overrides, with_overrides
from ipi_mtd.config.schema import Config, RunConfig
from ipi_mtd.config.sections import PlumedSection
from ipi_mtd.errors import UserError

AnyConfig = TypeVar("AnyConfig", bound=Config)

_KEY = re.compile(r"\s*(\[.*|[A-Za-z0-9_.\"'-]+\s*=.*)")


def is_plumed_input(path: Path) -> bool:
    """Whether a file is PLUMED's input rather than TOML.

    A file called ``.toml`` is TOML and one called ``.dat`` is not; of any other the first line
    tells that is neither empty nor a comment: in TOML it begins with ``[`` or with ``key =``.

    Raises
    ------
    UserError
        If the file cannot be read, or is i-PI's input.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    first = next((line for line in lines if line.partition("#")[0].strip()), "")
    if first.lstrip("\ufeff \t").startswith("<"):
        raise UserError(
            f"{path}: this is XML, as i-PI's input is; wanted here is the driver's configuration, "
            "CONFIG: a TOML file or a plumed.dat (`launch` takes both: launch INPUT.xml CONFIG)"
        )
    if path.suffix in (".toml", ".dat"):
        return path.suffix == ".dat"
    return not _KEY.match(first)


def read_input(path: Path, **overrides: Unpack[Overrides]) -> RunConfig:
    """Read and check the input of a run, with what is said beside it.

    TOML says everything. PLUMED's input does not say what is simulated and where i-PI listens, so
    this has to be given with it; the run is then the bias alone.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input
    overrides : see :class:`Overrides`

    Raises
    ------
    UserError
        If the file cannot be read, a key or an action of it is wrong, something that PLUMED's input
        does not say is missing, or something is given twice.
    """
    if is_plumed_input(path):
        return with_overrides(_read_plumed_input(path, overrides), overrides)
    for option in ("structure", "timestep"):
        if overrides.get(option) is not None:
            raise UserError(
                f"{path}: --{option} is for PLUMED's input; TOML says it as `system.{option}`"
            )
    return with_overrides(read_config(path), overrides)


def _read_plumed_input(path: Path, overrides: Overrides) -> RunConfig:
    structure, timestep, address = (
        overrides.get("structure"),
        overrides.get("timestep"),
        overrides.get("address"),
    )
    options = {"--structure": structure, "--timestep": timestep, "--address": address}
    missing = [option for option, value in options.items() if value is None]
    if missing:
        raise UserError(
            f"{path}: PLUMED's input does not say the structure, the time step and where i-PI "
            f"listens: {', '.join(missing)} missing; or give a TOML file with these and "
            f'`plumed.file = "{path.name}"`'
        )
    assert structure is not None
    assert timestep is not None
    _require_options(timestep, str(address))
    content = {
        "system": {"structure": structure.absolute(), "timestep": timestep},
        "socket": {"address": address},
        "potential": {"kind": "none"},
        "plumed": {"file": path.name},
    }
    return validate(content, path)


def _require_options(timestep: str, address: str) -> None:
    """Check what the command line says beside PLUMED's input, in its own words."""
    try:
        length = units.parse(timestep, "ps")
    except ValueError as error:
        raise UserError(f"--timestep {error}, got '{timestep}'") from error
    if not 0.0 < length < math.inf:
        raise UserError(f"--timestep must be above 0, got '{timestep}'")
    if not address or len(address.split()) != 1 or "\0" in address:
        raise UserError(f"--address must be a name without blanks, got '{address}'")


def read_config(path: Path) -> RunConfig:
    """Read and check the configuration of a run.

    Parameters
    ----------
    path : a TOML file

    Raises
    ------
    UserError
        If the file cannot be read, is not TOML, or breaks a rule of the schema; the message has the
        key, the rule and what was found.
    """
    return validate(_read_toml(path), path)


def read_description(path: Path) -> Config:
    """Read what is biased, whether or not a run could be made of it.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input

    Raises
    ------
    UserError
        As :func:`read_config`, or if its PLUMED input cannot be translated.
    """
    if is_plumed_input(path):
        return _validate({"plumed": {"file": path.name}}, path, Config)
    return _validate(_read_toml(path), path, Config)


def validate(content: dict[str, Any], path: Path) -> RunConfig:
    """Check the content of the configuration of a run.

    Parameters
    ----------
    content : as TOML gives it; with a table ``plumed``, the rest of it is read from that file
    path : where it comes from; its relative paths are relative to this

    Raises
    ------
    UserError
        If it breaks a rule of the schema, or its PLUMED input cannot be translated; the message has
        the key or the line, the rule and what was found.
    """
    return _validate(content, path, RunConfig)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from error


def _validate(content: dict[str, Any], path: Path, kind: type[AnyConfig]) -> AnyConfig:
    places: Mapping[tuple[int | str, int | str], str] = {}
    if "plumed" in content:
        content, places = _with_plumed(content, path)
    try:
        config = kind.model_validate(content, context=path.parent)
    except ValidationError as error:
        loci = [tuple(e["loc"][:2]) for e in error.errors()]
        found = [place for locus, place in places.items() if locus in loci]
        where = found[0] if found else path
        raise UserError(f"{where}: {explain(error, content)}") from error
    config.set_source(path)
    for (table, key), place in places.items():
        getattr(config, str(table))[key].set_place(place)
    return config


def _with_plumed(
    content: dict[str, Any], path: Path
) -> tuple[dict[str, Any], Mapping[tuple[int | str, int | str], str]]:
    """The content with what its PLUMED input says, and where in that input it says it."""
    from ipi_mtd.plumed_input import SETTINGS, translate

    try:
        plumed = PlumedSection.model_validate(content["plumed"], context=path.parent)
    except ValidationError as error:
        raise UserError(
            f"{path}: `plumed` needs the key `file` and no other, got {content['plumed']!r}"
        ) from error
    translated = translate(plumed.file)
    twice = [key for key in SETTINGS if key in content]
    if twice:
        raise UserError(
            f"{path}: `{twice[0]}` and `plumed` exclude each other: the PLUMED input says it"
        )
    if "temperature" not in content.get("system", {}):
        translated.require_temperature()
    others = {key: value for key, value in content.items() if key != "plumed"}
    return {**others, **translated.content}, translated.places
