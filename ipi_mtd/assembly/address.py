"""Where i-PI is, as a configuration says it."""

from __future__ import annotations

from ipi_mtd.config import RunConfig
from ipi_mtd.server.address import Address


def address_of(config: RunConfig) -> Address:
    """Where the server of a configuration listens."""
    socket = config.socket
    return Address(socket.address, socket.port if socket.mode == "inet" else None, socket.prefix)
