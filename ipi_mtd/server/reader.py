"""Reading a socket, at first without going to sleep.

In a run of a small system i-PI sends the next positions some tenths of a millisecond after an
answer, and a process that the system has put to sleep wakes up late. So whoever reads stays awake
for a bounded time, which takes a core, and sleeps only then.
"""

from __future__ import annotations

import os
import socket
import time

AWAKE = 2e-3
"""Seconds: a few of i-PI's own steps."""

_let_others = getattr(os, "sched_yield", lambda: time.sleep(0.0))
"""Whoever else wants the core may have it."""


def n_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def patience_awake(n_servers: int = 1) -> float:
    """How long to wait awake, in seconds: not at all where i-PI would need the core.

    Parameters
    ----------
    n_servers : how many processes of i-PI this driver serves
    """
    return AWAKE if n_cores() > n_servers else 0.0


class Reader:
    """Takes whatever has arrived, and gives it out in pieces.

    Parameters
    ----------
    connection : a connected stream socket
    size : int, bytes
        How much to take at once.
    awake : float, seconds
        How long to wait without sleeping.
    """

    def __init__(self, connection: socket.socket, size: int, awake: float) -> None:
        self._socket = connection
        self._size = size
        self._awake = awake
        self._data = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only where the connection has been closed.

        Raises
        ------
        OSError
            If the connection is broken.
        """
        pieces = [self._data[self._at :]]
        n_bytes = len(pieces[0])
        while n_bytes < size and (more := self._receive(max(self._size, size - n_bytes))):
            pieces.append(more)
            n_bytes += len(more)
        self._data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._at = min(size, n_bytes)
        return self._data[: self._at]

    def _receive(self, size: int) -> bytes:
        if self._awake:
            deadline = time.perf_counter() + self._awake
            while time.perf_counter() < deadline:
                try:
                    return self._socket.recv(size, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    _let_others()
        return self._socket.recv(size)
