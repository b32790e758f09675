"""The features of a batch of structures, with the graph that leads back to the positions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ipi_mtd.arrays import FloatArray, IntArray, is_finite
from ipi_mtd.cvs.device import Device
from ipi_mtd.cvs.host import Host
from ipi_mtd.cvs.inputs import Inputs
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import last_line
from ipi_mtd.models.tensors import to_numpy

_ENGINE = torch.autograd.Variable._execution_engine
"""What torch.autograd.grad calls after checks that take a fifth of the time of a small pass."""


@dataclass(frozen=True, slots=True, eq=False)
class WayBack:
    """How the gradient of a model comes back from its tensors.

    Parameters
    ----------
    path, output : of the model, for messages
    transfer : what brought the structures to the model
    bohr : float
        In the model's unit of length.
    atoms : (n_model_atoms,) array
        The atoms that the model was given, None if it was given all.
    n_atoms : of a whole structure
    """

    path: Path
    output: str
    transfer: Host | Device
    bohr: float
    atoms: IntArray | None
    n_atoms: int


class Features:
    """What a model gave for a batch of structures.

    Attributes
    ----------
    outputs : (n_structures, n_samples * n_properties) tensor
        On the device of the model. A matrix of features for each structure, row by row; the rows
        in the order of the atoms (or of the selected atoms), one row for a model that gives one
        sample for the system.
    n_samples : the rows of each matrix
    """

    def __init__(
        self, way_back: WayBack, outputs: torch.Tensor, n_samples: int, inputs: Inputs
    ) -> None:
        self._way_back = way_back
        self._inputs = inputs
        self.outputs = outputs
        self.n_samples = n_samples

    @property
    def n_properties(self) -> int:
        """The columns of each matrix."""
        return self.outputs.shape[1] // self.n_samples

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
        return values.reshape(len(values), self.n_samples, -1)

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
        way = self._way_back
        seed = torch.from_numpy(np.ascontiguousarray(dV_ds))
        if seed.dtype != s.dtype or not s.is_cpu:
            seed = seed.to(s)
        try:
            slopes = _ENGINE.run_backward(
                (s,),
                (seed,),
                retain_graph,
                create_graph=False,
                inputs=tuple(self._inputs.leaves()),
                allow_unreachable=True,
                accumulate_grad=False,
            )
        except RuntimeError as error:
            raise UserError(
                f"{way.path}: the model cannot be differentiated: {last_line(error)}"
            ) from error
        both = way.transfer.unload(self._inputs, slopes, s.dtype)
        if not is_finite(both):
            raise UserError(f"{way.path}: the gradient has a value that is not finite")
        gradients, strain_gradients = both[:, :-3] * way.bohr, both[:, -3:]
        if way.atoms is not None:
            scattered = np.zeros((len(s), way.n_atoms, 3))
            scattered[:, way.atoms] = gradients
            gradients = scattered
        return gradients, strain_gradients
