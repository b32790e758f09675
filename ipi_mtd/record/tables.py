"""What a step writes: the row of a deposit, a row of COLVAR every so many steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ipi_mtd.bias import Learned
from ipi_mtd.bias.bias import DepositFile
from ipi_mtd.biased_system import BiasedEvaluation
from ipi_mtd.files.colvar import format_colvar_header
from ipi_mtd.files.fields import format_cell
from ipi_mtd.periods import Period
from ipi_mtd.record.column import Column
from ipi_mtd.record.run_directory import Table


class TableWriter(Table, Protocol):
    """What one file gets at each step."""

    def columns_at(self, step: int) -> Mapping[str, Column]:
        """The columns whose values are wanted at a step."""

    def line(
        self, step: int, evaluation: BiasedEvaluation, learned: Mapping[str, Learned]
    ) -> bytes:
        """The bytes to append at a step, often none."""


class DepositTable:
    """The file of what one bias learns.

    Parameters
    ----------
    bias : its name
    file : header and encoding
    """

    def __init__(self, bias: str, file: DepositFile) -> None:
        self.file = file.file
        self.header = file.header
        self._bias = bias
        self._encode = file.encode

    def columns_at(self, step: int) -> Mapping[str, Column]:  # noqa: ARG002
        """None: it has no columns of its own to print."""
        return {}

    def line(
        self,
        step: int,
        evaluation: BiasedEvaluation,  # noqa: ARG002
        learned: Mapping[str, Learned],
    ) -> bytes:
        """The deposit of this step, if there is one."""
        deposit = learned[self._bias].deposit
        return b"" if deposit is None else self._encode(step, deposit)


class ColvarTable:
    """A COLVAR file.

    Parameters
    ----------
    file : its name
    columns : name of each column and how its value is found
    periods : bounds of the columns that are periodic CVs
    every : int
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
        every: int,
        number: str | None,
        timestep: float,
        time_number: str | None = None,
    ) -> None:
        self.file = file
        self.header = format_colvar_header(tuple(columns), periods)
        self._columns = columns
        self._every = every
        self._formats = [time_number or number, *[number] * len(columns)]
        self._timestep = timestep

    def columns_at(self, step: int) -> Mapping[str, Column]:
        """All of them, every so many steps."""
        return {} if step % self._every else self._columns

    def line(
        self, step: int, evaluation: BiasedEvaluation, learned: Mapping[str, Learned]
    ) -> bytes:
        """The row of this step, if there is one."""
        columns = self.columns_at(step)
        if not columns:
            return b""
        values = (column.value(evaluation, learned) for column in columns.values())
        row = [step * self._timestep, *values]
        cells = (format_cell(value, how) for value, how in zip(row, self._formats, strict=True))
        return ("".join(cells) + "\n").encode()
