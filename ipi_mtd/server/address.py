"""Where i-PI listens."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

ANY_HOST = ("0.0.0.0", "")
"""Addresses at which a server listens on all its names."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens.

    Parameters
    ----------
    address : the host, or the name of a unix socket
    port : the port; None for a unix socket
    prefix : what i-PI puts before the name of a unix socket, its ``sockets_prefix``
    """

    address: str
    port: int | None = None
    prefix: str = "/tmp/ipi_"

    @property
    def path(self) -> Path:
        """The file of the unix socket."""
        return Path(self.prefix + self.address)

    def is_at(self, other: Address) -> bool:
        """Whether a driver that connects to the other address gets here.

        Parameters
        ----------
        other : in it, as in this one, a relative prefix is relative to the working directory
        """
        if self.port is None or other.port is None:
            same_kind = self.port is None and other.port is None
            return same_kind and os.path.realpath(self.path) == os.path.realpath(other.path)
        return self.port == other.port and (
            self.address in (other.address, *ANY_HOST) or _ip(self.address) == _ip(other.address)
        )

    def __str__(self) -> str:
        return str(self.path) if self.port is None else f"{self.address}:{self.port}"

    def connect(self, timeout: float) -> socket.socket:
        """Connect once.

        Parameters
        ----------
        timeout : float, seconds
            How long a host may take to answer.

        Raises
        ------
        OSError
            If nobody listens.
        """
        if self.port is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(timeout)
                connection.connect(str(self.path))
            except OSError:
                connection.close()
                raise
            connection.settimeout(None)
            return connection
        connection = socket.create_connection((self.address, self.port), timeout)
        connection.settimeout(None)
        # the answers are small and awaited: no collecting of packets
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # notice a server whose machine has died
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection


def _ip(host: str) -> str:
    """The address of a host, or its name if that is not known here."""
    with contextlib.suppress(OSError):
        return socket.gethostbyname(host)
    return host
