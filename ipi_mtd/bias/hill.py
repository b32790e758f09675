"""A hill, and the shape that all hills share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ipi_mtd.structure import FloatArray

CUTOFF = 6.25
"""The half squared distance, in widths, at which a hill ends."""

REACH = math.sqrt(2.0 * CUTOFF)
"""How many widths a hill reaches along one CV."""

_SCALE = 1.0 / (1.0 - math.exp(-CUTOFF))
_SHIFT = -_SCALE * math.exp(-CUTOFF)


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
    """

    center: tuple[float, ...]
    sigma: tuple[float, ...]
    height: float

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


def stretched_gaussian(d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The hill of height one and its derivative, as PLUMED has them since version 2.8.

    A Gaussian cut at ``d = 6.25`` would jump there. Shifted and stretched it ends at zero and
    keeps its height::

        K(d) = A exp(-d) + B  for d < 6.25, else 0
        A = 1/(1 - exp(-6.25)),  B = -A exp(-6.25)

    The slope still jumps at the cutoff, by 0.2 % of the one at the center.

    Parameters
    ----------
    d : array of any shape
        ``0.5 sum_j ((s_j - c_j)/sigma_j)**2``

    Returns
    -------
    K, dK_dd : arrays of the same shape
    """
    inside = d < CUTOFF
    stretched = np.where(inside, _SCALE * np.exp(-d), 0.0)
    return np.where(inside, stretched + _SHIFT, 0.0), -stretched
