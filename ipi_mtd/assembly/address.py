"""Where i-PI is, as a configuration says it."""

from __future__ import annotations

from ipi_mtd.config import Config
from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address


def address_of(config: Config) -> Address:
    """Where the server of a configuration listens.

    Raises
    ------
    UserError
        If the configuration does not say it.
    """
    socket = config.socket
    if socket is None:
        raise UserError(f"{config.source}: `socket` is missing")
    return Address(socket.address, socket.port if socket.mode == "inet" else None, socket.prefix)
