"""What i-PI makes of its input: defaults filled in, units converted, files read.

i-PI itself is asked, so that nothing of this is known twice. It is asked in a process of its own,
because reading an input leaves traces in a process: a level of verbosity, handlers of signals,
lines on the terminal.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree

from ipi_mtd.address import Address
from ipi_mtd.errors import UserError
from ipi_mtd.ipi_input.document import read_ipi_input
from ipi_mtd.structure import FloatArray


@dataclass(frozen=True, slots=True)
class ForceField:
    """An ``<ffsocket>``, ``<fflj>``, ...

    Parameters
    ----------
    kind : its tag
    name : what a ``<force>`` refers to
    pbc : whether the atoms are folded into the cell before they are sent
    active : the atoms whose forces are asked, counted from 0; (-1,) for all
    wrapped_by : the name of the forcefield that asks this one, if it is part of another one
    address : where its driver connects; None if it has none
    mode : the kind of socket
    batch_size : how many structures are sent at a time
    """

    kind: str
    name: str
    pbc: bool = False
    active: tuple[int, ...] = (-1,)
    wrapped_by: str | None = None
    address: Address | None = None
    mode: str = ""
    batch_size: int = 1

    def is_at(self, address: Address) -> bool:
        """Whether it waits there for its driver."""
        return self.address is not None and self.address.is_at(address)


@dataclass(frozen=True, slots=True)
class Force:
    """A ``<force>``: the use of a forcefield.

    Parameters
    ----------
    forcefield : its name
    nbeads : on how many beads it is evaluated; 0 for all
    weight : what its energy and forces are multiplied with
    mts_weights : what its forces are multiplied with at each level, from the outermost
    """

    forcefield: str
    nbeads: int = 0
    weight: float = 1.0
    mts_weights: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class Motion:
    """A ``<motion>``: what happens in a step.

    Parameters
    ----------
    mode : its kind, such as dynamics
    ensemble : of dynamics, such as nvt
    timestep : float, ps
    nmts : how many substeps each level of multiple time stepping has, from the outermost
    motions : the parts of a ``multi`` motion
    """

    mode: str
    ensemble: str = ""
    timestep: float | None = None
    nmts: tuple[int, ...] = (1,)
    motions: tuple[Motion, ...] = ()

    @property
    def parts(self) -> tuple[Motion, ...]:
        """The motions that are done one after the other in a step."""
        return self.motions or (self,)


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """A ``<system>``, as it is at the first step.

    Parameters
    ----------
    names : the labels of the atoms
    masses : (n_atoms,) array, electron masses
    positions : (n_atoms, 3) array, bohr
        Of the centroid, if there are several beads.
    folded : (n_atoms, 3) array, bohr
        The same, folded into the cell as i-PI does it for ``pbc="True"``.
    cell : (3, 3) array, bohr
        The lattice vectors as rows.
    nbeads : of the ring polymers; 1 for classical atoms
    temperature : float, K
        Of the ensemble; None if the input does not say it.
    motion : what happens in a step
    forces : the physical forces
    biases : those under ``<ensemble><bias>``
    bias_weights : of each of these
    hamiltonian_weights : of each of the physical forces; none means 1
    """

    names: tuple[str, ...]
    masses: FloatArray
    positions: FloatArray
    folded: FloatArray
    cell: FloatArray
    nbeads: int
    temperature: float | None
    motion: Motion
    forces: tuple[Force, ...]
    biases: tuple[Force, ...] = ()
    bias_weights: tuple[float, ...] = ()
    hamiltonian_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """A force or a bias that a forcefield gives to a system.

    Parameters
    ----------
    system : the system
    force : the ``<force>``
    is_bias : whether it stands under ``<ensemble><bias>``
    weight : what the energy is multiplied with, by all weights together
    """

    system: System
    force: Force
    is_bias: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Extras:
    """A ``<trajectory>`` of what the drivers say beyond forces.

    Parameters
    ----------
    of_bias : whether of those under ``<ensemble><bias>``
    keys : which of it
    """

    of_bias: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ``<checkpoint>`` of the outputs.

    Parameters
    ----------
    filename : with the prefix of the outputs, relative to where i-PI runs
    stride : how many steps are between two
    overwrite : whether there is only the newest; else ``_0``, ``_1``, ... are appended to the name
    """

    filename: str
    stride: int
    overwrite: bool


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

    def socket_at(self, address: Address) -> ForceField:
        """The forcefield whose driver connects there.

        Raises
        ------
        UserError
            If there is none.
        """
        for socket in self.sockets:
            if socket.is_at(address):
                return socket
        there = ", ".join(str(socket.address) for socket in self.sockets)
        raise UserError(
            f"{self.path}: no ffsocket listens at {address}, where the driver connects, "
            f"only at {there or 'none'}"
        )

    def uses_of(self, forcefield: ForceField) -> tuple[Use, ...]:
        """What a forcefield is used for.

        Raises
        ------
        UserError
            If for nothing: its driver would never be asked.
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
            raise UserError(
                f'{self.path}: no <force> has forcefield="{forcefield.name}": the driver at '
                f"{forcefield.address} would never be asked"
            )
        return found

    def sent_to(self, address: Address) -> Sent:
        """What a driver is asked first.

        Raises
        ------
        UserError
            If nothing is asked there.
        """
        socket = self.socket_at(address)
        system = self.uses_of(socket)[0].system
        positions = system.folded if socket.pbc else system.positions
        atoms = range(len(system.names)) if socket.active == (-1,) else socket.active
        return Sent(
            tuple(system.names[k] for k in atoms), positions[list(atoms)], system.cell, socket.pbc
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """The first structure that a driver gets.

    Parameters
    ----------
    names : the labels of the atoms, as i-PI knows them
    positions : (n_atoms, 3) array, bohr
    cell : (3, 3) array, bohr
        The lattice vectors as rows.
    folded : whether i-PI folds the atoms into the cell
    """

    names: tuple[str, ...]
    positions: FloatArray
    cell: FloatArray
    folded: bool


def interpret(path: Path, start: Path) -> Interpretation:
    """Ask i-PI what it makes of an input, a RESTART or another checkpoint. It takes about a second.

    Parameters
    ----------
    path : the file
    start : the directory that a user would start i-PI in

    Raises
    ------
    UserError
        If i-PI refuses the file, with i-PI's words.
    """
    content = read_ipi_input(path).with_absolute_paths(start)
    asking = (
        f"import sys; sys.path = {sys.path!r}; "
        f"from ipi_mtd.ipi_input.ask_ipi import answer; answer({str(path)!r})"
    )
    process = subprocess.run(
        [sys.executable, "-c", asking],
        cwd=start,
        input=_bytes(content),
        capture_output=True,
        check=False,
    )
    if not process.stdout:
        raise UserError(f"{path}: i-PI cannot be asked: {_last_line(process.stderr)}")
    found = pickle.loads(process.stdout)
    if isinstance(found, Interpretation):
        return found
    raise UserError(f"{path}: {found}")


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"


def _bytes(content: ElementTree[Element[str]]) -> bytes:
    stream = io.BytesIO()
    content.write(stream)
    return stream.getvalue()
