"""The columns of COLVAR: their names, and how the value of each is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ipi_mtd import units
from ipi_mtd.assembly.biases import timestep
from ipi_mtd.bias import Bias, Learned
from ipi_mtd.bias.bias import BiasColumn
from ipi_mtd.biased_system import BiasedEvaluation, BiasTerm
from ipi_mtd.config import Config
from ipi_mtd.cvs.cv import CV
from ipi_mtd.cvs.elements import Shape, element_names
from ipi_mtd.errors import UserError
from ipi_mtd.record.column import Column
from ipi_mtd.record.tables import ColvarTable

Value = Callable[[BiasedEvaluation, Mapping[str, Learned]], float]


@dataclass(frozen=True)
class Columns:
    """All that a run can print.

    Parameters
    ----------
    cvs : the CVs
    quantities : like CVs, but evaluated when they are printed
    shapes : the models' outputs: samples and properties
    terms : the biases
    per_hartree : float
        One hartree in the energy unit of the file.
    """

    cvs: Sequence[CV]
    quantities: Sequence[CV]
    shapes: Mapping[str, Shape]
    terms: Sequence[BiasTerm[Bias]]
    per_hartree: float

    def default(self) -> list[str]:
        """The names of the columns that a file has that names none: all CVs and biases."""
        return [*(cv.name for cv in self.cvs), *(f"{term.name}.bias" for term in self.terms)]

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
        columns = {"potential": Column(lambda e, _: e.potential * self.per_hartree)}
        for model in self.shapes:
            columns |= self._elements(model)
        for term in self.terms:
            for part, column in term.bias.columns().items():
                columns[f"{term.name}.{part}"] = Column(_of_bias(term.name, column))
                # what PLUMED calls it if the bias is on vectors of one element
                columns[f"{term.name}_{part}"] = columns[f"{term.name}.{part}"]
        columns |= {cv.name: Column(_quantity(cv.name), quantity=cv.name) for cv in self.quantities}
        columns |= {cv.name: Column(_cv(k)) for k, cv in enumerate(self.cvs)}
        return columns

    def _elements(self, model: str) -> dict[str, Column]:
        names = element_names(model, self.shapes[model])
        return {name: Column(_element(model, k), model=model) for k, name in enumerate(names)}


def make_colvar_tables(
    config: Config,
    cvs: Sequence[CV],
    quantities: Sequence[CV],
    shapes: Mapping[str, Shape],
    terms: Sequence[BiasTerm[Bias]],
) -> list[ColvarTable]:
    """The COLVAR files of a configuration; for the rest see :class:`Columns`.

    Raises
    ------
    UserError
        If one has a column that there is not.
    """
    per_hartree = units.factor("hartree", config.units.energy)
    columns = Columns(cvs, quantities, shapes, terms, per_hartree)
    printed = [*cvs, *quantities]
    tables = []
    for section in config.colvar:
        try:
            found = columns.named(section.columns or columns.default())
        except ValueError as error:
            raise UserError(f"{config.source}: `colvar.columns`: {error}") from error
        tables.append(
            ColvarTable(
                section.file,
                found,
                {cv.name: cv.period for cv in printed if cv.name in found},
                section.stride,
                section.format,
                timestep(config),
                section.time_format,
            )
        )
    return tables


def _cv(k: int) -> Value:
    return lambda evaluation, _: float(evaluation.s[k])


def _quantity(name: str) -> Value:
    return lambda evaluation, _: evaluation.quantities[name]


def _element(model: str, k: int) -> Value:
    return lambda evaluation, _: float(evaluation.features[model].flat[k])


def _of_bias(name: str, column: BiasColumn) -> Value:
    return lambda evaluation, learned: column(evaluation.seen[name], learned[name])
