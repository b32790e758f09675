"""Who is at an address: an i-PI, a file that one has left, or a client that is connected."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address

_PROC = Path("/proc/net")


def is_stale(address: Address) -> bool:
    """Whether the file of a unix socket is there and nobody listens at it.

    Raises
    ------
    UserError
        If somebody listens at the address, or a file that is no socket has its name.
    """
    if address.port is not None:
        _require_free_port(address)
        return False
    if address.path.exists() and not address.path.is_socket():
        raise UserError(f"{address.path}: is in the way of i-PI's socket, and is not a socket")
    # a socket of another kind learns whether somebody is there without connecting to him
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(address.path))
        except FileNotFoundError:
            return False
        except ConnectionRefusedError:
            return True
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise UserError(f"{address.path}: {error.strerror or error}") from error
    raise UserError(f"{address.path}: another i-PI is listening there; give this one its own name")


def clear_stale_socket(address: Address) -> bool:
    """Remove the file of a unix socket that nobody listens at; return whether there was one.

    Raises
    ------
    UserError
        As :func:`is_stale`; then nothing is removed.
    """
    stale = is_stale(address)
    if stale:
        address.path.unlink(missing_ok=True)
    return stale


def has_client(address: Address) -> bool:
    """Whether a server on this machine is known to have a client; only Linux tells, proc_net(5)."""
    if address.port is None:
        # the fields are Num RefCount Protocol Flags Type St Inode Path; state 3 is connected
        return any(row[5] == "03" and row[7:] == [str(address.path)] for row in _rows("unix"))
    port = f":{address.port:04X}"
    # sl local_address rem_address st; state 1 is connected
    rows = [*_rows("tcp"), *_rows("tcp6")]
    return any(row[1].endswith(port) and row[3] == "01" for row in rows)


def _rows(table: str) -> list[list[str]]:
    try:
        lines = (_PROC / table).read_text().splitlines()
    except OSError:
        return []
    return [line.split() for line in lines[1:]]


def _require_free_port(address: Address) -> None:
    """Refuse a port that another program listens at; i-PI says what else is wrong with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as i-PI does
        try:
            probe.bind((address.address, address.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(
                    f"{address}: another program is listening there; give this i-PI its own port"
                ) from error
