"""What an exported model must be to give features: found out when it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ipi_mtd.arrays import IntArray
from ipi_mtd.errors import UserError


def pick_sample_kind(output: Any, name: str, path: Path) -> str:
    """What there is a sample for: "system" or "atom".

    Raises
    ------
    UserError
        If it is something else.
    """
    kind: str = output.sample_kind
    if kind not in ("system", "atom"):
        raise UserError(
            f"{path}: the output '{name}' has a value for each {kind}; it must be for each system "
            "or each atom"
        )
    return kind


def require_no_inputs(wrapper: Any, path: Path) -> None:
    """Make sure that the model needs no more than types, positions and cell.

    Raises
    ------
    UserError
        If it does.
    """
    inputs = wrapper.requested_inputs(use_new_names=True)
    if inputs:
        raise UserError(
            f"{path}: the model asks for inputs that i-PI cannot give: {', '.join(sorted(inputs))}"
        )


def require_types(types: IntArray, known: list[int], path: Path) -> None:
    """Make sure that the model knows the types of the atoms.

    Raises
    ------
    UserError
        If it does not.
    """
    unknown = sorted(set(types.tolist()) - set(known))
    if unknown:
        raise UserError(
            f"{path}: the model does not know the atomic types {unknown} of the structure, only "
            f"{sorted(known)}"
        )
