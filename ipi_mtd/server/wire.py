"""i-PI's protocol as bytes; who speaks it is :mod:`ipi_mtd.server.conversation`.

A message is a header of 12 bytes, upper case and padded with blanks, and what follows it:

==========  ==========  ============================================================================
from        header      what follows
==========  ==========  ============================================================================
i-PI        STATUS      nothing; wants READY, NEEDINIT or HAVEDATA
i-PI        INIT        i32 replica, i32 length, text
i-PI        POSDATA     f64 x 9 cell with the lattice vectors as columns, f64 x 9 its inverse,
                        i32 n_atoms, f64 x 3 n_atoms positions; bohr
i-PI        GETFORCE    nothing; wants FORCEREADY
i-PI        EXIT        nothing; the end
driver      READY       nothing
driver      NEEDINIT    nothing
driver      HAVEDATA    nothing
driver      FORCEREADY  f64 energy, i32 n_atoms, f64 x 3 n_atoms forces, f64 x 9 virial, i32 length,
                        text (the extras, UTF-8, the length in bytes); hartree and bohr
==========  ==========  ============================================================================

Integers and floats are in the byte order of the machine.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from ipi_mtd.arrays import FloatArray, is_finite
from ipi_mtd.errors import UserError
from ipi_mtd.server.reader import Reader, patience_awake
from ipi_mtd.structures.structure import Evaluation

HEADER_SIZE: Final = 12
MAX_TEXT: Final = 2**20
"""The longest INIT text that is read, in bytes; i-PI sends the few words of its input."""

_INT = struct.Struct("=i")
_CELLS = struct.Struct("=18d")
_FLOAT = struct.Struct("=d")


class ProtocolError(UserError):
    """The server said something that the protocol does not have, or broke off."""


def header(name: str) -> bytes:
    """The 12 bytes of a header."""
    return name.ljust(HEADER_SIZE).encode()


READY: Final = header("READY")
NEEDINIT: Final = header("NEEDINIT")
HAVEDATA: Final = header("HAVEDATA")


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """What i-PI has said.

    Parameters
    ----------
    name : the header, None if it has closed the connection
    text : of INIT
    structure : of POSDATA: (n_atoms, 3) positions and (3, 3) cell, bohr, lattice vectors as rows
    """

    name: str | None
    text: str = ""
    structure: tuple[FloatArray, FloatArray] | None = None


class Wire:
    """One connection to an i-PI server.

    Parameters
    ----------
    connection : a connected stream socket
    n_atoms : int
        How many atoms the server must send.
    """

    def __init__(self, connection: socket.socket, n_atoms: int) -> None:
        self._socket = connection
        self._n_atoms = n_atoms
        # i-PI sends POSDATA and GETFORCE together: one read takes both, and nothing is left in
        # the kernel. If the driver then dies the connection is closed, not reset: on a reset i-PI
        # 3.3 waits for ever, on a close it asks the next driver.
        self._reader = Reader(connection, 4096 + 24 * n_atoms, patience_awake())

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def read(self) -> Message:
        """The next message.

        Raises
        ------
        ProtocolError
            If the connection breaks off inside of it, or it is not as the protocol has it.
        """
        name = self.read_header()
        if name == "POSDATA":
            cell, positions = self.read_posdata()
            return Message(name, structure=(positions, cell))
        if name == "INIT":
            return Message(name, self.read_init()[1])
        return Message(name)

    def read_header(self) -> str | None:
        """The next header, None when the server has closed the connection.

        Raises
        ------
        ProtocolError
            If the connection breaks off inside of it.
        """
        try:
            data = self._reader.read(HEADER_SIZE)
        except OSError as error:
            raise ProtocolError(f"i-PI is gone: {error.strerror}") from error
        if not data:
            return None
        if len(data) < HEADER_SIZE:
            raise ProtocolError("i-PI broke off inside of a message")
        return data.decode("ascii", errors="backslashreplace").rstrip()

    def read_init(self) -> tuple[int, str]:
        """What follows INIT: the replica and the text.

        Raises
        ------
        ProtocolError
            If the connection breaks off, or the text is absurdly long.
        """
        replica, length = self._int(), self._int()
        if not 0 <= length <= MAX_TEXT:
            raise ProtocolError(f"i-PI sent INIT with a text of {length} bytes")
        return replica, self._read(length).decode("utf-8", errors="replace")

    def read_posdata(self) -> tuple[FloatArray, FloatArray]:
        """What follows POSDATA.

        Returns
        -------
        cell : (3, 3) array, bohr
            Lattice vectors as rows.
        positions : (n_atoms, 3) array, bohr

        Raises
        ------
        ProtocolError
            If the connection breaks off, the number of atoms is not the one expected, or a number
            is not finite.
        """
        numbers = np.frombuffer(self._read(_CELLS.size))
        n_atoms = self._int()
        if n_atoms != self._n_atoms:
            raise ProtocolError(f"i-PI sent {n_atoms} atoms, the structure has {self._n_atoms}")
        positions = np.frombuffer(self._read(24 * n_atoms)).reshape(-1, 3)
        cell = numbers[:9].reshape(3, 3).T.copy()
        if not (is_finite(cell) and is_finite(positions)):
            raise ProtocolError("i-PI sent positions or a cell that are not finite")
        return cell, positions

    def send(self, message: bytes) -> None:
        """Send a whole message at once.

        Raises
        ------
        ProtocolError
            If the server is gone.
        """
        try:
            self._socket.sendall(message)
        except OSError as error:
            raise ProtocolError(f"i-PI is gone: {error.strerror}") from error

    def _read(self, size: int) -> bytes:
        try:
            data = self._reader.read(size)
        except OSError as error:
            raise ProtocolError(f"i-PI is gone: {error.strerror}") from error
        if len(data) < size:
            raise ProtocolError("i-PI broke off inside of a message")
        return data

    def _int(self) -> int:
        (number,) = _INT.unpack(self._read(_INT.size))
        return int(number)


def forceready(evaluation: Evaluation, extras: str) -> bytes:
    """The whole FORCEREADY message."""
    text = extras.encode()
    return b"".join(
        (
            header("FORCEREADY"),
            _FLOAT.pack(evaluation.energy),
            _INT.pack(len(evaluation.forces)),
            np.ascontiguousarray(evaluation.forces).tobytes(),
            np.ascontiguousarray(evaluation.virial).tobytes(),
            _INT.pack(len(text)),
            text,
        )
    )
