"""What a step writes: a row of HILLS for each hill, a row of COLVAR every so many steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ipi_mtd.assembly.columns import Column
from ipi_mtd.bias import Metad
from ipi_mtd.biased_system.system import BiasedEvaluation
from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import format_colvar_header
from ipi_mtd.files.fields import format_bound, format_cell
from ipi_mtd.files.hills import (
    STRETCHED,
    Hill,
    Hills,
    format_hill,
    format_hills_header,
    format_identity,
    read_hills,
)
from ipi_mtd.periods import Period, same_period
from ipi_mtd.record.continuing import has_rows, require_continuable


class Table(Protocol):
    """One file of a run."""

    file: str
    header: bytes


class HillsTable:
    """The HILLS file of one metadynamics bias.

    Parameters
    ----------
    file : its name
    term : the name of the bias
    metad : the bias
    cvs : names of its CVs
    periods : their bounds, None where a CV is not periodic
    identity : what the CVs are, for the reader
    timestep : float, in the time unit of the file
    """

    def __init__(
        self,
        file: str,
        term: str,
        metad: Metad,
        cvs: Sequence[str],
        periods: Sequence[Period],
        identity: Mapping[str, str],
        timestep: float,
    ) -> None:
        self.file = file
        self.term = term
        self.header = format_hills_header(cvs, periods) + format_identity(identity)
        self._cvs = tuple(cvs)
        self._periods = tuple(periods)
        self._identity = dict(identity)
        self._bias_factor = -1.0 if metad.bias_factor is None else metad.bias_factor
        self._timestep = timestep

    def line(self, step: int, _evaluation: BiasedEvaluation, hills: Mapping[str, Hill]) -> bytes:
        """The hill of this step, if there is one."""
        if self.term not in hills:
            return b""
        return format_hill(step * self._timestep, hills[self.term], self._bias_factor)

    def read(self, path: Path, *, of_any_cv: bool) -> Hills:
        """The hills of an earlier run, which must be on the same CVs.

        Parameters
        ----------
        path : the file
        of_any_cv : whether hills are taken that the file says were made with another model

        Raises
        ------
        UserError
            Which says what is different.
        """
        hills = read_hills(path)
        if hills.names != self._cvs:
            raise UserError(
                f"{path}: its hills are on the CVs {', '.join(hills.names)}, the bias is on "
                f"{', '.join(self._cvs)}; move the file away, or name another one"
            )
        for name, there, here in zip(self._cvs, hills.periods, self._periods, strict=True):
            if not same_period(there, here):
                raise UserError(
                    f"{path}: {name} is {_describe(there)} there, here it is {_describe(here)}; "
                    "move the file away, or name another one"
                )
        for key, ours in self._identity.items():
            theirs = hills.identity.get(key, ours)
            if theirs != ours and not of_any_cv:
                raise UserError(
                    f"{path}: its hills were made with another {key}: there `{theirs}`, here "
                    f"`{ours}`; take them nevertheless with --keep-hills"
                )
        return hills

    def header_below(self, hills: Hills) -> bytes:
        """What has to stand between the hills of a file and ours: nothing if the kernel is ours."""
        _, kernel = hills.kernels[-1]
        return b"" if kernel == STRETCHED else self.header


class ColvarTable:
    """A COLVAR file.

    Parameters
    ----------
    file : its name
    columns : name of each column and how its value is found
    periods : bounds of the columns that are periodic CVs
    stride : int
        A row every so many steps.
    number : how a number is written, as in C; None for all digits
    timestep : float, in the time unit of the file
    time_number : how the time is written; None for the same way
    """

    def __init__(
        self,
        file: str,
        columns: Mapping[str, Column],
        periods: Mapping[str, Period],
        stride: int,
        number: str | None,
        timestep: float,
        time_number: str | None = None,
    ) -> None:
        self.file = file
        self.header = format_colvar_header(tuple(columns), periods)
        self._columns = tuple(columns.values())
        self._stride = stride
        self._formats = [time_number or number, *[number] * len(columns)]
        self._timestep = timestep

    def line(self, step: int, evaluation: BiasedEvaluation, hills: Mapping[str, Hill]) -> bytes:
        """The row of this step, if there is one."""
        if step % self._stride:
            return b""
        row = [step * self._timestep, *(column(evaluation, hills) for column in self._columns)]
        cells = (format_cell(value, how) for value, how in zip(row, self._formats, strict=True))
        return ("".join(cells) + "\n").encode()


def require_continuable_tables(
    directory: Path,
    tables: Iterable[Table],
    *,
    known: bool,
    of_any_cv: bool,
) -> None:
    """Make sure that a run can go on with the files of an earlier one, before it touches them.

    Parameters
    ----------
    directory : where the files are, if they are there
    tables : what will be written to them
    known : whether a journal tells where the last whole lines end
    of_any_cv : whether hills are taken that the file says were made with another model

    Raises
    ------
    UserError
        Which names the file, what is different, and what to do.
    """
    for table in tables:
        path = directory / table.file
        # with a journal the hills are its run's own, and are read once, when it goes on
        if isinstance(table, HillsTable) and not known and path.is_file():
            with path.open("rb") as file:
                taken_over = has_rows(file)
            if taken_over:
                table.read(path, of_any_cv=of_any_cv)
        require_continuable(path, table.header, whole=not known)


def _describe(period: Period) -> str:
    if period is None:
        return "not periodic"
    return f"periodic from {format_bound(period[0])} to {format_bound(period[1])}"
