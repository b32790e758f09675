"""The biases of a run, as all its walkers share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ipi_mtd.bias import Bias, Learned
from ipi_mtd.biased_system import BiasTerm
from ipi_mtd.files.fields import read_bytes
from ipi_mtd.record.continuing import has_rows
from ipi_mtd.record.run_directory import RunDirectory, Start


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
        return [term.bias.file.file for term in self.terms if term.bias.file is not None]

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
        for term in self.terms:
            path = directory / (term.bias.file.file if term.bias.file else "")
            if term.bias.file is not None and path.is_file():
                data = read_bytes(path)
                if has_rows(data.splitlines()):
                    term.bias.file.read(data, path, of_any_cv=of_any_cv)

    def rebuild(self, directory: RunDirectory) -> None:
        """Learn what is history in a run directory; what is only proposed is not.

        Raises
        ------
        UserError
            If a file breaks its format, or its deposits are not those of the bias.
        """
        for term in self.terms:
            file = term.bias.file
            if file is None:
                continue
            data = directory.history(file.file)
            if not has_rows(data.splitlines()):
                continue
            path = directory.directory / file.file
            of_any_cv = directory.start is Start.KEEP_HILLS
            deposits, below = file.read(data, path, of_any_cv=of_any_cv)
            term.bias.learn(deposits)
            directory.put_below(file.file, below)

    def learn_from(self, directory: Path) -> None:
        """Learn all that the files of a directory hold, whoever has written them.

        Raises
        ------
        UserError
            If a file is not there or breaks its format, or its deposits are not those of the bias.
        """
        for term in self.terms:
            if (file := term.bias.file) is not None:
                path = directory / file.file
                deposits, _ = file.read(read_bytes(path), path, of_any_cv=False)
                term.bias.learn(deposits)

    def learn(self, learned: Mapping[str, Learned]) -> None:
        """Add what a step has taught."""
        for term in self.terms:
            if (deposit := learned[term.name].deposit) is not None:
                term.bias.learn([deposit])

    def unlearn(self, learned: Mapping[str, Learned]) -> None:
        """Take back what a step has taught."""
        for term in self.terms:
            if (deposit := learned[term.name].deposit) is not None:
                term.bias.forget([deposit])

    def learn_lines(self, lines: Mapping[str, bytes]) -> None:
        """Add the deposits in lines of the files, given by their names."""
        for term, deposits in self._decoded(lines):
            term.bias.learn(deposits)

    def forget_lines(self, lines: Mapping[str, bytes]) -> None:
        """Take back the deposits in lines of the files, given by their names."""
        for term, deposits in self._decoded(lines):
            term.bias.forget(deposits)

    def deposits_in(self, lines: Mapping[str, bytes]) -> dict[str, Any]:
        """The deposit of each bias in the lines of one step."""
        return {term.name: deposits[0] for term, deposits in self._decoded(lines)}

    def _decoded(self, lines: Mapping[str, bytes]) -> list[tuple[BiasTerm[Bias], list[Any]]]:
        found = []
        for term in self.terms:
            file = term.bias.file
            data = lines.get(file.file, b"") if file is not None else b""
            if file is not None and data and (deposits := file.decode(data)):
                found.append((term, deposits))
        return found
