"""What the options of `fes` mean: units, axes and known structures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ipi_mtd import units
from ipi_mtd.analysis.recorded import Recorded, read_recorded
from ipi_mtd.analysis.report import Settings
from ipi_mtd.assembly.run import Run
from ipi_mtd.assembly.structure import as_in_the_run, directions_of
from ipi_mtd.config import Config, read_description
from ipi_mtd.errors import UserError
from ipi_mtd.structures import Snapshot, differing_atoms, read_structure
from ipi_mtd.written_number import WrittenNumber

log = logging.getLogger(__name__)


def make_settings(
    hills: Path | None = None,
    *,
    config: Path | None,
    temperature: float | None,
    energy_unit: str | None,
    ranges: tuple[str, ...],
    onto: tuple[str, ...],
    marks: tuple[str, ...],
    colvar: Path | None,
    highest: float | None = None,
) -> Settings:
    """What the options say; where they are silent, the configuration; then the journal.

    Raises
    ------
    UserError
        If a temperature or an energy is not above 0, an option is not written as it has to be, the
        configuration cannot be read, or the CVs of a marked structure cannot be had.
    """
    if temperature is not None and not 0 < temperature < float("inf"):
        raise UserError(f"--temperature must be above 0 K, got {temperature:g}")
    if energy_unit is not None:
        require_energy_unit(energy_unit)
    if highest is not None and not 0 < highest < float("inf"):
        raise UserError(f"--max must be above 0, got {highest:g}")
    files = [Path(text) for text in marks if Path(text).is_file()]
    axes = parse_ranges(ranges)
    settings = Settings(
        energy_unit=energy_unit,
        temperature=temperature,
        bounds={name: (low, high) for name, (low, high, _) in axes.items()},
        bins={name: bins for name, (_, _, bins) in axes.items() if bins is not None},
        onto=onto or None,
        marks=[parse_mark(text) for text in marks if Path(text) not in files],
        visited=colvar,
        highest=highest,
    )
    recorded = None if hills is None else read_recorded(hills)
    if config is not None:
        settings = _with_config(settings, config, files)
    elif recorded is not None and recorded.configuration is not None:
        settings = _with_what_it_was_told(settings, recorded.configuration, files)
    return _with_journal(settings, recorded, told=temperature is not None)


def _with_what_it_was_told(settings: Settings, path: Path, structures: list[Path]) -> Settings:
    """With labels and marks from the configuration that the journal names; it knows the rest."""
    try:
        told = _with_config(settings, path, structures)
    except UserError:
        if structures:
            raise
        return settings  # the file has changed since
    return replace(settings, labels=told.labels, cvs=told.cvs, marks=told.marks)


def _with_journal(settings: Settings, recorded: Recorded | None, *, told: bool) -> Settings:
    if recorded is None:
        return settings
    ours, theirs = settings.temperature, recorded.temperature
    if None not in (ours, theirs) and ours != theirs and not told:
        log.warning(
            "%s: the run was made at %g K; taking the %g K of --config",
            recorded.journal,
            theirs,
            ours,
        )
    return replace(
        settings,
        default_unit=recorded.energy_unit or settings.default_unit,
        temperature=ours if ours is not None else theirs,
    )


def _with_config(settings: Settings, path: Path, structures: list[Path]) -> Settings:
    config = read_description(path)
    temperatures = [config.system.temperature, *(term.temperature for term in config.metad)]
    known = [temperature for temperature in temperatures if temperature is not None]
    return replace(
        settings,
        default_unit=config.units.energy,
        temperature=settings.temperature or (known[0] if known else None),
        labels={cv.name: cv.label for cv in config.cv if cv.label},
        cvs=[cv.name for cv in config.cv],
        marks=[*settings.marks, *structure_marks(config, structures)],
    )


def require_energy_unit(unit: str) -> None:
    """Refuse what is no unit of energy.

    Raises
    ------
    UserError
        If the unit of --energy-unit is unknown or measures something else.
    """
    try:
        units.factor(unit, "hartree")
    except ValueError as error:
        raise UserError(f"--energy-unit: {error}") from error


def parse_ranges(texts: Sequence[str]) -> dict[str, tuple[float, float, int | None]]:
    """Read ``CV=MIN:MAX`` and ``CV=MIN:MAX:BINS``, of different CVs.

    Raises
    ------
    UserError
        If a text is not of this form, or two are about the same CV.
    """
    axes: dict[str, tuple[float, float, int | None]] = {}
    for name, axis in map(parse_range, texts):
        if name in axes:
            raise UserError(f"--range: there are two of {name}")
        axes[name] = axis
    return axes


def parse_range(text: str) -> tuple[str, tuple[float, float, int | None]]:
    """Read ``CV=MIN:MAX`` or ``CV=MIN:MAX:BINS``.

    Raises
    ------
    UserError
        If the text is not of this form, a bound is no number or the bins are not a whole one.
    """
    name, _, numbers = text.partition("=")
    try:
        low, high, *bins = numbers.split(":")
        return name, (_bound(low), _bound(high), int(*bins) if bins else None)
    except (ValueError, TypeError) as error:
        raise UserError(f"--range must be CV=MIN:MAX or CV=MIN:MAX:BINS, got '{text}'") from error


def parse_mark(text: str) -> tuple[str, dict[str, float]]:
    """Read ``NAME:CV=VALUE,CV=VALUE``.

    Raises
    ------
    UserError
        If the text is not of this form, a value is no finite number, or a CV is named twice.
    """
    name, _, values = text.partition(":")
    try:
        pairs = [pair.split("=") for pair in values.split(",")]
        s = {cv: float(WrittenNumber(value)) for cv, value in pairs}
    except ValueError as error:
        raise UserError(
            "--mark must be a structure file or NAME:CV=VALUE,CV=VALUE with finite numbers, "
            f"got '{text}'"
        ) from error
    if len(s) < len(pairs):
        raise UserError(f"--mark has a CV twice, got '{text}'")
    return name, s


def _bound(text: str) -> float:
    """A number; an infinite one is left for the axis to refuse."""
    return float(text) if "inf" in text or "nan" in text else float(WrittenNumber(text))


def structure_marks(config: Config, files: list[Path]) -> list[tuple[str, dict[str, float]]]:
    """The CVs of structure files, named after the files.

    A structure is as periodic as the run and of the same atoms. PLUMED's input does not say what
    the run is made of, so with it each file decides.

    Raises
    ------
    UserError
        If a structure cannot be read, has other atoms than the run where that matters, or the
        models cannot be evaluated for it.
    """
    if not files:
        return []
    periodic = config.system.periodic
    if config.system.structure is not None:
        of_run = read_structure(config.system.structure)
        for file in files:
            _compare(read_structure(file), of_run, config)
        a, b, c = directions_of(config, of_run).tolist()
        periodic = (a, b, c)
    system = config.system.model_copy(update={"periodic": periodic})
    of_marks = config.model_copy(update={"system": system, "potential": None})
    torch.set_num_threads(config.threads)
    marks = []
    run: Run | None = None
    labels: tuple[str, ...] = ()
    for file in files:
        atoms = as_in_the_run(of_marks, read_structure(file))
        if run is None or atoms.labels != labels:
            run, labels = Run(of_marks, atoms), atoms.labels
        (s,) = run.system.cvs.evaluate([atoms.structure]).s.tolist()
        marks.append((file.stem, dict(zip(run.cv_names, s, strict=True))))
    return marks


def _compare(mark: Snapshot, of_run: Snapshot, config: Config) -> None:
    """Refuse a mark of other atoms if a CV is of certain ones, and say so otherwise."""
    in_order = any(
        model.atoms or model.selected_atoms or model.atom_types for model in config.models.values()
    ) or any(cv.atom or cv.elements for cv in config.cv)
    difference = differing_atoms(mark, of_run, in_order=in_order)
    if difference is None:
        return
    if in_order:
        raise UserError(f"{mark.path}: {difference}; the CVs are of certain atoms of these")
    log.warning("%s: %s", mark.path, difference)
