"""Whether two structures are of the same atoms."""

from __future__ import annotations

from ipi_mtd.structures.snapshot import Snapshot, atomic_number


def differing_atoms(snapshot: Snapshot, other: Snapshot, *, in_order: bool) -> str | None:
    """What is different about the atoms of a structure, None if they are the same.

    Parameters
    ----------
    snapshot : the structure that is spoken of
    other : the structure that it is compared with
    in_order : whether the atoms must also be in the same order
    """
    ours, theirs = _species(snapshot), _species(other)
    if len(ours) != len(theirs):
        return f"has {len(ours)} atoms, and {other.path} has {len(theirs)}"
    if not in_order:
        ours, theirs = sorted(ours), sorted(theirs)
    for k, (one, another) in enumerate(zip(ours, theirs, strict=True)):
        if one != another and in_order:
            return f"has {snapshot.labels[k]} as atom {k + 1}, and {other.path} {other.labels[k]}"
        if one != another:
            return f"has other elements than {other.path}"
    return None


def _species(snapshot: Snapshot) -> list[str]:
    """What tells one atom from another: its atomic number or, if it has none, its label."""
    return [str(atomic_number(label) or label) for label in snapshot.labels]
