"""Which rows the output of a model has for a batch of structures."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from ipi_mtd.arrays import IntArray

NOWHERE = -(2**40)
"""The place of an atom without a sample: no structure of a batch brings it above zero."""


class Samples:
    """The samples that a model is asked for: one for each structure, or each of its atoms.

    Parameters
    ----------
    kind : "system" or "atom"
    n_atoms : how many atoms the model is given
    selected_atoms : (n,) array, optional
        The indices of those that it is asked for, in the order that the rows shall have.
    device : where the labels are to be
    """

    def __init__(
        self, kind: str, n_atoms: int, selected_atoms: IntArray | None, device: torch.device
    ) -> None:
        self._per_atom = kind == "atom"
        self._selected = selected_atoms
        self._atoms = np.arange(n_atoms) if selected_atoms is None else selected_atoms
        self._device = device
        places = np.full(n_atoms, NOWHERE)
        places[self._atoms] = np.arange(len(self._atoms))
        self.place = torch.from_numpy(places).to(device)
        self.n_per_structure = len(self._atoms) if self._per_atom else 1
        # a run has batches of a few sizes, and always the same
        self.of_batch = functools.lru_cache(maxsize=16)(self._of_batch)

    def __str__(self) -> str:
        return f"the {len(self._atoms)} atoms" if self._per_atom else "the system"

    def _of_batch(self, n_structures: int) -> tuple[torch.Tensor, Any]:
        """The samples of the output, and the labels of the selected atoms or None."""
        from metatensor.torch import Labels

        systems = torch.arange(n_structures, dtype=torch.int32).reshape(-1, 1)
        atoms = torch.from_numpy(self._atoms.astype(np.int32)).reshape(-1, 1)
        both = torch.hstack(
            [systems.repeat_interleave(len(atoms), dim=0), atoms.repeat(n_structures, 1)]
        ).to(self._device)
        selected = None if self._selected is None else Labels(["system", "atom"], both)
        return both if self._per_atom else systems.to(self._device), selected
