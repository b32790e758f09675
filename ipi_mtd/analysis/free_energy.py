"""The free energy of a run, from its hills."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ipi_mtd.analysis.axis import Axis, axes_of
from ipi_mtd.analysis.block_error import block_error
from ipi_mtd.analysis.memory import variance_of_the_sum
from ipi_mtd.analysis.sum_hills import sum_hills
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hills
from ipi_mtd.structure import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class FreeEnergy:
    """F(s) on a grid.

    Parameters
    ----------
    axes : d axes
    values : array of d dimensions, energy
        The lowest is zero.
    reached : array of d dimensions
        Where there is a hill. Elsewhere nothing is known and F is that of zero bias.
    error : array of d dimensions, energy, or None
        The standard error; NaN where too few blocks of the run have been.
    """

    axes: tuple[Axis, ...]
    values: FloatArray
    reached: npt.NDArray[np.bool_]
    error: FloatArray | None = None


def free_energy(
    hills: Hills,
    axes: Sequence[Axis] | None = None,
    kT: float | None = None,
    onto: Sequence[str] | None = None,
    blocks: int = 10,
) -> FreeEnergy:
    """Sum the hills of a run to the free energy, with its error bar.

    The rows of HILLS add up to -F: those of a well-tempered run carry gamma/(gamma-1) [1]_.

    Parameters
    ----------
    hills : Hills
    axes : one axis for each CV, optional
        By default those of `axes_of`.
    kT : float, the energy unit of HILLS, optional
        Needed for a projection, and for an error bar.
    onto : sequence of str, optional
        The CVs to project onto, see `project`; all by default.
    blocks : int
        How many blocks the error bar is made of.

    Returns
    -------
    FreeEnergy
        With an error if there is a kT, and a hill or more for each block. It is that of
        `block_error`, from the centers of the second half of the hills, raised by what
        `variance_of_the_sum` says.

    Raises
    ------
    UserError
        If there are no hills on the grid, or fewer than two blocks, or there is no such CV to
        project onto, or no kT to do it.

    References
    ----------
    .. [1] A. Barducci, G. Bussi, M. Parrinello, Phys. Rev. Lett. 100, 020603 (2008).
       https://doi.org/10.1103/PhysRevLett.100.020603
    """
    axes = axes_of(hills) if axes is None else tuple(axes)
    if not len(hills):
        raise UserError("there are no hills to sum")
    middle = len(hills) // 2
    floors = hills.floors
    sums = [
        sum_hills(axes, hills.centers[part], hills.sigmas[part], hills.heights[part], floors[part])
        for part in (slice(middle), slice(middle, None))
    ]
    minus_F = sums[0] + sums[1]
    if not minus_F.any():
        raise UserError("no hill reaches the grid; are its bounds right?")
    F = FreeEnergy(axes, minus_F.max() - minus_F, minus_F != 0.0)
    if onto is not None:
        if kT is None:
            raise UserError("a projection of the free energy needs the temperature")
        F = project(F, onto, kT)
    if kT is None or middle < blocks:
        return F
    late = slice(middle, None)
    gamma = float(hills.bias_factors[-1])
    bias = minus_F * (1.0 - 1.0 / gamma if gamma >= 1.0 else 1.0)
    error = block_error(axes, hills.centers[late], hills.sigmas[late], bias, kT, blocks, onto)
    # The centers are half of the run, and the sum of hills is an average over all of it.
    variance = max(1.0, 0.5 * variance_of_the_sum(sums[0], minus_F, kT))
    return replace(F, error=math.sqrt(variance) * error)


def project(F: FreeEnergy, onto: Sequence[str], kT: float) -> FreeEnergy:
    """Integrate out the other CVs: ``F(s_1) = -kT ln sum exp(-F(s_1, s_2)/kT)``.

    Parameters
    ----------
    F : FreeEnergy
    onto : sequence of str
        The CVs to keep; they stay in the order in which they are.
    kT : float, energy

    Returns
    -------
    FreeEnergy
        Zero at its lowest. Without an error, because that of a sum is not known from the errors of
        its terms; `free_energy` with `onto` knows it.

    Raises
    ------
    UserError
        If there is no such CV.
    """
    names = [axis.name for axis in F.axes]
    if not onto or not set(onto) <= set(names):
        raise UserError(f"cannot project onto {', '.join(onto)}; the CVs are {', '.join(names)}")
    dropped = tuple(j for j, name in enumerate(names) if name not in onto)
    lowest = F.values.min(axis=dropped, keepdims=True)  # apart, so that no exponential is zero
    integral = np.exp((lowest - F.values) / kT).sum(axis=dropped)
    values = lowest.reshape(integral.shape) - kT * np.log(integral)
    kept = tuple(axis for axis in F.axes if axis.name in onto)
    reached = np.asarray(F.reached.any(axis=dropped))
    return FreeEnergy(kept, values - values.min(), reached)
