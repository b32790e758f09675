"""Collective variables: named numbers made from the features of models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.features import Features
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.cvs.reductions import Component, Reduction
from ipi_mtd.models.tensors import to_numpy
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure


@dataclass(frozen=True, slots=True)
class CV:
    """One collective variable.

    Parameters
    ----------
    name : the name in the files and in what i-PI receives
    model : the name of the model that gives the features
    column : the property that the CV is made from, counted from 0; ``slice(None)`` for all
    reduction : what turns this property of all samples into a number
    period : (lower, upper) bounds of a periodic CV, None otherwise
    """

    name: str
    model: str
    column: int | slice
    reduction: Reduction
    period: tuple[float, float] | None = None

    def evaluate(self, outputs: torch.Tensor, n_properties: int) -> torch.Tensor:
        """The value for each structure, not yet brought into the period.

        Parameters
        ----------
        outputs : (n_structures, n_samples * n_properties) tensor

        Returns
        -------
        s : (n_structures,) tensor
        """
        if isinstance(self.column, int):
            outputs = outputs[:, self.column :: n_properties]
        return self.reduction(outputs)

    def wrap(self, s: FloatArray) -> FloatArray:
        """Bring values into the period, if there is one."""
        if self.period is None:
            return s
        lower, upper = self.period
        return lower + (s - lower) % (upper - lower)

    def place(self, n_properties: int) -> int | None:
        """Where the CV is in the flattened features of a structure, if it is one of them."""
        if not isinstance(self.reduction, Component):
            return None
        if isinstance(self.column, int):
            return self.reduction.place * n_properties + self.column
        return self.reduction.place


class CVValues:
    """The CVs of a batch of structures.

    Attributes
    ----------
    s : (n_structures, n_cvs) array
    """

    def __init__(
        self,
        cvs: CollectiveVariables,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None,
    ) -> None:
        self._cvs = cvs
        self._structures = structures
        self._neighborhoods = neighborhoods
        self._features: dict[str, Features] = {}
        self._s: dict[str, torch.Tensor] = {}
        self._has_graph = True
        self.s: FloatArray = np.empty((len(structures), len(cvs.cvs)))
        for name, readout in cvs.readouts.items():
            features = self._of_model(name)
            s = self._s[name] = readout(features)
            numbers = to_numpy(s)
            features.require_finite(numbers)
            self.s[:, readout.which] = numbers
        for k, cv in enumerate(cvs.cvs):
            if cv.period is not None:
                self.s[:, k] = cv.wrap(self.s[:, k])

    def features(self, model: str) -> list[FloatArray]:
        """For each structure the output of a model, evaluated when first asked for.

        Returns
        -------
        features : for each structure an (n_samples, n_properties) array

        Raises
        ------
        UserError
            If the model fails.
        """
        return list(self._of_model(model).values)

    def quantity(self, cv: CV) -> FloatArray:
        """The values of a CV that need not be among those of the run.

        Returns
        -------
        s : (n_structures,) array

        Raises
        ------
        UserError
            If its model fails.
        """
        features = self._of_model(cv.model)
        s = to_numpy(cv.evaluate(features.outputs.detach(), features.n_properties))
        features.require_finite(s)
        return cv.wrap(s)

    def pull_back(self, dV_ds: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """The gradient of V(s), one backward pass for each model however many CVs and structures.

        This can be asked for once: what leads back to the positions is forgotten then.

        Parameters
        ----------
        dV_ds : (n_structures, n_cvs) array, hartree per unit of each CV

        Returns
        -------
        gradients : for each structure an (n_atoms, 3) array, hartree/bohr
            dV/dR.
        strain_gradients : for each structure a (3, 3) array, hartree
            Derivative of V with respect to a strain of positions and cell.

        Raises
        ------
        UserError
            If a model cannot be differentiated, or the gradient is not finite.
        """
        self._require_graph()
        self._has_graph = False
        (first, readout), *others = self._cvs.readouts.items()
        gradients, strain_gradients = self._features[first].pull_back(
            self._s[first], dV_ds[:, readout.which]
        )
        for name, readout in others:
            more, more_strain = self._features[name].pull_back(
                self._s[name], dV_ds[:, readout.which]
            )
            gradients += more
            strain_gradients += more_strain
        return list(gradients), list(strain_gradients)

    def jacobian(self) -> list[FloatArray]:
        """The derivatives of all CVs, one backward pass for each CV; before `pull_back`, if at all.

        Returns
        -------
        ds_dR : for each structure an (n_cvs, n_atoms, 3) array, per bohr

        Raises
        ------
        UserError
            If a model cannot be differentiated, or a derivative is not finite.
        """
        self._require_graph()
        slopes: dict[int, FloatArray] = {}
        for name, readout in self._cvs.readouts.items():
            for one, k in zip(np.eye(len(readout.which)), readout.which.tolist(), strict=True):
                seed = np.tile(one, (len(self._structures), 1))
                # of each structure: s depends on the positions of no other
                slopes[k], _ = self._features[name].pull_back(
                    self._s[name], seed, retain_graph=True
                )
        return list(np.stack([slopes[k] for k in range(len(slopes))], axis=1))

    def _require_graph(self) -> None:
        if not self._has_graph:
            raise RuntimeError("what led back to the positions went with the call of pull_back")

    def _of_model(self, name: str) -> Features:
        if name not in self._features:
            model = self._cvs.models[name]
            self._features[name] = model.evaluate(self._structures, self._neighborhoods)
        return self._features[name]


class Readout:
    """From the features of one model to all the CVs that are made from them.

    Parameters
    ----------
    cvs : all CVs
    model : the name of the model

    Attributes
    ----------
    which : (n,) array
        Indices of the CVs of this model.
    """

    def __init__(self, cvs: Sequence[CV], model: str) -> None:
        self.which: npt.NDArray[np.intp] = np.array(
            [k for k, cv in enumerate(cvs) if cv.model == model], dtype=np.intp
        )
        self._cvs = [cv for cv in cvs if cv.model == model]
        self._pick = functools.cache(self._picker)

    def __call__(self, features: Features) -> torch.Tensor:
        """(n_structures, n) tensor: the CVs, not yet brought into their periods."""
        outputs = features.outputs
        return self._pick(outputs.shape[1], features.n_properties, outputs.device)(outputs)

    def _picker(
        self, n_features: int, n_properties: int, device: torch.device
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        places = [cv.place(n_properties) for cv in self._cvs]
        if None in places:
            return lambda outputs: torch.stack(
                [cv.evaluate(outputs, n_properties) for cv in self._cvs], dim=1
            )
        if places == list(range(n_features)):
            return lambda outputs: outputs  # nothing to do, and nothing to undo
        index = torch.tensor(places, device=device)
        return lambda outputs: outputs.index_select(1, index)


@dataclass(frozen=True)
class CollectiveVariables:
    """The models of a run and the CVs made from them.

    Parameters
    ----------
    models : name of each model and the model
    cvs : the collective variables, at least one
    """

    models: Mapping[str, FeatureModel]
    cvs: Sequence[CV]

    @functools.cached_property
    def readouts(self) -> Mapping[str, Readout]:
        """For each model that a CV is made from, how it is."""
        return {
            name: Readout(self.cvs, name) for name in dict.fromkeys(cv.model for cv in self.cvs)
        }

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,
    ) -> CVValues:
        """The CVs of a batch of structures, one call of each model.

        Parameters
        ----------
        structures : at least one; the same atoms at different places
        neighborhoods : for each structure the neighbor lists of its trajectory, optional
            They make it faster and change no bit.

        Raises
        ------
        UserError
            If a model fails.
        """
        return CVValues(self, structures, neighborhoods)

    def warm_up(self, structure: Structure) -> None:
        """Evaluate twice: the first time takes up to a second, which i-PI need not wait for.

        Raises
        ------
        UserError
            If a model fails.
        """
        for _ in range(2):
            self.evaluate([structure]).pull_back(np.ones((1, len(self.cvs))))
