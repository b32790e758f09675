"""What i-PI makes of its input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input.elements import Checkpoint, Extras, ForceField, Sent, System, Use


@dataclass(frozen=True, slots=True, eq=False)
class Interpretation:
    """What i-PI makes of its input.

    Parameters
    ----------
    path : the file, for messages
    step : how many steps have been done; 0 unless it is a RESTART or another checkpoint
    total_steps : how many there will be in all
    systems : what is simulated
    forcefields : who gives forces
    prefix : of the names of the outputs
    quantities : the properties and trajectories that are printed, with their units and arguments
    extras : what of the drivers' extras is printed
    checkpoints : the checkpoints that are written; RESTART is written at the end in any case
    super_motions : the modes of ``<smotion>``, all its parts
    """

    path: Path
    step: int
    total_steps: int
    systems: tuple[System, ...]
    forcefields: tuple[ForceField, ...]
    prefix: str = "i-pi"
    quantities: tuple[str, ...] = ()
    extras: tuple[Extras, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    super_motions: tuple[str, ...] = ("dummy",)

    @property
    def sockets(self) -> tuple[ForceField, ...]:
        """The forcefields that wait for a driver."""
        return tuple(ff for ff in self.forcefields if ff.address is not None)

    def error(self, *words: str) -> UserError:
        """What to raise if something is wrong with the input."""
        return UserError(f"{self.path}: {' '.join(words)}")

    def socket_at(self, address: Address) -> ForceField:
        """The forcefield whose driver connects there.

        Raises
        ------
        UserError
            If i-PI listens nowhere or only at other addresses.
        """
        for socket in self.sockets:
            if socket.is_at(address):
                return socket
        there = ", ".join(str(socket.address) for socket in self.sockets)
        raise self.error(
            f"no ffsocket listens at {address}, where the driver connects, "
            f"only at {there or 'none'}"
        )

    def uses_of(self, forcefield: ForceField) -> tuple[Use, ...]:
        """What a forcefield is used for.

        Raises
        ------
        UserError
            If no force or bias uses it: its driver would never be asked.
        """
        uses = []
        for system in self.systems:
            scales = system.hamiltonian_weights or (1.0,) * len(system.forces)
            for force, scale in zip(system.forces, scales, strict=False):
                weight = force.weight * scale * sum(force.mts_weights)
                uses.append(Use(system, force, False, weight))
            # i-PI does not look at the `weight` of a bias
            for bias, scale in zip(system.biases, system.bias_weights, strict=False):
                uses.append(Use(system, bias, True, scale * sum(bias.mts_weights)))
        found = tuple(use for use in uses if use.force.forcefield == forcefield.name)
        if not found:
            raise self.error(
                f'no <force> has forcefield="{forcefield.name}": the driver at '
                f"{forcefield.address} would never be asked"
            )
        return found

    def sent_to(self, address: Address) -> Sent:
        """What a driver is asked first.

        Raises
        ------
        UserError
            If i-PI does not listen there, or nothing uses that forcefield.
        """
        socket = self.socket_at(address)
        system = self.uses_of(socket)[0].system
        positions = system.folded if socket.pbc else system.positions
        atoms = range(len(system.names)) if socket.active == (-1,) else socket.active
        return Sent(
            tuple(system.names[k] for k in atoms), positions[list(atoms)], system.cell, socket.pbc
        )
