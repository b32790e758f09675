"""What a bias is told when it is made, beside its own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipi_mtd.periods import Period


@dataclass(frozen=True)
class Surroundings:
    """The CVs that a bias acts on, its units, and the run that it is in.

    Parameters
    ----------
    cvs : names of the CVs
    periods : their bounds, None where a CV is not periodic
    identity : what the CVs are, for the reader of a file
    per_hartree : float
        One hartree in the energy unit of the bias and its files.
    kB : float, energy/K
        In that unit.
    temperature : float, K, optional
        Of the run.
    timestep : float
        In the time unit of the files.
    """

    cvs: tuple[str, ...]
    periods: tuple[Period, ...]
    identity: Mapping[str, str]
    per_hartree: float
    kB: float
    temperature: float | None
    timestep: float
