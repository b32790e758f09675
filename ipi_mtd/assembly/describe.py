"""What a run is, in a few lines."""

from __future__ import annotations

from ipi_mtd.assembly.run import Run
from ipi_mtd.structures import say_cell, say_pbc
from ipi_mtd.structures.structure import Structure


def describe(assembled: Run) -> str:
    """One line on what is loaded and where it runs."""
    models = ", ".join(f"{model.path} on {model.device}" for model in assembled.models.values())
    potential = "none" if assembled.config.potential is None else assembled.config.potential.kind
    return (
        f"{len(assembled.structure.types)} atoms; CVs {', '.join(assembled.cv_names)} "
        f"from {models}; potential {potential}"
    )


def describe_cell(structure: Structure) -> str:
    """One line on whether the run is periodic."""
    if not structure.pbc.any():
        return "isolated: the cell that i-PI sends is ignored"
    return f"{say_pbc(structure.pbc)}, with a cell of {say_cell(structure.cell)} here"
