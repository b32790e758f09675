"""METATOMIC: a model and the atoms it is given."""

from __future__ import annotations

import logging

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.draft import Content, Draft, Vector

log = logging.getLogger(__name__)


def read_metatomic(draft: Draft, action: Action) -> None:
    """A model; its label stands for all of its output.

    Raises
    ------
    UserError
        If the atoms and their types do not fit together.
    """
    assert action.label is not None
    types = _types(action)
    model: Content = {
        "file": str(_path(draft, action, "MODEL")),
        "atoms": sorted(types),
        "atom_types": [types[atom] for atom in sorted(types)],
        "length_unit": draft.length,
        "check_consistency": "CHECK_CONSISTENCY" in action.flags,
    }
    if "EXTENSIONS_DIRECTORY" in action.keywords:
        model["extensions"] = str(_path(draft, action, "EXTENSIONS_DIRECTORY"))
    if "DEVICE" in action.keywords:
        model["device"] = action.text("DEVICE")
    if "VARIANT" in action.keywords:
        model["variant"] = action.text("VARIANT")
    if "SELECTED_ATOMS" in action.keywords:
        model["selected_atoms"] = _selected(action, types)
    draft.models[action.label] = model
    draft.vectors[action.label] = Vector(action.label)


def _path(draft: Draft, action: Action, key: str) -> str:
    text = action.keywords[key].text
    if not text or "\0" in text:
        raise action.error("must be a path", key)
    return str(draft.path.absolute().parent / text)


def _selected(action: Action, types: dict[int, int]) -> list[int]:
    atoms = _atoms(action, "SELECTED_ATOMS")
    for atom in atoms:
        if atom not in types:
            raise action.error(f"has atom {atom}, which is in no SPECIES", "SELECTED_ATOMS")
        if atoms.count(atom) > 1:
            raise action.error(f"has atom {atom} twice", "SELECTED_ATOMS")
    return atoms


def _types(action: Action) -> dict[int, int]:
    """The type of each atom of the model."""
    keys = _species(action)
    of_species = list(range(1, len(keys) + 1))
    if "SPECIES_TO_TYPES" in action.keywords:
        of_species = action.values("SPECIES_TO_TYPES", values.whole)
        if len(of_species) < len(keys):
            raise action.error(
                f"needs one type for each of the {len(keys)} SPECIES, got {len(of_species)}",
                "SPECIES_TO_TYPES",
            )
        if len(of_species) > len(keys):
            log.warning(
                "%s: SPECIES_TO_TYPES has more types than there are SPECIES", action.place()
            )
    types: dict[int, int] = {}
    for key, species_type in zip(keys, of_species, strict=False):
        for atom in _atoms(action, key):
            if atom in types:
                raise action.error(f"has atom {atom}, which is there already", key)
            types[atom] = species_type
    return types


def _species(action: Action) -> list[str]:
    """The keywords SPECIES, or SPECIES1, SPECIES2, ... in this order."""
    found = [key for key in action.keywords if key.rstrip("0123456789") == "SPECIES"]
    if not found:
        raise action.error("`SPECIES` or `SPECIES1` is missing: it says which atoms there are")
    if found == ["SPECIES"]:
        return found
    wanted = [f"SPECIES{k + 1}" for k in range(len(found))]
    for key in found:
        if key not in wanted:
            raise action.error(f"does not fit: SPECIES are numbered {', '.join(wanted)}", key)
    return wanted


def _atoms(action: Action, key: str) -> list[int]:
    try:
        return values.atoms(action.words(key))
    except ValueError as error:
        raise action.error(str(error), key) from error
