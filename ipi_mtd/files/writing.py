"""Writing all of something, or saying why not."""

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
