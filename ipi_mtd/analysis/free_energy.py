"""The free energy of a run, from its hills."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ipi_mtd.analysis.axis import Axis, axes_of
from ipi_mtd.analysis.error_bar import error_of_the_sum
from ipi_mtd.analysis.states import State, count_visits, find_basins
from ipi_mtd.analysis.sum_hills import floors_of, sum_hills
from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hills

MOST_BLOCKS = 80
LEAST_HILLS = 20


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
        The standard error of F(s) - F(min); NaN where it is not known: where there is no hill, and
        in a state that was visited only once.
    states : the basins that are separated by more than 2 kT, the lowest first; none without kT
    """

    axes: tuple[Axis, ...]
    values: FloatArray
    reached: npt.NDArray[np.bool_]
    error: FloatArray | None = None
    states: tuple[State, ...] = ()


def free_energy(
    hills: Hills,
    axes: Sequence[Axis] | None = None,
    kT: float | None = None,
    onto: Sequence[str] | None = None,
    blocks: int | None = None,
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
    blocks : int, optional
        Into how many blocks of hills the run is cut for the error bar; 80 by default, or fewer so
        that each has two hills.

    Returns
    -------
    FreeEnergy
        With states and with the error of `error_of_the_sum` if there is a kT, and two hills or more
        for each block, 20 in all.

    Raises
    ------
    UserError
        If there are no hills on the grid, or there is no such CV to project onto, or no kT to do
        it.

    References
    ----------
    .. [1] A. Barducci, G. Bussi, M. Parrinello, Phys. Rev. Lett. 100, 020603 (2008).
       https://doi.org/10.1103/PhysRevLett.100.020603
    """
    axes = axes_of(hills) if axes is None else tuple(axes)
    if not len(hills):
        raise UserError("there are no hills to sum")
    if onto is not None and kT is None:
        raise UserError("a projection of the free energy needs the temperature")
    n_blocks = min(MOST_BLOCKS, len(hills) // 2) if blocks is None else blocks
    (minus_F,) = _sums(hills, axes, 1)
    F = _of_sum(axes, minus_F, kT, onto)
    if kT is None or len(hills) < max(LEAST_HILLS, 2 * n_blocks):
        return F

    def minus_F_of(S: FloatArray) -> FloatArray:
        return S if onto is None else -_integrated(axes, S.max() - S, onto, kT)[1]

    lowest = np.unravel_index(int(F.values.argmin()), F.values.shape)
    sums = _sums(hills, axes, n_blocks)
    place = tuple(map(int, lowest))
    gamma = float(hills.bias_factors[-1])
    error = error_of_the_sum(sums, kT, minus_F_of, n_blocks, place, gamma)
    return _with_states(F, hills, error, kT)


def _sums(hills: Hills, axes: tuple[Axis, ...], blocks: int) -> Iterator[FloatArray]:
    """The sum of the hills after each block of as many of them."""
    total = np.zeros([axis.n_points for axis in axes])
    ends = np.linspace(0, len(hills), blocks + 1).round().astype(int).tolist()
    columns = hills.centers, hills.sigmas, hills.heights, floors_of(hills)
    for first, last in itertools.pairwise(ends):
        total = total + sum_hills(axes, *(column[first:last] for column in columns))
        yield total


def _of_sum(
    axes: tuple[Axis, ...], minus_F: FloatArray, kT: float | None, onto: Sequence[str] | None
) -> FreeEnergy:
    if not minus_F.any():
        raise UserError("no hill reaches the grid; are its bounds right?")
    F = FreeEnergy(axes, minus_F.max() - minus_F, minus_F != 0.0)
    return F if onto is None or kT is None else project(F, onto, kT)


def _with_states(F: FreeEnergy, hills: Hills, error: FloatArray, kT: float) -> FreeEnergy:
    """With an error where it is known."""
    basins = find_basins(F.axes, F.values, F.reached, kT)
    columns = [hills.names.index(axis.name) for axis in F.axes]
    visits = count_visits(F.axes, F.values, basins, hills.centers[:, columns])
    # between two states the run must have gone both ways
    known = [k == 0 or min(visits[0], n) > 1 for k, n in enumerate(visits)]
    error = np.where(F.reached & np.array([*known, False])[basins.labels], error, np.nan)
    states = [
        State(
            tuple(float(axis.points[i]) for axis, i in zip(F.axes, lowest, strict=True)),
            float(F.values[lowest]),
            float(error[lowest]),
            n,
        )
        for lowest, n in zip(basins.lowest, visits, strict=True)
    ]
    return replace(F, error=error, states=tuple(states))


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
    kept, values = _integrated(F.axes, F.values, onto, kT)
    dropped = tuple(j for j, axis in enumerate(F.axes) if axis not in kept)
    reached = np.asarray(F.reached.any(axis=dropped))
    return FreeEnergy(kept, values - values.min(), reached)


def _integrated(
    axes: Sequence[Axis], F: FloatArray, onto: Sequence[str], kT: float
) -> tuple[tuple[Axis, ...], FloatArray]:
    """The axes that are left, and F on them, up to a constant."""
    names = [axis.name for axis in axes]
    if not onto or not set(onto) <= set(names):
        raise UserError(f"cannot project onto {', '.join(onto)}; the CVs are {', '.join(names)}")
    dropped = tuple(j for j, name in enumerate(names) if name not in onto)
    lowest = F.min(axis=dropped, keepdims=True)  # apart, so that no exponential is zero
    integral = np.exp((lowest - F) / kT).sum(axis=dropped)
    values = lowest.reshape(integral.shape) - kT * np.log(integral)
    return tuple(axis for axis in axes if axis.name in onto), values
