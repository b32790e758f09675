"""The chain rule: potential, CVs and biases of a list of structures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray, is_finite
from ipi_mtd.bias import Bias, Seen
from ipi_mtd.biased_system.bias_term import BiasTerm
from ipi_mtd.biased_system.evaluation import BiasedEvaluation, Occasion
from ipi_mtd.cvs.cv import CV, CollectiveVariables, CVValues
from ipi_mtd.errors import UserError
from ipi_mtd.potentials import Potential
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure

ANY_TIME = Occasion()


class BiasedSystem:
    """A potential, the CVs, and the biases on them.

    It has no clock and keeps no trajectory: what `evaluate` answers depends on its arguments and
    on what the biases have learned. On a CPU the bits do not depend on what else is in a batch, as
    far as the models' own do not.

    Parameters
    ----------
    potential : source of the physical forces
    cvs : the collective variables
    terms : any number of biases, which must have different names
    hartree : float
        The energy unit of the biases and their files, in hartree.
    quantities : like CVs, but evaluated where they are asked for
    """

    def __init__(
        self,
        potential: Potential,
        cvs: CollectiveVariables,
        terms: Sequence[BiasTerm[Bias]],
        hartree: float,
        quantities: Iterable[CV] = (),
    ) -> None:
        self.potential = potential
        self.cvs = cvs
        self.terms = tuple(terms)
        self.hartree = hartree
        self.quantities = {cv.name: cv for cv in quantities}

    def evaluate(
        self, structures: Sequence[Structure], occasions: Sequence[Occasion] | None = None
    ) -> list[BiasedEvaluation]:
        """Potential and bias of each structure, as one batch; changes nothing.

        Parameters
        ----------
        structures : at least one
        occasions : one for each; by default step 0, and walkers that have not begun

        Raises
        ------
        UserError
            If a model fails, or anything is not finite.
        """
        if occasions is None:
            occasions = [ANY_TIME] * len(structures)
        neighborhoods = [occasion.neighborhood or Neighborhood() for occasion in occasions]
        physical = self.potential.evaluate(structures, neighborhoods)
        values = self.cvs.evaluate(structures, neighborhoods)
        self._require_finite_cvs(values.s)
        ds_dR = self._gradients(values, occasions)
        seen = [
            self._see(s, occasion, gradients)
            for s, occasion, gradients in zip(values.s, occasions, ds_dR, strict=True)
        ]
        slopes = np.array([self._slope(of_one) for of_one in seen])
        gradients, strain_gradients = values.pull_back(slopes)
        quantities = {
            name: values.quantity(self.quantities[name])
            for name in {name for occasion in occasions for name in occasion.quantities}
        }
        features = {
            name: values.features(name)
            for name in {name for occasion in occasions for name in occasion.models}
        }
        answers = []
        for k, (structure, occasion) in enumerate(zip(structures, occasions, strict=True)):
            V = sum(one.V for one in seen[k].values()) * self.hartree
            bias = Evaluation(V, -gradients[k], -strain_gradients[k])
            total = physical[k] + bias
            if not _is_finite(total):
                what = "the bias" if _is_finite(physical[k]) else "the potential"
                raise UserError(f"{what} {_NOT_FINITE}")
            answers.append(
                BiasedEvaluation(
                    structure=structure,
                    total=total,
                    potential=physical[k].energy,
                    of_biases=bias,
                    s=values.s[k],
                    seen=seen[k],
                    quantities={n: float(quantities[n][k]) for n in occasion.quantities},
                    features={name: features[name][k] for name in occasion.models},
                )
            )
        return answers

    def first_own(self) -> dict[str, FloatArray]:
        """What a walker keeps for each bias before its first step."""
        return {term.name: term.bias.first_own() for term in self.terms}

    def _see(self, s: FloatArray, occasion: Occasion, ds_dR: FloatArray | None) -> dict[str, Seen]:
        """What each bias sees of one structure."""
        found = []
        for term in self.terms:
            own = occasion.own.get(term.name)
            if own is None:
                own = term.bias.first_own()
            its_s = s[term.arguments]
            found.append((term, its_s, own, *term.bias.evaluate(its_s, occasion.step, own)))
        total = sum(V for *_, V, _ in found)
        return {
            term.name: Seen(
                occasion.step,
                its_s,
                V,
                dV_ds,
                own,
                total - V,
                None if ds_dR is None else ds_dR[term.arguments],
            )
            for term, its_s, own, V, dV_ds in found
        }

    def _slope(self, seen: Mapping[str, Seen]) -> FloatArray:
        """(n_cvs,) array, hartree per unit of the CVs: the slope of all biases together."""
        dV_ds = np.zeros(len(self.cvs.cvs))
        for term in self.terms:
            dV_ds[term.arguments] += seen[term.name].dV_ds
        dV_ds *= self.hartree
        return dV_ds

    def _gradients(
        self, values: CVValues, occasions: Sequence[Occasion]
    ) -> Sequence[FloatArray | None]:
        """For each structure ds/dR, if a bias wants it of any."""
        wanted = any(
            term.bias.wants_gradients(occasion.step)
            for term in self.terms
            for occasion in occasions
        )
        return values.jacobian() if wanted else [None] * len(occasions)

    def _require_finite_cvs(self, s: FloatArray) -> None:
        if not is_finite(s):
            bad = np.flatnonzero(~np.isfinite(s).all(axis=0)).tolist()
            names = [self.cvs.cvs[k].name for k in bad]
            raise UserError(f"the CV {', '.join(names)} {_NOT_FINITE}")


_NOT_FINITE = "is not finite for these positions; i-PI was sent nothing"


def _is_finite(evaluation: Evaluation) -> bool:
    return (
        math.isfinite(evaluation.energy)
        and is_finite(evaluation.forces)
        and is_finite(evaluation.virial)
    )
