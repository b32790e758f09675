"""From a configuration to the objects of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ipi_mtd import units
from ipi_mtd.arrays import IntArray
from ipi_mtd.assembly.calculators import load_calculator
from ipi_mtd.assembly.columns import Box, Column, Columns
from ipi_mtd.assembly.cvs import SeveralNumbers, make_cv
from ipi_mtd.assembly.structure import read_labelled_structure, say_periodic
from ipi_mtd.bias import Grid, HillSum, Metad, Walls
from ipi_mtd.biased_system.system import Bias, BiasedSystem, BiasTerm
from ipi_mtd.config import Config
from ipi_mtd.config.sections import (
    ASESection,
    ColvarSection,
    CVSection,
    LennardJonesSection,
    MetadSection,
    MetatomicSection,
    ModelSection,
    WallSection,
)
from ipi_mtd.cvs.cv import CV, CollectiveVariables
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import sha256
from ipi_mtd.periods import Period
from ipi_mtd.potentials import (
    AsePotential,
    LennardJones,
    MetatomicPotential,
    NoPotential,
    Potential,
)
from ipi_mtd.record.run_directory import RunHistory, Start, TableWriter
from ipi_mtd.record.tables import ColvarTable, HillsTable
from ipi_mtd.structures import (
    say_cell,
    say_pbc,
)
from ipi_mtd.structures.structure import Structure

MOST_GRID_CVS = 3
"""On more CVs a grid takes too much memory: the hills are summed one by one then."""


class Run:
    """Everything that a configuration describes, loaded and warmed up.

    Parameters
    ----------
    config : the configuration
    source : its file, for messages

    Attributes
    ----------
    structure : the structure of the configuration
    shapes : the numbers of samples and of properties of each model's output
    columns : the columns of each COLVAR file
    system : the biased system, still without a history on disk

    Raises
    ------
    UserError
        If a file is missing or wrong, or the parts do not fit together.
    """

    def __init__(self, config: Config, source: Path) -> None:
        self.config = config
        self.source = source
        torch.set_num_threads(config.threads)
        self.structure, labels = read_labelled_structure(config)
        self.models = {
            name: _load_model(name, section, labels, self.structure, source)
            for name, section in config.models.items()
        }
        self.shapes = {
            name: model.evaluate(self.structure).values.shape for name, model in self.models.items()
        }
        self.cvs = CollectiveVariables(
            self.models, [self._make_cv(section) for section in config.cv]
        )
        self.quantities = [self._make_cv(section) for section in config.quantity]
        self.cvs.warm_up(self.structure)
        energy_unit = units.factor(config.units.energy, "hartree")
        self.metads = [self._make_metad(section) for section in config.metad]
        self.terms: list[BiasTerm[Bias]] = [
            *self.metads,
            *(self._make_wall(section) for section in config.wall),
        ]
        self.columns = [self._columns(section) for section in config.colvar]
        self.system = BiasedSystem(
            _make_potential(config, source, self.structure), self.cvs, self.terms, energy_unit
        )
        self.system.evaluate([self.structure])

    @property
    def cv_names(self) -> tuple[str, ...]:
        """The names of the CVs."""
        return tuple(cv.name for cv in self.cvs.cvs)

    @property
    def n_hills(self) -> int:
        """The hills of all biases so far."""
        return sum(term.bias.n_hills for term in self.metads)

    def open_history(self, directory: Path, start: Start) -> RunHistory:
        """Open the files of a run directory and write the run down there.

        Raises
        ------
        UserError
            If the directory belongs to another run.
        """
        timestep = self.config.system.timestep * units.factor("ps", self.config.units.time)
        tables: list[TableWriter] = [
            HillsTable(
                section.file,
                term.name,
                term.bias,
                [self.cv_names[k] for k in term.cvs],
                self._periods(term.cvs),
                self._hills_identity(term.cvs),
                timestep,
            )
            for term, section in zip(self.metads, self.config.metad, strict=True)
        ]
        printed = [*self.cvs.cvs, *self.quantities]
        for section, columns in zip(self.config.colvar, self.columns, strict=True):
            tables.append(
                ColvarTable(
                    section.file,
                    columns,
                    {cv.name: cv.period for cv in printed if cv.name in columns},
                    section.stride,
                    section.format,
                    timestep,
                    section.time_format,
                )
            )
        history = RunHistory(
            directory,
            tables,
            len(self.structure.types),
            self._identity(),
            start,
            take_over=self.config.restart,
            configuration=str(self.source.absolute()),
        )
        self.system.history = history
        return history

    def _make_cv(self, section: CVSection) -> CV:
        (first, *_) = self.models
        model = section.model or first
        try:
            return make_cv(section, model, self.shapes[model])
        except SeveralNumbers as error:
            hint = (
                "make a scalar of it with SELECT_COMPONENTS, SUM or the like"
                if section.is_plumeds
                else "name a `component` or an `atom`, or a `reduce` (sum, mean, ...) that makes "
                "one of them"
            )
            raise UserError(f"{self._where(section, model)}: {error}; {hint}") from error
        except ValueError as error:
            raise UserError(f"{self._where(section, model)}: {error}") from error

    def _where(self, section: CVSection, model: str) -> str:
        place = section.said_at(str(self.source), "")
        return f"{place}: '{section.name}' of the model '{model}'"

    def _periods(self, cvs: tuple[int, ...]) -> list[Period]:
        return [self.cvs.cvs[k].period for k in cvs]

    def _make_metad(self, section: MetadSection) -> BiasTerm[Metad]:
        cvs = tuple(self.cv_names.index(name) for name in section.cvs or self.cv_names)
        energy_unit = units.factor("hartree", self.config.units.energy)
        temperature = section.temperature or self.config.system.temperature
        kB = units.boltzmann(self.config.units.energy)
        try:
            metad = Metad(
                sigma=section.sigma,
                height=section.height * energy_unit,
                pace=section.pace,
                surface=self._make_surface(section, self._periods(cvs)),
                bias_factor=section.bias_factor,
                kT=None if temperature is None else kB * temperature,
            )
        except ValueError as error:
            raise UserError(f"{self.source}: `metad`: {error}") from error
        return BiasTerm(section.name, metad, cvs)

    def _make_surface(self, section: MetadSection, periods: list[Period]) -> Grid | HillSum:
        wants_none = len(periods) > MOST_GRID_CVS and "grid" not in section.model_fields_set
        if not section.grid or wants_none:
            return HillSum(periods)
        grid = section.grid
        spacing = list(grid.spacing or [0.2 * sigma for sigma in section.sigma])
        origin = list(grid.min or [0.0] * len(periods))
        if grid.bins and grid.max:
            ends = zip(origin, grid.max, grid.bins, strict=True)
            spacing = [(high - low) / bins for low, high, bins in ends]
        for k, period in enumerate(periods):
            if period is not None and not grid.bins:
                # the widest spacing not wider than asked for that divides the period
                length = period[1] - period[0]
                spacing[k] = length / int(np.ceil(length / spacing[k]))
                origin[k] = period[0]
        # PLUMED's threshold gives PLUMED's numbers. With three CVs its spline has spikes where a
        # hill just ends, which a higher threshold removes.
        tiny = 1e-7
        energy_unit = units.factor("hartree", self.config.units.energy)
        if grid.tiny is not None:
            tiny = grid.tiny * energy_unit
        elif len(periods) == 3 and section.height > 0.0:
            tiny = 1e-4 * section.height * energy_unit
        return Grid(origin, spacing, periods, tiny)

    def _make_wall(self, section: WallSection) -> BiasTerm[Walls]:
        cvs = tuple(self.cv_names.index(name) for name in section.cv)
        energy_unit = units.factor("hartree", self.config.units.energy)
        wall = Walls(
            section.side,
            at=section.at,
            kappa=[kappa * energy_unit for kappa in section.kappa],
            exp=section.exponent,
            eps=section.eps,
            offset=section.offset,
            periods=self._periods(cvs),
        )
        return BiasTerm(section.name, wall, cvs)

    def _columns(self, section: ColvarSection) -> dict[str, Column]:
        columns = Columns(
            self.cvs.cvs,
            self.quantities,
            self.shapes,
            self.terms,
            {metad.name: _box(metad) for metad in self.config.metad if metad.rct},
            units.factor("hartree", self.config.units.energy),
        )
        names = section.columns or [*self.cv_names, *(f"{t.name}.bias" for t in self.terms)]
        try:
            return columns.named(names)
        except ValueError as error:
            raise UserError(f"{self.source}: `colvar.columns`: {error}") from error

    def _identity(self) -> dict[str, Any]:
        """What must not change when a run is continued."""
        return {
            "system": {
                "atoms": len(self.structure.types),
                "types": sorted(set(self.structure.types.tolist())),
                "periodic": say_periodic(self.structure),
                "timestep": self.config.system.timestep,
            },
            "potential": _potential_identity(self.config),
            "models": {name: model.sha256 for name, model in self.models.items()},
            "cv": {cv.name: cv.model_dump(mode="json", exclude={"label"}) for cv in self.config.cv},
            "metad": {term.name: term.model_dump(mode="json") for term in self.config.metad},
            "wall": {wall.name: wall.model_dump(mode="json") for wall in self.config.wall},
            "colvar": {table.file: table.model_dump(mode="json") for table in self.config.colvar},
            "temperature": self.config.system.temperature,
            "units": self.config.units.model_dump(mode="json"),
        }

    def _hills_identity(self, cvs: tuple[int, ...]) -> dict[str, str]:
        lines = {"energy_unit": self.config.units.energy}
        for k in cvs:
            cv, section = self.cvs.cvs[k], self.config.cv[k]
            model = self.models[cv.model]
            made = section.reduce.kind if section.reduce else "component"
            which = f"component={section.component or 'all'}"
            if section.elements is not None:
                which = f"elements={','.join(section.elements)}"
            lines[cv.name] = (
                f"output={model.output} {which} reduce={made} "
                f"sha256={model.sha256} model={model.path.name}"
            )
        return lines


def _load_model(
    name: str,
    section: ModelSection,
    labels: tuple[str, ...],
    structure: Structure,
    source: Path,
) -> FeatureModel:
    n_atoms = len(labels)
    atoms = _indices(
        section.atoms, n_atoms, section.said_at(f"{source}: `models.{name}.atoms`", "SPECIES")
    )
    selected = _indices(
        section.selected_atoms,
        n_atoms,
        section.said_at(f"{source}: `models.{name}.selected_atoms`", "SELECTED_ATOMS"),
    )
    if atoms is not None and selected is not None:
        place = {atom: k for k, atom in enumerate(atoms.tolist())}
        if not place.keys() >= set(selected.tolist()):
            raise UserError(
                f"{source}: `models.{name}.selected_atoms` has atoms that are not in `atoms`"
            )
        selected = np.array([place[atom] for atom in selected.tolist()], dtype=np.int32)
    return FeatureModel(
        section.file,
        _types(name, section, labels, structure, source),
        extensions=section.extensions,
        device=section.device,
        variant=section.variant,
        atoms=atoms,
        selected_atoms=selected,
        length_unit=section.length_unit,
        check_consistency=section.check_consistency,
    )


def _box(section: MetadSection) -> Box:
    """Where c(t) is taken; the configuration sees to it that it is there."""
    assert section.grid
    assert section.grid.min
    assert section.grid.max
    assert section.grid.bins
    return section.grid.min, section.grid.max, section.grid.bins


def _types(
    name: str,
    section: ModelSection,
    labels: tuple[str, ...],
    structure: Structure,
    source: Path,
) -> IntArray:
    """The model's type of every atom of the structure."""
    unknown = sorted(set(section.types) - set(labels))
    if unknown:
        raise UserError(
            f"{source}: `models.{name}.types` names {', '.join(unknown)}, of which the structure "
            "has no atoms"
        )
    of_label = dict(zip(labels, structure.types.tolist(), strict=True)) | section.types
    types = np.array([of_label[label] for label in labels], dtype=np.int32)
    if section.atom_types is not None:
        atoms = section.atoms or range(1, len(types) + 1)
        if len(section.atom_types) != len(atoms):
            raise UserError(
                f"{source}: `models.{name}.atom_types` needs one type for each of the "
                f"{len(atoms)} atoms, got {len(section.atom_types)}"
            )
        types[np.array(atoms) - 1] = section.atom_types
    for k in [atom - 1 for atom in section.atoms or range(1, len(types) + 1)]:
        if types[k] == 0 and section.atom_types is None and labels[k] not in section.types:
            raise UserError(
                f"{source}: atom {k + 1} of the structure is called '{labels[k]}', which is no "
                f"chemical element: say its type, `models.{name}.types = {{ {labels[k]} = ... }}`"
            )
    return types


def _indices(numbers: list[int] | None, n_atoms: int, where: str) -> IntArray | None:
    """From atoms counted from 1 to indices counted from 0."""
    if numbers is None:
        return None
    if not numbers or max(numbers) > n_atoms or len(set(numbers)) < len(numbers):
        got = str(numbers) if len(numbers) < 10 else f"{len(numbers)} with the last {max(numbers)}"
        raise UserError(f"{where} must name different atoms from 1 to {n_atoms}, got {got}")
    return np.array(numbers, dtype=np.int32) - 1


def _potential_identity(config: Config) -> dict[str, Any]:
    section = config.potential
    if isinstance(section, MetatomicSection):
        # the same file at another place, or on another device, is the same potential
        return {"kind": section.kind, "sha256": sha256(section.file)}
    return section.model_dump(mode="json")


def _make_potential(config: Config, source: Path, structure: Structure) -> Potential:
    section = config.potential
    match section:
        case LennardJonesSection():
            if structure.pbc.any() and section.cutoff is None:
                raise UserError(
                    f"{source}: `potential.cutoff` is missing: a periodic cell needs it, and "
                    f"{config.system.structure} is {say_pbc(structure.pbc)}, with a cell of "
                    f"{say_cell(structure.cell)}; a cluster is `system.periodic = false`"
                )
            return LennardJones(section.epsilon, section.sigma, section.cutoff, shift=section.shift)
        case MetatomicSection():
            return MetatomicPotential(section.file, section.extensions, section.device)
        case ASESection():
            return AsePotential(load_calculator(section.calculator, section.arguments, source))
    return NoPotential()
