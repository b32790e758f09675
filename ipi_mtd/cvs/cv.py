"""Collective variables: named numbers made from the features of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.model import FeatureModel, Features
from ipi_mtd.cvs.reductions import Reduction
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

    def evaluate(self, features: FloatArray) -> tuple[float, FloatArray]:
        """The value, and its derivative with respect to the features of `column`."""
        value, ds_dx = self.reduction(features[:, self.column])
        if self.period is not None:
            lower, upper = self.period
            value = lower + (value - lower) % (upper - lower)
        return value, ds_dx


class CVValues:
    """The CVs of one structure.

    Attributes
    ----------
    s : (n_cvs,) array
    """

    def __init__(
        self, models: Mapping[str, FeatureModel], cvs: Sequence[CV], structure: Structure
    ) -> None:
        self._models = models
        self._structure = structure
        self._cvs = cvs
        self._features: dict[str, Features] = {}
        self._ds_dx = []
        s = np.empty(len(cvs))
        for k, cv in enumerate(cvs):
            s[k], ds_dx = cv.evaluate(self.features(cv.model))
            self._ds_dx.append(ds_dx)
        self.s: FloatArray = s

    def features(self, model: str) -> FloatArray:
        """(n_samples, n_properties) array: the output of a model, evaluated when first asked for.

        Raises
        ------
        UserError
            If the model fails.
        """
        if model not in self._features:
            self._features[model] = self._models[model].evaluate(self._structure)
        return self._features[model].values

    def pull_back(self, dV_ds: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradient of V(s), one backward pass for each model however many the CVs.

        Parameters
        ----------
        dV_ds : (n_cvs,) array, hartree per unit of each CV

        Returns
        -------
        gradient : (n_atoms, 3) array, hartree/bohr
            dV/dR.
        strain_gradient : (3, 3) array, hartree
            Derivative of V with respect to a strain of positions and cell.
        """
        seeds: dict[str, FloatArray] = {}
        for cv, ds_dx, slope in zip(self._cvs, self._ds_dx, dV_ds.tolist(), strict=True):
            if cv.model not in seeds:
                seeds[cv.model] = np.zeros_like(self._features[cv.model].values)
            seeds[cv.model][:, cv.column] += slope * ds_dx
        (first, seed), *others = seeds.items()
        gradient, strain_gradient = self._features[first].pull_back(seed)
        for name, seed in others:
            more, more_strain = self._features[name].pull_back(seed)
            gradient += more
            strain_gradient += more_strain
        return gradient, strain_gradient


class CollectiveVariables:
    """The models of a run and the CVs made from them.

    Parameters
    ----------
    models : name of each model and the model
    cvs : the collective variables, at least one
    """

    def __init__(self, models: Mapping[str, FeatureModel], cvs: Sequence[CV]) -> None:
        self.models = models
        self.cvs = tuple(cvs)

    def evaluate(self, structure: Structure) -> CVValues:
        """The CVs of one structure.

        Raises
        ------
        UserError
            If a model fails.
        """
        return CVValues(self.models, self.cvs, structure)

    def warm_up(self, structure: Structure) -> None:
        """Evaluate twice: the first time takes up to a second, which i-PI need not wait for.

        Raises
        ------
        UserError
            If a model fails.
        """
        for _ in range(2):
            self.evaluate(structure).pull_back(np.ones(len(self.cvs)))
