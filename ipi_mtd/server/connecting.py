"""Connecting to a server that may not be up yet."""

from __future__ import annotations

import logging
import socket
import time

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address

log = logging.getLogger(__name__)

NOT_YET = (FileNotFoundError, ConnectionError, TimeoutError, BlockingIOError)
"""What connecting raises while the server is not up, or busy."""

LISTENS_WITHIN = 1.0
"""Seconds; i-PI listens at once when it has made the file of its socket."""


def connect(address: Address, patience: float) -> socket.socket:
    """Connect to a server that may not be up yet.

    Parameters
    ----------
    address : where it will listen
    patience : float, seconds

    Raises
    ------
    UserError
        If it is not there in time, or cannot be there.
    """
    began = time.monotonic()
    deadline = began + patience
    told = left = False
    while True:
        try:
            return address.connect(min(max(1.0, deadline - time.monotonic()), 60.0))
        except NOT_YET as error:
            refused = isinstance(error, ConnectionRefusedError) and address.port is None
            if time.monotonic() >= deadline:
                reason = f"{error.strerror or error}" + (f": {_left(address)}" if refused else "")
                raise UserError(
                    f"no i-PI server at {address} within {patience:g} s: {reason}"
                ) from error
        except OSError as error:
            raise UserError(f"cannot connect to {address}: {error.strerror or error}") from error
        if not told:
            log.info("waiting up to %g s for i-PI at %s", patience, address)
            told = True
        if refused and not left and time.monotonic() - began > LISTENS_WITHIN:
            log.warning("%s", _left(address))
            left = True
        time.sleep(min(0.1, patience))


def _left(address: Address) -> str:
    return (
        f"nobody listens at {address.path}: the file is left from an i-PI that is gone, and in the "
        f"way of the next one; remove it (rm {address.path}), then start i-PI"
    )
