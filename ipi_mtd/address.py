"""Where i-PI listens."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path


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
