"""What is in a run directory before a run goes there."""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import read_bytes
from ipi_mtd.record.appended import AppendedFile
from ipi_mtd.record.continuing import has_rows
from ipi_mtd.record.journal import lock
from ipi_mtd.record.recognition import JOURNAL
from ipi_mtd.record.writing import unused

log = logging.getLogger(__name__)


def rows_in(path: Path) -> bytes | None:
    """What a file holds, None if it has no rows or is not there.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    if not path.is_file():
        return None
    data = read_bytes(path)
    return data if has_rows(io.BytesIO(data)) else None


def require_unused(directory: Path) -> None:
    """Make sure that no driver is at work in a run directory.

    Raises
    ------
    UserError
        If one is.
    """
    path = directory / JOURNAL
    if path.exists():
        with path.open("r+b") as file:
            lock(file.fileno(), path)


def require_directory(path: Path) -> None:
    """Refuse a place where no directory can be; one that is not there yet is made later.

    Raises
    ------
    UserError
        With the system's reason.
    """
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if not is_directory:
        raise UserError(f"{path}: {os.strerror(errno.EEXIST)}")


def has_rows_in(file: AppendedFile) -> bool:
    """Whether a file has more than a header."""
    return has_rows(file.read(0, file.size).splitlines())


def set_aside(directory: Path, names: Sequence[str]) -> None:
    """Rename the files of an earlier run, if there are any.

    Raises
    ------
    UserError
        If a driver is using them.
    """
    require_unused(directory)
    for name in (*names, JOURNAL):
        path = directory / name
        if path.exists():
            backup = unused(directory / f"{name}.old")
            os.rename(path, backup)  # noqa: PTH104
            log.warning("%s: set aside as %s", path, backup.name)
