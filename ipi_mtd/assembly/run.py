"""Everything that a configuration describes, put together."""

from __future__ import annotations

from pathlib import Path

from ipi_mtd import units
from ipi_mtd.assembly.biases import make_biases
from ipi_mtd.assembly.columns import make_colvar_tables
from ipi_mtd.assembly.cvs import make_cvs
from ipi_mtd.assembly.identity import identity_of, in_todays_words
from ipi_mtd.assembly.models import load_models
from ipi_mtd.assembly.potential import make_potential
from ipi_mtd.assembly.structure import LabeledStructure, read_labeled_structure
from ipi_mtd.biased_system import BiasedSystem
from ipi_mtd.config import Config
from ipi_mtd.cvs.cv import CollectiveVariables
from ipi_mtd.record.run_directory import RunDirectory, Start
from ipi_mtd.record.tables import DepositTable, TableWriter
from ipi_mtd.walker import SharedBiases, Walker
from ipi_mtd.walker.own_numbers import OwnNumbers


class Run:
    """Everything that a configuration describes, loaded and warmed up.

    Parameters
    ----------
    config : the configuration
    atoms : the structure to take instead of the one that the configuration names

    Attributes
    ----------
    structure : the structure of the configuration
    models : the models, by name
    system : evaluates structures; it has no clock and no files
    biases : the biases, as the walkers share them
    tables : the files that a walker writes

    Raises
    ------
    UserError
        If a file is missing or wrong, or the parts do not fit together.
    """

    def __init__(self, config: Config, atoms: LabeledStructure | None = None) -> None:
        self.config = config
        atoms = atoms or read_labeled_structure(config)
        self.structure = atoms.structure
        self.models = load_models(config, atoms)
        features = CollectiveVariables(self.models, ()).evaluate([self.structure]).features
        shapes = {name: features(name)[0].shape for name in self.models}
        cvs = CollectiveVariables(self.models, make_cvs(config, config.cv, shapes))
        quantities = make_cvs(config, config.quantity, shapes)
        cvs.warm_up(self.structure)
        self.biases = SharedBiases(make_biases(config, cvs))
        self.system = BiasedSystem(
            make_potential(config, self.structure),
            cvs,
            self.biases.terms,
            units.factor(config.units.energy, "hartree"),
            quantities,
        )
        self.tables: list[TableWriter] = [
            DepositTable(term.name, term.bias.file)
            for term in self.biases.terms
            if term.bias.file is not None
        ]
        self.tables += make_colvar_tables(config, cvs.cvs, quantities, shapes, self.biases.terms)
        self.system.evaluate([self.structure])

    @property
    def cv_names(self) -> tuple[str, ...]:
        """The names of the CVs."""
        return tuple(cv.name for cv in self.system.cvs.cvs)

    def walker(self, record: RunDirectory | None = None) -> Walker:
        """A walker at its first step, whose steps are written down if there is a record."""
        structure = self.structure
        tables = [] if record is None else self.tables
        return Walker(self.system, self.biases, structure.types, structure.pbc, record, tables)

    def open(self, directory: Path, start: Start) -> RunDirectory:
        """Open a run directory, and let the biases learn what is history there.

        Raises
        ------
        UserError
            If the directory belongs to another run, is in use, or cannot be written to.
        """
        if start is Start.KEEP_HILLS or (start is Start.RESUME and self.config.restart):
            self.biases.require_readable(directory, of_any_cv=start is Start.KEEP_HILLS)
        record = RunDirectory(
            directory,
            self.tables,
            len(self.structure.types),
            identity_of(self.config, self.structure, self.models),
            start,
            take_over=self.config.restart,
            configuration=str(self.config.source.absolute()),
            own=OwnNumbers(self.biases.terms).counts,
            of_deposits=self.biases.files,
            in_todays_words=in_todays_words,
        )
        try:
            self.biases.rebuild(record)
            record.begin()
        except BaseException:
            record.close()
            raise
        return record
