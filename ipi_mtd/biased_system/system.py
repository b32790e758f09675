"""The chain rule, and the step clock: propose an answer, then commit it.

Evaluating is one act and making history another. :meth:`BiasedSystem.evaluate` depends on the
structure and on the hills so far and changes neither. :meth:`BiasedSystem.propose` is what i-PI is
answered for the next step; :meth:`BiasedSystem.commit`, called once i-PI has shown that the answer
arrived, moves the clock and adds the hill that is due.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ipi_mtd.arrays import FloatArray, coincide, is_finite
from ipi_mtd.bias import Metad
from ipi_mtd.cvs.cv import CollectiveVariables, CVValues
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hill
from ipi_mtd.potentials import Potential
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure


class Bias(Protocol):
    """What turns s into V and dV/ds; see :mod:`ipi_mtd.bias`."""

    def evaluate(self, s: FloatArray, /) -> tuple[float, FloatArray]:
        """V and dV/ds, in the energy unit of the bias."""


AnyBias = TypeVar("AnyBias", bound=Bias, covariant=True)


@dataclass(frozen=True)
class BiasTerm(Generic[AnyBias]):
    """One bias and the CVs that it acts on.

    Parameters
    ----------
    name : as in the files and in what i-PI receives
    bias : the bias, in its own energy unit
    cvs : indices of its arguments among the CVs of the run
    """

    name: str
    bias: AnyBias
    cvs: tuple[int, ...]

    @cached_property
    def arguments(self) -> npt.NDArray[np.intp]:
        """(n_arguments,) array: the indices, to pick the arguments from all CVs."""
        return np.array(self.cvs, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class BiasedEvaluation:
    """What the driver knows about one structure.

    Parameters
    ----------
    structure : the structure
    total : energy, forces and virial of potential and bias together
    potential, bias : float, hartree
        The physical energy, and the sum of all biases.
    cvs : the CVs, and the features that they are made from
    biases : name of each bias and its energy, in the energy unit of the run
    """

    structure: Structure
    total: Evaluation
    potential: float
    bias: float
    cvs: CVValues
    biases: Mapping[str, float]

    @property
    def s(self) -> FloatArray:
        """(n_cvs,) array: the CVs."""
        s: FloatArray = self.cvs.s[0]
        return s


class History(Protocol):
    """Where the steps are written down; see :mod:`ipi_mtd.record.run_directory`."""

    def resume(self, structure: Structure, system: BiasedSystem) -> int:
        """Load the hills up to this structure and return its step."""

    def propose(
        self, step: int, evaluation: BiasedEvaluation, hills: Mapping[str, Hill]
    ) -> Mapping[str, Hill]:
        """Write down an answer before it is given; return the hills to add at commit."""

    def commit(self) -> None:
        """Append what was proposed to the files."""


@dataclass(slots=True)
class BiasedSystem:
    """A potential, the CVs, and the biases on them.

    Parameters
    ----------
    potential : source of the physical forces
    cvs : the collective variables
    biases : any number of biases
    energy_unit : float, hartree
        The energy unit of the biases and their files.
    history : where steps and hills are written down; None keeps them in memory only

    Attributes
    ----------
    step : the step that the next new structure will be
    """

    potential: Potential
    cvs: CollectiveVariables
    biases: Sequence[BiasTerm[Bias]]
    energy_unit: float
    history: History | None = None
    step: int = field(default=0, init=False)
    _neighborhood: Neighborhood = field(default_factory=Neighborhood, init=False)
    _last: BiasedEvaluation | None = field(default=None, init=False)
    _hills: Mapping[str, Hill] | None = field(default=None, init=False)

    def evaluate(self, structures: Sequence[Structure]) -> list[BiasedEvaluation]:
        """Potential and bias of each structure; neither clock nor hills change.

        Raises
        ------
        UserError
            If a model fails, or anything is not finite.
        """
        physical = self.potential.evaluate(structures)
        return [
            self._add_bias(structure, evaluation)
            for structure, evaluation in zip(structures, physical, strict=True)
        ]

    def propose(self, structure: Structure) -> BiasedEvaluation:
        """The answer for the next step.

        The same structure as the last one is the same step: i-PI asks again when it did not
        receive an answer, or wants a property of the step.

        Raises
        ------
        UserError
            As for `evaluate`, or if the answer cannot be written down.
        """
        if self._last is not None and _same(self._last.structure, structure):
            return self._last
        if self._last is None and self.history is not None:
            self.step = self.history.resume(structure, self)
        (evaluation,) = self.evaluate([structure])
        hills: Mapping[str, Hill] = {
            term.name: term.bias.hill_at(evaluation.s[term.arguments])
            for term in self.biases
            if isinstance(term.bias, Metad) and term.bias.is_due(self.step)
        }
        if self.history is not None:
            hills = self.history.propose(self.step, evaluation, hills)
        self._last = evaluation
        self._hills = hills
        return evaluation

    def commit(self) -> None:
        """Make the proposal history: deposit its hills and move the clock, once.

        Raises
        ------
        UserError
            If it cannot be written down; the next start of the driver makes up for it.
        """
        if self._hills is None:
            return
        hills, self._hills = self._hills, None
        if self.history is not None:
            self.history.commit()
        for term in self.biases:
            if term.name in hills and isinstance(term.bias, Metad):
                term.bias.add(hills[term.name])
        self.step += 1

    def _add_bias(self, structure: Structure, physical: Evaluation) -> BiasedEvaluation:
        _require_finite("the potential", physical)
        values = self.cvs.evaluate([structure], [self._neighborhood])
        (s,) = values.s
        if not is_finite(s):
            names = [cv.name for cv, s in zip(self.cvs.cvs, s, strict=True) if not np.isfinite(s)]
            raise UserError(f"the CV {', '.join(names)} {_NOT_FINITE}")
        dV_ds = np.zeros((1, len(s)))
        biases = {}
        for term in self.biases:
            V, slope = term.bias.evaluate(s[term.arguments])
            biases[term.name] = V
            dV_ds[0, term.arguments] += slope
        dV_ds *= self.energy_unit
        (gradient,), (strain_gradient,) = values.pull_back(dV_ds)
        bias = Evaluation(sum(biases.values()) * self.energy_unit, -gradient, -strain_gradient)
        _require_finite("the bias", bias)
        return BiasedEvaluation(
            structure, physical + bias, physical.energy, bias.energy, values, biases
        )


_NOT_FINITE = "is not finite for these positions; i-PI was sent nothing"


def _same(one: Structure, other: Structure) -> bool:
    return coincide(one.positions, other.positions) and np.array_equal(one.cell, other.cell)


def _require_finite(what: str, evaluation: Evaluation) -> None:
    if not (
        math.isfinite(evaluation.energy)
        and is_finite(evaluation.forces)
        and is_finite(evaluation.virial)
    ):
        raise UserError(f"{what} {_NOT_FINITE}")
