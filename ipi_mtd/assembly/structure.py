"""The structure of a run: its atoms, where they are, and the directions in which it is periodic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ipi_mtd.config import Config
from ipi_mtd.config.sections import ASESection, LennardJonesSection, MetatomicSection
from ipi_mtd.errors import UserError
from ipi_mtd.structures import Snapshot, periodic_directions, read_structure
from ipi_mtd.structures.structure import Structure


@dataclass(frozen=True, slots=True, eq=False)
class LabeledStructure:
    """A structure, and what its file calls the atoms.

    Parameters
    ----------
    structure : with atomic numbers, 0 for a label that is no chemical element
    labels : of each atom
    """

    structure: Structure
    labels: tuple[str, ...]


def structure_of(config: Config) -> Structure:
    """The structure of a configuration, as periodic as the run.

    Raises
    ------
    UserError
        If the configuration names no file, the file cannot be read, the run is to be periodic along
        a lattice vector that it does not have, or the potential needs the element of an atom that
        is none.
    """
    return read_labeled_structure(config).structure


def read_labeled_structure(config: Config) -> LabeledStructure:
    """The structure of a configuration, as periodic as the run, with the labels of its atoms.

    Raises
    ------
    UserError
        As :func:`structure_of`.
    """
    if config.system.structure is None:
        raise UserError(f"{config.source}: `system.structure` is missing")
    return as_in_the_run(config, read_structure(config.system.structure))


def as_in_the_run(config: Config, snapshot: Snapshot) -> LabeledStructure:
    """What a file holds as the run has it: with its atoms' numbers, as periodic as it is.

    Raises
    ------
    UserError
        If the potential does not know an atom, or a direction is to be periodic that has no lattice
        vector.
    """
    section, numbers = config.potential, snapshot.numbers
    if isinstance(section, MetatomicSection | ASESection) and not numbers.all():
        raise UserError(
            f"{snapshot.path}: '{snapshot.labels[int(numbers.argmin())]}' is no chemical element, "
            f"and a potential of kind '{section.kind}' needs to know it"
        )
    pbc = directions_of(config, snapshot)
    structure = Structure(snapshot.positions, snapshot.cell * pbc[:, None], numbers)
    return LabeledStructure(structure, snapshot.labels)


def directions_of(config: Config, snapshot: Snapshot) -> npt.NDArray[np.bool_]:
    """(3,) array: the directions in which the run of a configuration is periodic.

    Raises
    ------
    UserError
        If one is to be that has no lattice vector.
    """
    section = config.potential
    all_pairs = isinstance(section, LennardJonesSection) and section.cutoff is None
    return periodic_directions(snapshot, config.system.periodic, needs_isolation=all_pairs)


def say_periodic(structure: Structure) -> bool | list[bool]:
    """One word for all directions, or one for each if they are not the same."""
    pbc = structure.pbc
    return pbc.tolist() if pbc.any() and not pbc.all() else bool(pbc.any())
