"""Whether a run that is there is the one that is gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ipi_mtd.errors import UserError


def require_same(path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Refuse to resume as another run.

    Parameters
    ----------
    path : of the journal, for messages
    old, new : what the run was, and what it is now

    Raises
    ------
    UserError
        Which names what is different.
    """
    before, after = _flat(old), _flat(json.loads(json.dumps(new)))
    changes = [
        f"`{key}` was {before.get(key, 'absent')}, is {after.get(key, 'absent')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if changes:
        raise UserError(
            f"{path}: the run was made with other settings: {'; '.join(changes)}; go back to them, "
            "begin anew with --fresh, or name another --output"
        )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    flat = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}.{key}" if prefix else key))
    return flat
