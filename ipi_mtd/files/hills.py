"""HILLS: every hill of a run, in PLUMED's format.

The lines, in the order in which they are written; see `ipi_mtd.files.fields` for what holds for
any file of this kind.

==================================================  ================================================
line                                                meaning
==================================================  ================================================
``#! FIELDS time cv1 cv2 sigma_cv1 sigma_cv2``      the columns (on one line):
``height biasf``                                    ``time`` in ps; the center and the widths in the
                                                    units of the CVs; the height in the run's energy
                                                    unit, times gamma/(gamma-1) if well-tempered, so
                                                    that the rows add up to -F; gamma, or -1 in an
                                                    untempered run
``#! SET multivariate false``                       the widths are those of separate CVs
``#! SET kerneltype stretched-gaussian``            the kernel of the hills below, one of those in
                                                    `ipi_mtd.bias.kernel`; ours is this one, and so
                                                    is that of a file without the line
``#! SET min_cv1 -pi``, ``#! SET max_cv1 pi``       of each periodic CV
``# ipi-mtd key text``                              our own: what the run was made with; a key is
                                                    one word, the text the rest of the line
==================================================  ================================================

PLUMED before 2.8 wrote ``kerneltype gaussian``, and a later one goes on below that with a header
of its own. Each hill has the kernel that the last line above it says, as in PLUMED's ``sum_hills``,
and is cut where METAD cut it (``sum_hills`` cuts it at a point of its grid). PLUMED since 2.8 takes
such hills for stretched ones when it restarts; here they stay what they were.

Our own lines are comments below the FIELDS line, because PLUMED skips those. It refuses to restart
from a file with a SET line that it does not know, or with a comment above FIELDS.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import (
    Table,
    format_header,
    format_row,
    line_of_row,
    parse_table,
    period_constants,
    read_bytes,
    read_period,
)
from ipi_mtd.periods import Period

STRETCHED = "stretched-gaussian"
"""PLUMED's kernel since version 2.8, and ours."""

KERNEL_TYPES = (STRETCHED, "gaussian")
"""What METAD has written; :mod:`ipi_mtd.bias.kernel` says what they are."""

_OURS = "ipi-mtd"
_KERNELTYPE = "kerneltype"
_MULTIVARIATE = "multivariate"


@dataclass(frozen=True, slots=True)
class Hill:
    """One row of a HILLS file.

    Parameters
    ----------
    center : d floats, units of the CVs
    sigma : d floats, units of the CVs
        The widths.
    height : float, energy
        The column as PLUMED writes it. In a well-tempered run it is the deposited height times
        gamma/(gamma-1), so that the rows of a file add up to minus the free energy.
    kernel : str
        Its shape, as the file calls it; new hills have the stretched one.
    """

    center: tuple[float, ...]
    sigma: tuple[float, ...]
    height: float
    kernel: str = STRETCHED

    def __post_init__(self) -> None:
        if len(self.center) != len(self.sigma):
            raise ValueError(
                f"a hill has one width for each CV: got {len(self.center)} coordinates "
                f"and {len(self.sigma)} widths"
            )
        if not all(map(math.isfinite, (*self.center, *self.sigma, self.height))):
            raise ValueError(f"a hill is made of finite numbers, got {self}")
        if not all(width > 0.0 for width in self.sigma):
            raise ValueError(f"the widths of a hill must be positive, got {self.sigma}")


@dataclass(frozen=True, slots=True, eq=False)
class Hills:
    """The hills of a run, the oldest first.

    Parameters
    ----------
    names : tuple of str
        The d CVs.
    periods : d entries
        The (lower, upper) of a periodic CV, otherwise None.
    times : (n_hills,) array, ps
    centers, sigmas : (n_hills, d) arrays, units of the CVs
    heights : (n_hills,) array, energy
        The column of the file; the rows add up to -F.
    bias_factors : (n_hills,) array
        Gamma, or -1 in an untempered run.
    identity : mapping of str to str
        Our own lines.
    end : int, bytes
        Where the last whole line of the file ends.
    kernels : pairs of a row and a name
        The kernel of the hills from that row on.
    """

    names: tuple[str, ...]
    periods: tuple[Period, ...]
    times: FloatArray
    centers: FloatArray
    sigmas: FloatArray
    heights: FloatArray
    bias_factors: FloatArray
    identity: Mapping[str, str]
    end: int
    kernels: tuple[tuple[int, str], ...] = ((0, STRETCHED),)

    def __len__(self) -> int:
        return len(self.heights)

    def __iter__(self) -> Iterator[Hill]:
        rows = zip(self.centers.tolist(), self.sigmas.tolist(), self.heights.tolist(), strict=True)
        for (center, sigma, height), kernel in zip(rows, self.each_kernel(), strict=True):
            yield Hill(tuple(center), tuple(sigma), height, kernel)

    def each_kernel(self) -> Iterator[str]:
        """The kernel of each hill."""
        ends = [row for row, _ in self.kernels[1:]] + [len(self)]
        for (row, kernel), end in zip(self.kernels, ends, strict=True):
            yield from itertools.repeat(kernel, end - row)


def format_hills_header(names: Sequence[str], periods: Sequence[Period]) -> bytes:
    """Return the header for these CVs.

    Raises
    ------
    UserError
        If a name is not one word, or the columns do not have different names.
    """
    bounds = period_constants(dict(zip(names, periods, strict=True)))
    kernel = {_MULTIVARIATE: "false", _KERNELTYPE: STRETCHED}
    return format_header(_columns(names), {**kernel, **bounds})


def format_hill(time: float, hill: Hill, bias_factor: float) -> bytes:
    """Return one row: time in ps, and the bias factor, -1 in an untempered run."""
    return format_row([time, *hill.center, *hill.sigma, hill.height, bias_factor])


def parse_hill(line: bytes) -> Hill:
    """Return the hill in one row that `format_hill` made."""
    _, *numbers, height, _ = map(float, line.split())
    d = len(numbers) // 2
    return Hill(tuple(numbers[:d]), tuple(numbers[d:]), height)


def format_identity(identity: Mapping[str, str]) -> bytes:
    """Return our own lines, to be written below a header.

    Raises
    ------
    UserError
        If a key is not one word or a text not one line.
    """
    for key, text in identity.items():
        if len(key.split()) != 1 or key.strip() != key:
            raise UserError(f"the key of an identity line must be one word, got {key!r}")
        if text.splitlines() != [text] or text.strip() != text:
            raise UserError(f"the text of an identity line must be one line, got {text!r}")
    return "".join(f"# {_OURS} {key} {text}\n" for key, text in identity.items()).encode()


def read_hills(path: Path) -> Hills:
    """Read a HILLS file, ours or PLUMED's.

    Raises
    ------
    UserError
        If the file cannot be read, breaks the format, or holds hills of another kind.
    """
    return parse_hills(read_bytes(path), path)


def parse_hills(data: bytes, path: Path) -> Hills:
    """Read what a HILLS file holds.

    Raises
    ------
    UserError
        If it breaks the format, or has hills of another kind; with the path and the line.
    """
    table = parse_table(data, path, changing=_KERNELTYPE)
    names = _cv_names(path, table)
    d = len(names)
    centers, sigmas = table.rows[:, 1 : 1 + d], table.rows[:, 1 + d : 1 + 2 * d]
    bad = ~np.isfinite(table.rows).all(axis=1) | (sigmas <= 0.0).any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise UserError(
            f"{path}, line {line_of_row(data, row)}: a hill needs finite numbers and positive"
            f" widths, got {' '.join(f'{x:g}' for x in table.rows[row])}"
        )
    return Hills(
        names=names,
        periods=tuple(read_period(path, table, name) for name in names),
        times=table.column("time"),
        centers=centers,
        sigmas=sigmas,
        heights=table.column("height"),
        bias_factors=table.column("biasf"),
        identity=_identity(path, table),
        end=table.end,
        kernels=_kernels(path, table),
    )


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    return ("time", *names, *(f"sigma_{name}" for name in names), "height", "biasf")


def _cv_names(path: Path, table: Table) -> tuple[str, ...]:
    multivariate = table.constants.get(_MULTIVARIATE, "false")
    if multivariate != "false":
        raise UserError(
            f"{path}: {_MULTIVARIATE} is {multivariate}, but only hills with {_MULTIVARIATE} false "
            "can be read (PLUMED writes them without ADAPTIVE)"
        )
    n_cvs = table.names.index("height") // 2 if "height" in table.names else 0
    names = table.names[1 : 1 + n_cvs]
    columns = _columns(names)
    if not names or table.names[: len(columns)] != columns:  # several walkers append a clock
        raise UserError(
            f"{path}: a HILLS file has the columns time cv ... sigma_cv ... height biasf,"
            f" got {' '.join(table.names)}"
        )
    return names


def _kernels(path: Path, table: Table) -> tuple[tuple[int, str], ...]:
    kernels = [(0, STRETCHED)]  # PLUMED's own default for a missing line
    for row, name in table.changes:
        if name not in KERNEL_TYPES:
            raise UserError(
                f"{path}: {_KERNELTYPE} is {name}, but only hills with {_KERNELTYPE} "
                f"{' or '.join(KERNEL_TYPES)} can be read, which are those of METAD"
            )
        kernels.append((row, name))
    return tuple(kernels)


def _identity(path: Path, table: Table) -> dict[str, str]:
    identity: dict[str, str] = {}
    for comment in table.comments:
        match comment.split(maxsplit=2):
            case [ours, key, text] if ours == _OURS:
                if identity.setdefault(key, text) != text:
                    raise UserError(
                        f"{path}: {key} changes within the file, from {identity[key]!r} to {text!r}"
                    )
    return identity
