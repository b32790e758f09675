"""The biases of a run, as all its walkers share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ipi_mtd.bias import Bias
from ipi_mtd.bias.bias import DepositFile
from ipi_mtd.biased_system import BiasTerm
from ipi_mtd.errors import UserError
from ipi_mtd.record.earlier_files import rows_in
from ipi_mtd.record.run_directory import RunDirectory, Start

Deposits: TypeAlias = Mapping[str, Sequence[Any]]
"""Name of a bias and what it learns."""


class SharedBiases:
    """Owns what the biases have learned: fills them once at the start, then adds and takes back.

    Parameters
    ----------
    terms : the biases
    """

    def __init__(self, terms: Sequence[BiasTerm[Bias]]) -> None:
        self.terms = tuple(terms)

    @property
    def n_deposits(self) -> int:
        """How many deposits all biases hold."""
        return sum(term.bias.n_deposits for term in self.terms)

    @property
    def files(self) -> list[str]:
        """The names of the files of their deposits."""
        return [file.file for _, file in self._with_files()]

    def require_readable(self, directory: Path, *, of_any_cv: bool) -> None:
        """Make sure that deposits without a journal can be taken over, before anything changes.

        Parameters
        ----------
        directory : where the files are, if they are there
        of_any_cv : whether deposits are taken that a file says were made with another model

        Raises
        ------
        UserError
            Which names the file and what is wrong with it.
        """
        for _, file in self._with_files():
            path = directory / file.file
            if (data := rows_in(path)) is not None:
                file.read(data, path, of_any_cv=of_any_cv)

    def rebuild(self, directory: RunDirectory) -> None:
        """Learn what is history in a run directory; what is only proposed is not.

        Raises
        ------
        UserError
            If a file breaks its format, or its deposits are not those of the bias.
        """
        for bias, file in self._with_files():
            if (data := directory.history(file.file)) is None:
                continue
            path = directory.directory / file.file
            of_any_cv = directory.start is Start.KEEP_HILLS
            deposits, below = file.read(data, path, of_any_cv=of_any_cv)
            bias.learn(deposits)
            directory.put_below(file.file, below)

    def learn_from(self, directory: Path) -> None:
        """Learn all that the files of a directory hold, whoever has written them.

        Raises
        ------
        UserError
            If a file is not there or breaks its format, or its deposits are not those of the bias.
        """
        for bias, file in self._with_files():
            path = directory / file.file
            if (data := rows_in(path)) is None:
                raise UserError(f"{path}: is not there, or has learned nothing")
            deposits, _ = file.read(data, path, of_any_cv=False)
            bias.learn(deposits)

    def learn(self, deposits: Deposits) -> None:
        """Add deposits of some biases, given by their names."""
        for term in self.terms:
            if term.name in deposits:
                term.bias.learn(deposits[term.name])

    def forget(self, deposits: Deposits) -> None:
        """Take deposits back that were learned."""
        for term in self.terms:
            if term.name in deposits:
                term.bias.forget(deposits[term.name])

    def decode(self, lines: Mapping[str, bytes]) -> dict[str, list[Any]]:
        """The deposits in lines of the files, which are given by their names."""
        found = {}
        for term in self.terms:
            if (file := term.bias.file) is not None and (data := lines.get(file.file)):
                found[term.name] = file.decode(data)
        return found

    def _with_files(self) -> list[tuple[Bias, DepositFile]]:
        """The biases that make deposits, with the files of these."""
        return [(term.bias, term.bias.file) for term in self.terms if term.bias.file is not None]
