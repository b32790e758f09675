"""From the section of the configuration that describes a CV to the CV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipi_mtd.config import Config
from ipi_mtd.config.sections import CVSection, ReductionSection
from ipi_mtd.cvs import reductions
from ipi_mtd.cvs.cv import CV
from ipi_mtd.cvs.elements import Shape, describe, element_indices
from ipi_mtd.cvs.reductions import Reduction
from ipi_mtd.errors import UserError


class SeveralNumbers(ValueError):
    """A CV is one number, and this would be several."""


def make_cv(section: CVSection, model: str, shape: Shape) -> CV:
    """The CV, if the output of its model has what it asks for.

    Parameters
    ----------
    section : what it is
    model : the name of its model
    shape : the numbers of samples and of properties of the model's output

    Raises
    ------
    ValueError
        If the output has no such sample or property, or the choice leaves more than one number.
    """
    if section.elements is not None:
        places = element_indices(section.elements, shape)
        _require_one_number(section, len(places), shape)
        reduction = reductions.of_elements(places, _reduction(section.reduce))
        return CV(section.name, model, slice(None), reduction, section.period)
    n_samples, n_properties = shape
    if (section.component or 1) > n_properties:
        raise ValueError(f"`component` is {section.component}, but the output is {describe(shape)}")
    if (section.atom or 1) > n_samples:
        raise ValueError(f"`atom` is {section.atom}, but the output is {describe(shape)}")
    left = 1 if section.atom else n_samples
    left *= 1 if section.component else n_properties
    _require_one_number(section, left, shape)
    column = slice(None) if section.component is None else section.component - 1
    if section.atom is not None:
        reduction = reductions.of_elements([section.atom - 1], reductions.component(0))
    else:
        reduction = _reduction(section.reduce)
    return CV(section.name, model, column, reduction, section.period)


def make_cvs(
    config: Config, sections: Sequence[CVSection], shapes: Mapping[str, Shape]
) -> list[CV]:
    """The CVs, or quantities, of a configuration.

    Parameters
    ----------
    config : the configuration
    sections : those of its tables that are wanted
    shapes : the numbers of samples and of properties of each model's output

    Raises
    ------
    UserError
        Which names the file, the CV and its model.
    """
    (first, *_) = config.models
    return [_make(config, section, section.model or first, shapes) for section in sections]


def _make(config: Config, section: CVSection, model: str, shapes: Mapping[str, Shape]) -> CV:
    where = f"{section.said_at(str(config.source), '')}: '{section.name}' of the model '{model}'"
    try:
        return make_cv(section, model, shapes[model])
    except SeveralNumbers as error:
        hint = (
            "make a scalar of it with SELECT_COMPONENTS, SUM or the like"
            if section.is_plumeds
            else "name a `component` or an `atom`, or a `reduce` (sum, mean, ...) that makes "
            "one of them"
        )
        raise UserError(f"{where}: {error}; {hint}") from error
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error


def _require_one_number(section: CVSection, n: int, shape: Shape) -> None:
    if n > 1 and section.reduce is None:
        raise SeveralNumbers(f"this is {n} numbers of {describe(shape)}")


def _reduction(section: ReductionSection | None) -> Reduction:
    match section:
        case None:
            return reductions.component(0)
        case ReductionSection(kind="sum"):
            return reductions.total()
        case ReductionSection(kind="mean"):
            return reductions.mean()
        case ReductionSection(kind="highest"):
            return reductions.highest()
        case ReductionSection(kind="lowest"):
            return reductions.lowest()
        case ReductionSection(kind="max", beta=float() as beta):
            return reductions.soft_max(beta)
        case ReductionSection(kind="min", beta=float() as beta):
            return reductions.soft_min(beta)
    assert section.lower is not None
    assert section.upper is not None
    return reductions.between(section.lower, section.upper, section.smear)
