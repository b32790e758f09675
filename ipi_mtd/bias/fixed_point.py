"""Sums of floats that do not depend on the order."""

from __future__ import annotations

import math

import numpy as np

from ipi_mtd.arrays import FloatArray

_BITS = 28
"""Of a coarse part below the scale, and of a fine part below a coarse quantum."""

_EXACT = 2.0**53
"""Floats count up to here without rounding."""


class FixedPoint:
    """Numbers cut into whole quanta, so that floats add them without rounding.

    With ``scale`` the next power of two above the height of a hill, a number is cut into

    * a coarse part, a multiple of ``2^-28 scale``,
    * and a fine part of at most half of that, a multiple of ``2^-56 scale``.

    What is finer is rounded off, once and before anything is added: an eighth of the last bit of
    a height. Sums of either part are then exact, so that they are the same in any order, and
    what was added is taken back without a trace. The two together, rounded once more, are the sum.

    Parameters
    ----------
    height : float
        A typical size of the numbers. Much smaller ones lose digits, much larger ones fill the
        limits early.

    Attributes
    ----------
    height : as given
    limits : two floats
        The largest coarse and fine parts of a sum that is exact: ``2^25`` scales, and what 2^26
        numbers make together if each is rounded by half a coarse quantum to the same side.

    Raises
    ------
    ValueError
        If the height is not a positive number.

    References
    ----------
    J. Demmel and H. D. Nguyen, IEEE Trans. Comput. 64, 2060 (2015),
    doi:10.1109/TC.2014.2345391, with one bin, as the numbers are of known size.
    """

    def __init__(self, height: float) -> None:
        if not 1e-200 < height < 1e200:
            raise ValueError(f"the height that a grid is made for must be positive, got {height}")
        self.height = height
        _, exponent = math.frexp(height)
        self._coarse = 2.0 ** (exponent - _BITS)
        self._fine = 2.0 ** (exponent - 2 * _BITS)
        self.limits = (_EXACT * self._coarse, _EXACT * self._fine)

    def split(self, values: FloatArray) -> FloatArray:
        """The coarse and the fine parts of some numbers.

        Parameters
        ----------
        values : array of any shape

        Returns
        -------
        parts : (2, ...) array
        """
        parts = np.empty((2, *values.shape))
        coarse, fine = parts
        _whole(values, self._coarse, coarse)
        np.subtract(values, coarse, out=fine)
        _whole(fine, self._fine, fine)
        return parts

    def largest(self, values: FloatArray) -> tuple[float, float]:
        """Bounds on the coarse and the fine parts of a sum over the first axis.

        Parameters
        ----------
        values : (n, ...) array

        Returns
        -------
        coarse, fine : floats
            Not a number if a value is not.
        """
        n = len(values)
        # No sum of n numbers is above sqrt(n) times the root of the sum of their squares; a
        # percent for the rounding. Much faster than a maximum.
        norm = 1.01 * math.sqrt(n * float(np.vdot(values, values)))
        return norm + n * self._coarse, 0.5 * n * self._coarse


def _whole(values: FloatArray, quantum: float, out: FloatArray) -> None:
    """Round to multiples of a quantum, a power of two."""
    np.multiply(values, 1.0 / quantum, out=out)
    np.rint(out, out=out)
    out *= quantum
