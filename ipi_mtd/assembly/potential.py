"""From the section of the potential to the source of physical forces."""

from __future__ import annotations

from typing import Any

from ipi_mtd.assembly.calculators import load_calculator
from ipi_mtd.config import Config
from ipi_mtd.config.sections import ASESection, LennardJonesSection, MetatomicSection
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import sha256
from ipi_mtd.potentials import (
    AsePotential,
    LennardJones,
    MetatomicPotential,
    NoPotential,
    Potential,
)
from ipi_mtd.structures import say_cell, say_pbc
from ipi_mtd.structures.structure import Structure


def make_potential(config: Config, structure: Structure) -> Potential:
    """The potential of a configuration; none if it names none.

    Raises
    ------
    UserError
        If a file or a calculator is missing, or a periodic Lennard-Jones system has no cutoff.
    """
    section = config.potential
    match section:
        case LennardJonesSection():
            if structure.pbc.any() and section.cutoff is None:
                raise UserError(
                    f"{config.source}: `potential.cutoff` is missing: a periodic cell needs it, "
                    f"and {config.system.structure} is {say_pbc(structure.pbc)}, with a cell of "
                    f"{say_cell(structure.cell)}; a cluster is `system.periodic = false`"
                )
            return LennardJones(section.epsilon, section.sigma, section.cutoff, shift=section.shift)
        case MetatomicSection():
            return MetatomicPotential(section.file, section.extensions, section.device)
        case ASESection():
            calculator = load_calculator(section.calculator, section.arguments, config.source)
            return AsePotential(calculator)
    return NoPotential()


def potential_identity(config: Config) -> dict[str, Any]:
    """What tells one potential from another: not where its file is, nor on which device it runs."""
    section = config.potential
    if isinstance(section, MetatomicSection):
        return {"kind": section.kind, "sha256": sha256(section.file)}
    if section is None:
        return {"kind": "none"}
    return section.model_dump(mode="json", exclude_defaults=True)
