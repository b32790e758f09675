"""The elements of an i-PI input, as i-PI understands them: units converted, defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass

from ipi_mtd.arrays import FloatArray
from ipi_mtd.server.address import Address

VARIABLE_CELL = ("npt", "nst", "scnpt")
"""Ensembles in which a barostat moves the cell."""


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

    @property
    def moves_cell(self) -> bool:
        """Whether there is a barostat, which needs the virial."""
        return self.ensemble in VARIABLE_CELL


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
