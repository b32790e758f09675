"""The HILLS file of a metadynamics bias: PLUMED's format, and what must agree to go on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import format_bound
from ipi_mtd.files.hills import (
    STRETCHED,
    Hill,
    format_hill,
    format_hills_header,
    format_identity,
    parse_hill,
    parse_hills,
)
from ipi_mtd.periods import Period, same_period


class HillsFile:
    """HILLS, one row for each hill.

    Parameters
    ----------
    file : its name
    cvs : names of the CVs
    periods : their bounds, None where a CV is not periodic
    identity : what the CVs are, for the reader
    timestep : float, in the time unit of the file
    bias_factor : of the rows to come, None in an untempered run
    """

    def __init__(
        self,
        file: str,
        cvs: Sequence[str],
        periods: Sequence[Period],
        identity: Mapping[str, str],
        timestep: float,
        bias_factor: float | None,
    ) -> None:
        self.file = file
        self.header = format_hills_header(cvs, periods) + format_identity(identity)
        self._cvs = tuple(cvs)
        self._periods = tuple(periods)
        self._identity = dict(identity)
        self._bias_factor = -1.0 if bias_factor is None else bias_factor
        self._timestep = timestep

    def encode(self, step: int, deposit: Hill) -> bytes:
        """The row of the hill of a step."""
        return format_hill(step * self._timestep, deposit, self._bias_factor)

    def decode(self, data: bytes) -> list[Hill]:
        """The hills in some of our rows."""
        return [parse_hill(row) for row in data.splitlines() if not row.startswith(b"#")]

    def read(self, data: bytes, path: Path, *, of_any_cv: bool) -> tuple[list[Hill], bytes]:
        """The hills of a whole file, ours or PLUMED's, which must be on the same CVs.

        Parameters
        ----------
        data : what the file holds
        path : of the file, for messages
        of_any_cv : whether hills are taken that the file says were made with another model

        Returns
        -------
        hills : the oldest first
        below : a header if the kernel of the last ones is not ours

        Raises
        ------
        UserError
            Which says what is different, or where the file breaks the format.
        """
        hills = parse_hills(data, path)
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
        _, last_kernel = hills.kernels[-1]
        return list(hills), b"" if last_kernel == STRETCHED else self.header


def _describe(period: Period) -> str:
    if period is None:
        return "not periodic"
    return f"periodic from {format_bound(period[0])} to {format_bound(period[1])}"
