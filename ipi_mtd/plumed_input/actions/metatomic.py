"""METATOMIC: a model and the atoms it is given."""

from __future__ import annotations

import logging

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft, Vector
from ipi_mtd.plumed_input.keywords import Flag, Keyword, one, required, several

log = logging.getLogger(__name__)


def _path(draft: Draft, action: Action, key: str) -> str:
    text = action.keywords[key].text
    if not text or "\0" in text:
        raise action.error("must be a path", key)
    return str(draft.path.absolute().parent / text)


def _atoms(_draft: Draft, action: Action, key: str) -> list[int]:
    try:
        return values.atoms(action.words(key))
    except ValueError as error:
        raise action.error(str(error), key) from error


def _metatomic(draft: Draft, action: Action, given: Given) -> None:
    types = _types(action, given)
    _check_selected(action, given.get("SELECTED_ATOMS", []), types)
    draft.models[action.called] = {
        "atoms": sorted(types),
        "atom_types": [types[atom] for atom in sorted(types)],
        "length_unit": draft.units["length"],
        **given.section,
    }
    draft.vectors[action.called] = Vector(action.called)


def _check_selected(action: Action, atoms: list[int], types: dict[int, int]) -> None:
    for atom in atoms:
        if atom not in types:
            raise action.error(f"has atom {atom}, which is in no SPECIES", "SELECTED_ATOMS")
        if atoms.count(atom) > 1:
            raise action.error(f"has atom {atom} twice", "SELECTED_ATOMS")


def _types(action: Action, given: Given) -> dict[int, int]:
    """The type of each atom of the model."""
    keys = _species(action)
    of_species = given.get("SPECIES_TO_TYPES", range(1, len(keys) + 1))
    if len(of_species) < len(keys):
        raise action.error(
            f"needs one type for each of the {len(keys)} SPECIES, got {len(of_species)}",
            "SPECIES_TO_TYPES",
        )
    if len(of_species) > len(keys):
        log.warning("%s: SPECIES_TO_TYPES has more types than there are SPECIES", action.place())
    types: dict[int, int] = {}
    for key, species_type in zip(keys, of_species, strict=False):
        for atom in given[key]:
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


METATOMIC = Definition(
    "METATOMIC",
    {
        "MODEL": required(_path, "file"),
        "EXTENSIONS_DIRECTORY": Keyword(_path, "extensions"),
        "DEVICE": Keyword(one(str), "device"),
        "SPECIES_TO_TYPES": Keyword(several(values.whole)),
        "SELECTED_ATOMS": Keyword(_atoms, "selected_atoms"),
        "VARIANT": Keyword(one(str), "variant"),
        "SPECIES": Keyword(_atoms, numbered=True),
        "CHECK_CONSISTENCY": Flag("check_consistency"),
    },
    _metatomic,
    labeled=True,
)
