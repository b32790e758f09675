"""The error bar of a free energy, from blocks of the run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.sum_hills import sum_hills
from ipi_mtd.errors import UserError
from ipi_mtd.structure import FloatArray


def block_error(
    axes: Sequence[Axis],
    samples: FloatArray,
    sigmas: FloatArray,
    bias: FloatArray,
    kT: float,
    blocks: int,
    onto: Sequence[str] | None = None,
) -> FloatArray:
    """Return the standard error of a reweighted free energy, by a jackknife over blocks.

    How often a block b of the trajectory went to s, a density n_b(s) smoothed with the hills'
    widths, is unbiased with the bias at the end of the run [1]_, taken as stationary, to
    ``p_b(s) = n_b(s) exp(V(s)/kT)``. The free energy without block b is ::

        F_b(s) = -kT ln [ sum_{c != b} p_c(s) / sum_{c != b} sum_s p_c(s) ]

    and the error is ``sqrt((N-1)/N sum_b (F_b - mean F_b)^2)``. Other than successive sums of
    hills, which share most of their hills, the blocks have nothing in common; their results are
    independent where a block is longer than the correlation time of the CVs [2]_. If the error
    still grows as the blocks become fewer and longer, it is too small.

    Parameters
    ----------
    axes : d axes
    samples : (n_samples, d) array, units of the CVs
        The CVs in the order of time, at regular intervals: the centers of the hills, or the rows of
        COLVAR; without the beginning of the run, when the bias was still growing fast.
    sigmas : (n_samples, d) array, units of the CVs
        The widths to smooth with.
    bias : array of d dimensions, energy
        V(s) on the axes.
    kT : float, energy
    blocks : int
    onto : sequence of str, optional
        The CVs that the free energy is projected onto, all by default.

    Returns
    -------
    array of d dimensions, or as many as `onto` has names, energy
        NaN where fewer than two blocks have been: no statement is possible there.

    Raises
    ------
    UserError
        If there are fewer than two blocks, or fewer samples than blocks.

    References
    ----------
    .. [1] D. Branduardi, G. Bussi, M. Parrinello, J. Chem. Theory Comput. 8, 2247 (2012).
       https://doi.org/10.1021/ct3002464
    .. [2] H. Flyvbjerg, H. G. Petersen, J. Chem. Phys. 91, 461 (1989).
       https://doi.org/10.1063/1.457480
    """
    if not 2 <= blocks <= len(samples):
        raise UserError(
            "an error bar needs at least two blocks with a sample each,"
            f" got {blocks} blocks and {len(samples)} samples"
        )
    unbias = np.exp((bias - bias.max()) / kT)
    areas = sigmas.prod(axis=1)
    dropped = tuple(j for j, axis in enumerate(axes) if onto is not None and axis.name not in onto)
    p = np.stack(
        [
            (unbias * sum_hills(axes, samples[b], sigmas[b], 1.0 / areas[b])).sum(axis=dropped)
            for b in np.array_split(np.arange(len(samples)), blocks)
        ]
    )
    # Sums without a block, not the total less a block: where only that block has been, zero.
    others = np.stack([np.delete(p, b, axis=0).sum(axis=0) for b in range(blocks)])
    norms = others.sum(axis=tuple(range(1, others.ndim)), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite where nobody has been
        F = -kT * np.log(others / norms)
        squares: FloatArray = ((F - F.mean(axis=0)) ** 2).sum(axis=0)
    return np.sqrt((blocks - 1) / blocks * squares)
