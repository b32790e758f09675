"""Saying whom i-PI waits for when a run does not move: its other force fields have drivers too."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import Interpretation
from ipi_mtd.server.ipi_input.elements import ForceField
from ipi_mtd.server.listening import has_client

log = logging.getLogger(__name__)

AT_THE_START = 5.0
MID_RUN = 30.0
"""Seconds without a step after which it is said."""


class Watch:
    """Looks at whether steps are done, and says once if a driver is missing.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    address : where our own driver connects
    now : the time in seconds
    """

    def __init__(
        self, ipi: Interpretation, address: Address, now: Callable[[], float] = time.monotonic
    ) -> None:
        used = {f.forcefield for s in ipi.systems for f in (*s.forces, *s.biases)}
        self._others = [
            socket
            for socket in ipi.sockets
            if not socket.is_at(address) and used & {socket.name, socket.wrapped_by}
        ]
        self._now = now
        self.begin()

    def begin(self) -> None:
        """From now on a step is waited for."""
        self._moved = self._now()
        self._patience = AT_THE_START
        self._said = False

    def moved(self) -> None:
        """A step was done."""
        self._moved = self._now()
        self._patience = MID_RUN
        self._said = False

    def look(self) -> None:
        """Say what is missing, if nothing has moved for long."""
        if self._said or self._now() - self._moved < self._patience:
            return
        self._said = True
        for socket in self._others:
            if not has_client(_address(socket)):
                log.warning(
                    'no step for %g s: i-PI waits for the driver of its forcefield "%s" at %s, '
                    "which is not this one: is that program running? (the run goes on when it "
                    "connects)",
                    *(self._patience, socket.name, _address(socket)),
                )


def _address(socket: ForceField) -> Address:
    assert socket.address is not None
    return socket.address
