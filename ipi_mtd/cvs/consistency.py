"""Our evaluation of a model against metatomic's own, with all its checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import last_line
from ipi_mtd.models.tensors import to_numpy

PRECISION = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Relative and absolute."""


class Reference:
    """A model as metatomic's own engines evaluate it.

    Parameters
    ----------
    wrapper : the loaded ``AtomisticModel``
    output : the name of the output
    sample_kind : "system" or "atom"
    length_unit : of the model, empty if it states none
    types : (n_atoms,) tensor
    dtype : of the model
    """

    def __init__(
        self,
        wrapper: Any,
        output: str,
        sample_kind: str,
        length_unit: str,
        types: torch.Tensor,
        dtype: torch.dtype,
    ) -> None:
        self._wrapper = wrapper
        self._output = output
        self._sample_kind = sample_kind
        self._length_unit = length_unit
        self._types = types
        self._dtype = dtype

    def compare(
        self,
        ours: FloatArray,
        rows: Sequence[Sequence[int]],
        geometries: Sequence[tuple[FloatArray, FloatArray]],
        selected_atoms: Any,
    ) -> None:
        """Evaluate a batch as well, with metatomic's checks and neighbor lists.

        Parameters
        ----------
        ours : (n_rows, n_properties) array
        rows : the samples that these are the features of
        geometries : positions and cell of each structure, in the model's unit
        selected_atoms : labels of the atoms to evaluate, or None for all

        Raises
        ------
        UserError
            If metatomic finds the model inconsistent, or its values are not ours. The message
            does not name the model.
        """
        block = self._evaluate([self._system(*g) for g in geometries], selected_atoms)
        values = to_numpy(block.values).reshape(len(block.values), -1)
        found = {tuple(row): k for k, row in enumerate(block.samples.values.tolist())}
        theirs = values[[found[tuple(row)] for row in rows]]
        precision = PRECISION[self._dtype]
        if not np.allclose(ours, theirs, rtol=precision, atol=precision):
            raise UserError(
                "evaluates differently in metatomic's own wrapper, by up to "
                f"{np.abs(ours - theirs).max():.3g}"
            )

    def _system(self, positions: FloatArray, cell: FloatArray) -> Any:
        from metatomic.torch import System
        from vesin.metatomic import NeighborList

        device = self._types.device
        # a model may differentiate with respect to these itself
        R = torch.from_numpy(positions).to(self._dtype).to(device).requires_grad_(True)
        system = System(
            self._types,
            R,
            torch.from_numpy(cell).to(self._dtype).to(device),
            torch.from_numpy(cell.any(axis=1)).to(device),
        )
        for request in self._wrapper.requested_neighbor_lists():
            neighbors = NeighborList(request, self._length_unit, skin=0.0).compute(system)
            system.add_neighbor_list(request, neighbors)
        return system

    def _evaluate(self, systems: list[Any], selected_atoms: Any) -> Any:
        from metatomic.torch import ModelEvaluationOptions, ModelOutput

        options = ModelEvaluationOptions(
            length_unit=self._length_unit,
            outputs={self._output: ModelOutput(sample_kind=self._sample_kind)},
            selected_atoms=selected_atoms,
        )
        try:
            try:
                outputs = self._wrapper(systems, options, True)
            except Exception as error:
                # metatomic 0.1.19 and before compare the samples of atoms with an uninitialized
                # list; ours have been compared with those asked for
                if self._sample_kind == "system" or "invalid samples entries" not in str(error):
                    raise
                outputs = self._wrapper(systems, options, False)
            return outputs[self._output].block()
        except Exception as error:
            raise UserError(f"metatomic finds: {last_line(error)}") from error
