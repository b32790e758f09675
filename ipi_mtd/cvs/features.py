"""The features of a batch of structures, with the graph that leads back to the positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray, IntArray, is_finite
from ipi_mtd.cvs.inputs import Inputs
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import last_line


@dataclass(frozen=True, slots=True, eq=False)
class WayBack:
    """How the gradient of a model comes back from its tensors.

    Parameters
    ----------
    path, output : of the model, for messages
    pull_back : :meth:`ipi_mtd.cvs.engine.Engine.pull_back`
    bohr : float
        In the model's unit of length.
    atoms : (n_model_atoms,) array
        The atoms that the model was given, None if it was given all.
    n_atoms : of a whole structure
    """

    path: Path
    output: str
    pull_back: Callable[..., torch.Tensor]
    bohr: float
    atoms: IntArray | None
    n_atoms: int


class Features:
    """What a model gave for a batch of structures.

    Attributes
    ----------
    outputs : (n_structures, n_samples, n_properties) tensor
        On the device of the model. Rows in the order of the atoms (or of the selected atoms), one
        row for a model that gives one sample for the system.
    """

    def __init__(self, way_back: WayBack, outputs: torch.Tensor, inputs: Inputs) -> None:
        self._way_back = way_back
        self._inputs = inputs
        self.outputs = outputs

    @property
    def values(self) -> FloatArray:
        """(n_structures, n_samples, n_properties) array: the outputs.

        Raises
        ------
        UserError
            If one is not finite.
        """
        values = to_numpy(self.outputs)
        self.require_finite(values)
        return values

    def require_finite(self, numbers: FloatArray) -> None:
        """Find fault with the model if numbers made from its features are not finite.

        Raises
        ------
        UserError
            If it is the features that are not finite.
        """
        if not is_finite(numbers) and not bool(torch.isfinite(self.outputs).all()):
            way = self._way_back
            raise UserError(f"{way.path}: the output '{way.output}' has a value that is not finite")

    def pull_back(
        self, s: torch.Tensor, dV_ds: FloatArray, *, retain_graph: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """The gradients of a function of s, in one backward pass.

        Parameters
        ----------
        s : (n_structures, ...) tensor
            Made from `outputs`, that of a structure from those of this structure only.
        dV_ds : (n_structures, ...) array
        retain_graph : whether this will be called again

        Returns
        -------
        gradients : (n_structures, n_atoms, 3) array
            Derivatives with respect to the positions of all atoms, per bohr.
        strain_gradients : (n_structures, 3, 3) array
            Derivatives with respect to a strain of positions and cell.

        Raises
        ------
        UserError
            If the model cannot be differentiated, or a derivative is not finite.
        """
        way, x = self._way_back, self._inputs
        seed = torch.from_numpy(np.ascontiguousarray(dV_ds)).to(s)
        try:
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                packed = way.pull_back(
                    s, seed, x.positions, x.cells, x.pairs, x.vectors, retain_graph
                )
        except RuntimeError as error:
            raise UserError(
                f"{way.path}: the model cannot be differentiated: {last_line(error)}"
            ) from error
        both = to_numpy(packed).reshape(len(s), -1, 3)
        if not is_finite(both):
            raise UserError(f"{way.path}: the gradient has a value that is not finite")
        gradients, strain_gradients = both[:, :-3] * way.bohr, both[:, -3:]
        if way.atoms is not None:
            scattered = np.zeros((len(s), way.n_atoms, 3))
            scattered[:, way.atoms] = gradients
            gradients = scattered
        return gradients, strain_gradients


def to_numpy(tensor: torch.Tensor) -> FloatArray:
    """A tensor as an array; it shares the memory where that is possible."""
    # in this order: Apple's GPUs have no float64
    array: FloatArray = tensor.detach().cpu().double().numpy()
    return array
