"""What the journal beside HILLS says of the run that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipi_mtd.errors import UserError
from ipi_mtd.files.journal_format import read_header

JOURNAL = "ipi-mtd.journal"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The settings of a run that its analysis needs.

    Parameters
    ----------
    journal : where they are written
    energy_unit : of HILLS
    temperature : kelvin, that of the bias; None in a run that needed none
    configuration : the file that the run was told by, if it is still there
    """

    journal: Path
    energy_unit: str | None
    temperature: float | None
    configuration: Path | None


def read_recorded(hills: Path) -> Recorded | None:
    """Read the journal beside a HILLS file, while a driver may be at work.

    Returns
    -------
    recorded : None if there is no journal, or it is that of a run that did not write the file
    """
    journal = hills.parent / JOURNAL
    try:
        header = read_header(journal)
    except (UserError, OSError):
        return None
    if header is None or not any(_is_of(hills.name, file) for file in header.files):
        return None
    identity = header.identity
    temperatures = [
        metad.get("temperature")
        for metad in _table(identity, "metad").values()
        if _is_of(hills.name, metad.get("file", ""))
    ]
    return Recorded(
        journal,
        _table(identity, "units").get("energy"),
        next(filter(None, temperatures), None) or identity.get("temperature"),
        _file(header.configuration),
    )


def _file(path: str | None) -> Path | None:
    return Path(path) if path is not None and Path(path).is_file() else None


def _is_of(name: str, file: str) -> bool:
    """Whether a file is that of the run, or was cut off it at a roll-back."""
    return name == file or name.startswith(f"{file}.after-step-")


def _table(identity: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the identity; one of another version may not have it."""
    table = identity.get(key)
    return table if isinstance(table, dict) else {}
