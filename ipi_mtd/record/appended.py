"""A text file that grows by whole lines and can be cut back to where it was."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.record.writing import require_in_place, unused, write_all


class AppendedFile:
    """A file that is only ever appended to, or cut back when a run is rolled back.

    Each line is handed to the operating system at once and whole, so that a reader never sees half
    a line and a killed driver loses none. A file that is not there is made by `start`.

    Parameters
    ----------
    path : of the file
    header : what a new file starts with
    """

    def __init__(self, path: Path, header: bytes) -> None:
        self.path = path
        self.header = header
        self._file: int | None = None
        self.size = 0
        with contextlib.suppress(FileNotFoundError):
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            self.size = os.fstat(self._file).st_size

    @property
    def _fd(self) -> int:
        assert self._file is not None
        return self._file

    def close(self) -> None:
        """Close the file; it may be opened again by another object."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def start(self) -> None:
        """Make the file, or make it empty but for its header.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        if self._file is None:
            try:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise UserError(f"{self.path}: {error.strerror}") from error
        os.ftruncate(self._fd, 0)
        self.size = 0
        self.append(self.header)

    def append(self, data: bytes) -> None:
        """Write at the end.

        Raises
        ------
        UserError
            If the disk is full or the file too large; the file is then as it was before.
        """
        if not data:
            return
        try:
            write_all(self._fd, data, self.size, self.path)
        except UserError:
            os.ftruncate(self._fd, self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Cut the file back.

        Raises
        ------
        UserError
            If the file is shorter than that.
        """
        self.require(size)
        os.ftruncate(self._fd, size)
        self.size = size

    def keep_tail(self, start: int, suffix: str) -> Path | None:
        """Copy what lies behind an offset to a new file beside this one.

        Returns
        -------
        kept : path of the new file, None if there is nothing behind the offset

        Raises
        ------
        UserError
            If the file is shorter than that, or the copy cannot be written.
        """
        self.require(start)
        if start == self.size:
            return None
        kept = unused(self.path.with_name(f"{self.path.name}.{suffix}"))
        try:
            kept.write_bytes(self.read(start, self.size))
        except OSError as error:
            raise UserError(f"{kept}: cannot be written: {error.strerror}") from error
        return kept

    def read(self, start: int, stop: int) -> bytes:
        """The bytes between two offsets."""
        return os.pread(self._fd, stop - start, start) if stop > start else b""

    def require(self, size: int) -> None:
        """Make sure that the file has at least so many bytes.

        Raises
        ------
        UserError
            If it is shorter.
        """
        if self.size < size:
            raise UserError(
                f"{self.path}: has {self.size} bytes where the journal knows of {size}: it was cut "
                "or replaced; put it back, or begin anew with --fresh"
            )

    def check(self) -> None:
        """Make sure that the file is still where its readers look for it.

        Raises
        ------
        UserError
            If it was removed or renamed; what it held is then written back.
        """
        require_in_place(self._fd, self.path)
