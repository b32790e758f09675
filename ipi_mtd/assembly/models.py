"""From the sections of models to models, for the atoms of a structure."""

from __future__ import annotations

import numpy as np

from ipi_mtd.arrays import IntArray
from ipi_mtd.assembly.structure import LabeledStructure
from ipi_mtd.config import Config
from ipi_mtd.config.sections import ModelSection
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError


def load_models(config: Config, atoms: LabeledStructure) -> dict[str, FeatureModel]:
    """Load the models of a configuration.

    Raises
    ------
    UserError
        If a file is missing or no such model, or does not know the atoms.
    """
    return {
        name: _load(f"{config.source}: `models.{name}", section, atoms)
        for name, section in config.models.items()
    }


def _load(key: str, section: ModelSection, structure: LabeledStructure) -> FeatureModel:
    """Load one model; `key` is the beginning of its keys in messages."""
    n_atoms = len(structure.labels)
    atoms = _indices(section.atoms, n_atoms, section.said_at(f"{key}.atoms`", "SPECIES"))
    selected = _indices(
        section.selected_atoms,
        n_atoms,
        section.said_at(f"{key}.selected_atoms`", "SELECTED_ATOMS"),
    )
    if atoms is not None and selected is not None:
        place = {atom: k for k, atom in enumerate(atoms.tolist())}
        if not place.keys() >= set(selected.tolist()):
            raise UserError(f"{key}.selected_atoms` has atoms that are not in `atoms`")
        selected = np.array([place[atom] for atom in selected.tolist()], dtype=np.int32)
    return FeatureModel(
        section.file,
        _types(key, section, structure),
        extensions=section.extensions,
        device=section.device,
        variant=section.variant,
        atoms=atoms,
        selected_atoms=selected,
        length_unit=section.length_unit,
        check_consistency=section.check_consistency,
    )


def _types(key: str, section: ModelSection, structure: LabeledStructure) -> IntArray:
    """The model's type of every atom of the structure."""
    labels, numbers = structure.labels, structure.structure.types
    unknown = sorted(set(section.types) - set(labels))
    if unknown:
        raise UserError(
            f"{key}.types` names {', '.join(unknown)}, of which the structure has no atoms"
        )
    of_label = dict(zip(labels, numbers.tolist(), strict=True)) | section.types
    types = np.array([of_label[label] for label in labels], dtype=np.int32)
    if section.atom_types is not None:
        atoms = section.atoms or range(1, len(types) + 1)
        if len(section.atom_types) != len(atoms):
            raise UserError(
                f"{key}.atom_types` needs one type for each of the {len(atoms)} atoms, got "
                f"{len(section.atom_types)}"
            )
        types[np.array(atoms) - 1] = section.atom_types
    for k in [atom - 1 for atom in section.atoms or range(1, len(types) + 1)]:
        if types[k] == 0 and section.atom_types is None and labels[k] not in section.types:
            file, _, name = key.partition(": `")
            raise UserError(
                f"{file}: atom {k + 1} of the structure is called '{labels[k]}', which is no "
                f"chemical element: say its type, `{name}.types = {{ {labels[k]} = ... }}`"
            )
    return types


def _indices(numbers: list[int] | None, n_atoms: int, where: str) -> IntArray | None:
    """From atoms counted from 1 to indices counted from 0."""
    if numbers is None:
        return None
    if not numbers or max(numbers) > n_atoms or len(set(numbers)) < len(numbers):
        got = str(numbers) if len(numbers) < 10 else f"{len(numbers)} with the last {max(numbers)}"
        raise UserError(f"{where} must name different atoms from 1 to {n_atoms}, got {got}")
    return np.array(numbers, dtype=np.int32) - 1
