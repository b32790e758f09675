"""What the options of `fes` mean: units, axes and known structures."""

from __future__ import annotations

from pathlib import Path

from ipi_mtd import units
from ipi_mtd.assembly import Run
from ipi_mtd.config import Config
from ipi_mtd.errors import UserError


def require_energy_unit(unit: str) -> None:
    """Refuse what is no unit of energy.

    Raises
    ------
    UserError
        Which names the option.
    """
    try:
        units.factor(unit, "hartree")
    except ValueError as error:
        raise UserError(f"--energy-unit: {error}") from error


def parse_range(text: str) -> tuple[str, tuple[float, float, int | None]]:
    """Read ``CV=MIN:MAX`` or ``CV=MIN:MAX:BINS``.

    Raises
    ------
    UserError
        If it is neither.
    """
    name, _, numbers = text.partition("=")
    try:
        low, high, *bins = numbers.split(":")
        return name, (float(low), float(high), int(*bins) if bins else None)
    except (ValueError, TypeError) as error:
        raise UserError(f"--range must be CV=MIN:MAX or CV=MIN:MAX:BINS, got '{text}'") from error


def parse_mark(text: str) -> tuple[str, dict[str, float]]:
    """Read ``NAME:CV=VALUE,CV=VALUE``.

    Raises
    ------
    UserError
        If it is something else.
    """
    name, _, values = text.partition(":")
    try:
        pairs = [pair.split("=") for pair in values.split(",")]
        return name, {cv: float(value) for cv, value in pairs}
    except ValueError as error:
        raise UserError(
            f"--mark must be a structure file or NAME:CV=VALUE,CV=VALUE, got '{text}'"
        ) from error


def structure_marks(
    config: Config, source: Path, files: list[Path]
) -> list[tuple[str, dict[str, float]]]:
    """The CVs of structure files, named after the files.

    Raises
    ------
    UserError
        If a structure cannot be read, or the models cannot be evaluated for it.
    """
    marks = []
    for file in files:
        system = config.system.model_copy(update={"structure": file})
        run = Run(config.model_copy(update={"system": system}), source)
        values = run.cvs.evaluate(run.structure).s.tolist()
        marks.append((file.stem, dict(zip(run.cv_names, values, strict=True))))
    return marks
