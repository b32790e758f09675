"""Writing all of something to a file that is still there, or saying why not."""

from __future__ import annotations

import os
from pathlib import Path

from ipi_mtd.errors import UserError


def write_all(fd: int, data: bytes, offset: int, path: Path) -> None:
    """Write to an open file.

    Raises
    ------
    UserError
        With the system's reason, if not all of it can be written.
    """
    done = 0
    try:
        while done < len(data):  # a short write comes before the error that explains it
            done += os.pwrite(fd, data[done:] if done else data, offset + done)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def require_in_place(fd: int, path: Path) -> None:
    """Make sure that an open file is still at its path.

    Raises
    ------
    UserError
        If it was removed or renamed. What it held is then at its path again, or beside it if
        something else has taken its place.
    """
    ours = os.fstat(fd)
    try:
        there = os.stat(path)  # noqa: PTH116  (a third of the time of Path.stat)
    except FileNotFoundError:
        there = None
    if there is not None and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
        return
    rescued = unused(path)
    rescued.write_bytes(os.pread(fd, ours.st_size, 0))
    raise UserError(f"{path}: was removed or replaced during the run; what it held is in {rescued}")


def unused(path: Path) -> Path:
    """The path itself if nothing is there, otherwise with the first free number behind it."""
    if not path.exists():
        return path
    number = 1
    while (candidate := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return candidate
