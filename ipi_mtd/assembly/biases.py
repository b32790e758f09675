"""From the sections of biases to biases on the CVs of a run.

A section names the function that makes its bias, so that nothing here knows one kind from another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from ipi_mtd import units
from ipi_mtd.bias import Bias
from ipi_mtd.bias.surroundings import Surroundings
from ipi_mtd.biased_system import BiasTerm
from ipi_mtd.config import Config
from ipi_mtd.config.biases import BiasSection
from ipi_mtd.config.sections import CVSection
from ipi_mtd.cvs.cv import CollectiveVariables
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError


def make_biases(config: Config, cvs: CollectiveVariables) -> list[BiasTerm[Bias]]:
    """The biases of a configuration.

    Raises
    ------
    UserError
        Which names the file, the table and what is wrong with its settings.
    """
    return [
        _make(config, table, section, cvs)
        for table, sections in config.biases().items()
        for section in sections
    ]


def timestep(config: Config) -> float:
    """The time step in the time unit of the files, 0 if it is not known."""
    return (config.system.timestep or 0.0) * units.factor("ps", config.units.time)


def _make(
    config: Config, table: str, section: BiasSection, cvs: CollectiveVariables
) -> BiasTerm[Bias]:
    names = [cv.name for cv in cvs.cvs]
    arguments = tuple(names.index(name) for name in section.arguments(names))
    around = Surroundings(
        cvs=tuple(names[k] for k in arguments),
        periods=tuple(cvs.cvs[k].period for k in arguments),
        identity=_identity(config, cvs, arguments),
        per_hartree=units.factor("hartree", config.units.energy),
        kB=units.boltzmann(config.units.energy),
        temperature=config.system.temperature,
        timestep=timestep(config),
    )
    try:
        return BiasTerm(section.name, _maker(section)(section, around), arguments)
    except ValueError as error:
        raise UserError(f"{config.source}: `{table}`: {error}") from error


def _maker(section: BiasSection) -> Callable[[BiasSection, Surroundings], Bias]:
    module, _, function = section.maker.partition(":")
    maker: Callable[[BiasSection, Surroundings], Bias] = getattr(import_module(module), function)
    return maker


def _identity(
    config: Config, cvs: CollectiveVariables, arguments: tuple[int, ...]
) -> dict[str, str]:
    """What the CVs of a bias are made of, for the reader of its file."""
    lines = {"energy_unit": config.units.energy}
    sections = {section.name: section for section in config.cv}
    for cv in (cvs.cvs[k] for k in arguments):
        lines[cv.name] = _made_of(sections[cv.name], cvs.models, cv.model)
    return lines


def _made_of(section: CVSection, models: Mapping[str, FeatureModel], name: str) -> str:
    model = models[name]
    made = section.reduce.kind if section.reduce else "component"
    which = f"component={section.component or 'all'}"
    if section.elements is not None:
        which = f"elements={','.join(section.elements)}"
    return (
        f"output={model.output} {which} reduce={made} sha256={model.sha256} model={model.path.name}"
    )
