"""A small process that closes the driver's connection properly if the driver is killed.

When a process dies while something it was sent is still unread, the system does not close its
connection but resets it, and i-PI 3.3 then waits for ever: its polling thread has ended with an
error. (After a proper close it asks the next driver that connects.) So the connection is shared
with a guardian that never reads from it. When the driver is gone, whatever the reason, the guardian
says that no more will come, reads what is left until i-PI has closed its end too, and ends.

This file is run as a script, without the package, to start within milliseconds.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

PATIENCE = 5.0
"""Seconds to wait for i-PI to close its end."""


class Guardian:
    """The process that guards a connection.

    Parameters
    ----------
    connection : a connected stream socket
    """

    def __init__(self, connection: socket.socket) -> None:
        theirs, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(Path(__file__))),
                    *(str(theirs), str(connection.fileno())),
                ],
                pass_fds=(theirs, connection.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what interrupts the driver must not reach it
            )
        finally:
            os.close(theirs)

    def close(self) -> None:
        """Let it end the connection, which the driver has closed."""
        os.close(self._pipe)
        self._process.wait()


def guard(pipe: int, fd: int) -> None:
    """Wait for the end of the driver, then close the connection without a reset."""
    os.read(pipe, 1)  # returns when the driver has closed its end: nothing is ever written
    connection = socket.socket(fileno=fd)
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(PATIENCE)
        while connection.recv(65536):
            pass
    except OSError:
        pass  # i-PI is gone too


if __name__ == "__main__":
    guard(int(sys.argv[1]), int(sys.argv[2]))
