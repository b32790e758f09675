"""What a step writes: a row of HILLS for each hill, a row of COLVAR every so many steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ipi_mtd.bias import Hill, Metad, Period
from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.files.colvar import format_colvar_header
from ipi_mtd.files.fields import format_row
from ipi_mtd.files.hills import format_hill, format_hills_header, format_identity


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
        self.header = format_hills_header(cvs, periods) + format_identity(identity)
        self._term = term
        self._bias_factor = -1.0 if metad.bias_factor is None else metad.bias_factor
        self._timestep = timestep

    def line(self, step: int, _evaluation: BiasedEvaluation, hills: Mapping[str, Hill]) -> bytes:
        """The hill of this step, if there is one."""
        if self._term not in hills:
            return b""
        return format_hill(step * self._timestep, hills[self._term], self._bias_factor)


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
    """

    def __init__(
        self,
        file: str,
        columns: Mapping[str, Callable[[BiasedEvaluation], float]],
        periods: Mapping[str, Period],
        stride: int,
        number: str | None,
        timestep: float,
    ) -> None:
        self.file = file
        self.header = format_colvar_header(tuple(columns), periods)
        self._columns = tuple(columns.values())
        self._stride = stride
        self._number = number
        self._timestep = timestep

    def line(self, step: int, evaluation: BiasedEvaluation, _hills: Mapping[str, Hill]) -> bytes:
        """The row of this step, if there is one."""
        if step % self._stride:
            return b""
        values = [column(evaluation) for column in self._columns]
        row = [step * self._timestep, *values]
        if self._number is None:
            return format_row(row)
        return ("".join(f" {self._number}" % value for value in row) + "\n").encode()
