"""The loop that answers i-PI.

Of the messages, only the one after an answer matters to the run: it shows that the answer arrived,
and the step is committed. The server is told that the driver is ready before that work is done, so
it integrates the next step meanwhile.
"""

from __future__ import annotations

import functools
import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Protocol

from ipi_mtd.biased_system.system import BiasedEvaluation
from ipi_mtd.errors import UserError
from ipi_mtd.server import wire
from ipi_mtd.server.address import Address
from ipi_mtd.server.wire import ProtocolError, Wire
from ipi_mtd.structures.structure import Structure
from ipi_mtd.walker.one_trajectory import OneTrajectory

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


class System(Protocol):
    """What the driver serves; see :class:`ipi_mtd.biased_system.system.BiasedSystem`."""

    def propose(self, structure: Structure) -> BiasedEvaluation:
        """The answer for the next step."""

    def commit(self) -> None:
        """The answer has arrived."""


def serve(
    connection: Wire,
    system: System,
    template: Structure,
    cv_names: tuple[str, ...],
    after_commit: Callable[[BiasedEvaluation], None] = lambda _: None,
) -> None:
    """Answer i-PI until it says EXIT.

    Parameters
    ----------
    connection : to the server
    system : what is served
    template : a structure with the atomic types; in a direction without a lattice vector the run
        is not periodic, whatever cell i-PI sends
    cv_names : the names of the CVs among the extras
    after_commit : called after each step with its evaluation

    Raises
    ------
    ProtocolError
        If the server closes the connection without EXIT, or breaks the protocol.
    UserError
        If an answer cannot be given, or what is asked is not one trajectory; nothing is sent then.
    """
    periodic = template.pbc[:, None]
    trajectory = OneTrajectory()
    initialised = False
    structure: Structure | None = None  # received and not yet answered
    answered: BiasedEvaluation | None = None  # sent, and perhaps not arrived

    while True:
        message = connection.read_header()
        if message == "STATUS":
            if structure is not None:
                system.propose(structure)
                connection.send(wire.HAVEDATA)
            else:
                connection.send(wire.READY if initialised else wire.NEEDINIT)
        if answered is not None and message is not None:
            system.commit()
            after_commit(answered)
            answered = None

        if message == "STATUS":
            continue
        if message == "INIT":
            _refuse_batches(connection.read_init()[1])
            initialised = True
        elif message == "POSDATA":
            cell, positions = connection.read_posdata()
            cell = cell * periodic
            trajectory.follow(positions, cell)
            structure = Structure(positions, cell, template.types)
        elif message == "GETFORCE" and structure is not None:
            evaluation = system.propose(structure)
            connection.send(wire.forceready(evaluation.total, extras(evaluation, cv_names)))
            structure, answered = None, evaluation
        elif message == "EXIT":
            return
        elif message is None:
            raise ProtocolError("i-PI closed the connection without saying EXIT")
        else:
            raise ProtocolError(f"i-PI sent {message!r}, which the protocol does not have here")


def extras(evaluation: BiasedEvaluation, cv_names: tuple[str, ...]) -> str:
    """The extras of one step as JSON: ``bias`` and ``potential`` in hartree, and the CVs."""
    values = (evaluation.bias, evaluation.potential, *evaluation.s.tolist())
    return _form(("bias", "potential", *cv_names)) % values


@functools.cache
def _form(names: tuple[str, ...]) -> str:
    """A JSON object of numbers, to be filled with them."""
    return "{" + ", ".join(f"{json.dumps(name).replace('%', '%%')}: %r" for name in names) + "}"


def _refuse_batches(parameters: str) -> None:
    """Batched requests look different on the wire."""
    if "batch_size" in parameters:
        raise ProtocolError(
            f"i-PI asks for batches ({parameters.strip()!r}), which are not served: remove "
            "<batch_size> from the ffsocket"
        )
