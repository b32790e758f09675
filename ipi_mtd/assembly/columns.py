"""The columns of a COLVAR file: names, and how the value of each is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ipi_mtd.bias import Metad
from ipi_mtd.biased_system.system import Bias, BiasedEvaluation, BiasTerm
from ipi_mtd.cvs.cv import CV
from ipi_mtd.cvs.elements import Shape, element_names
from ipi_mtd.files.hills import Hill

Column: TypeAlias = Callable[[BiasedEvaluation, Mapping[str, Hill]], float]
"""The value at a step, from its evaluation and the hills that are due at it."""

Box: TypeAlias = tuple[Sequence[float], Sequence[float], Sequence[int]]
"""Lower bounds, upper bounds and numbers of bins of the CVs of a bias."""


@dataclass(frozen=True)
class Columns:
    """All that a run can print.

    Parameters
    ----------
    cvs : the CVs
    quantities : like CVs, but evaluated when they are printed
    shapes : the model's outputs: samples and properties
    terms : the biases
    boxes : for each bias with a c(t), the box over which it is taken
    hartree : float
        In the energy unit of the file.
    """

    cvs: Sequence[CV]
    quantities: Sequence[CV]
    shapes: Mapping[str, Shape]
    terms: Sequence[BiasTerm[Bias]]
    boxes: Mapping[str, Box]
    hartree: float

    def named(self, names: Sequence[str]) -> dict[str, Column]:
        """The columns with these names; ``NAME.*`` of a model stands for all its elements.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        known = self._all()
        columns: dict[str, Column] = {}
        for name in names:
            model = name.removesuffix(".*")
            if name.endswith(".*") and model in self.shapes:
                columns.update(self._elements(model))
            elif name in known:
                columns[name] = known[name]
            else:
                raise ValueError(
                    f"there is no '{name}'; a column is a CV "
                    f"({', '.join(cv.name for cv in self.cvs)}), a quantity, NAME.bias, MODEL.1, "
                    "MODEL.* or potential"
                )
        return columns

    def _all(self) -> dict[str, Column]:
        columns: dict[str, Column] = {"potential": lambda e, _: e.potential * self.hartree}
        for model in self.shapes:
            columns |= self._elements(model)
        for term in self.terms:
            columns |= self._of_bias(term)
        columns |= {cv.name: _quantity(cv) for cv in self.quantities}
        columns |= {cv.name: _cv(k) for k, cv in enumerate(self.cvs)}
        return columns

    def _elements(self, model: str) -> dict[str, Column]:
        names = element_names(model, self.shapes[model])
        return {name: _element(model, k) for k, name in enumerate(names)}

    def _of_bias(self, term: BiasTerm[Bias]) -> dict[str, Column]:
        columns: dict[str, Column] = {f"{term.name}.bias": lambda e, _: e.biases[term.name]}
        if not isinstance(term.bias, Metad):
            columns[f"{term.name}.force2"] = _force2(term)
            for part in ("bias", "force2"):
                # what PLUMED calls them if the wall is on vectors of one element
                columns[f"{term.name}_{part}"] = columns[f"{term.name}.{part}"]
        elif term.name in self.boxes:
            c = _Reweighting(term.name, term.bias, self.boxes[term.name])
            columns |= {f"{term.name}.rbias": c.rbias, f"{term.name}.rct": c.rct}
        return columns


class _Reweighting:
    """PLUMED's columns for reweighting: c(t) after the hill of the step, V - c(t) before it."""

    def __init__(self, name: str, metad: Metad, box: Box) -> None:
        self._name = name
        self._metad = metad
        self._box = box
        self._known: dict[tuple[int, Hill | None], float] = {}

    def rct(self, _evaluation: BiasedEvaluation, hills: Mapping[str, Hill]) -> float:
        return self._c(hills.get(self._name))

    def rbias(self, evaluation: BiasedEvaluation, _hills: Mapping[str, Hill]) -> float:
        return evaluation.biases[self._name] - self._c(None)

    def _c(self, hill: Hill | None) -> float:
        """Costs a sum over the box, so it is done once for each hill."""
        key = self._metad.n_hills, hill
        if key not in self._known:
            if len(self._known) > 1:
                del self._known[next(iter(self._known))]
            self._known[key] = self._metad.c_of_t(*self._box, hill)
        return self._known[key]


def _cv(k: int) -> Column:
    return lambda evaluation, _: float(evaluation.s[k])


def _quantity(cv: CV) -> Column:
    return lambda evaluation, _: float(evaluation.cvs.quantity(cv)[0])


def _element(model: str, k: int) -> Column:
    return lambda evaluation, _: float(evaluation.cvs.features(model)[0].flat[k])


def _force2(term: BiasTerm[Bias]) -> Column:
    def column(evaluation: BiasedEvaluation, _hills: Mapping[str, Hill]) -> float:
        _, dV_ds = term.bias.evaluate(evaluation.s[term.arguments])
        return float(dV_ds @ dV_ds)

    return column
