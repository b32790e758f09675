"""The error bar of a free energy that is a sum of hills.

Metadynamics corrects itself: where s was visited too often by chance, the bias became too high, and
s is visited less from then on. With S(s,t) the sum of the HILLS rows until time t, which grows as
-F(s) plus a uniform part, the clock of this correction is [1]_ ::

    u(t) = ln Z(t),  Z(t) = sum_s exp(S(s,t)/kT)

A fluctuation of time t is left at the end T by a factor of Z(t)/Z(T): it is forgotten after one
unit of u. Hence F_t(s) - F_t(min), which is what a table made at time t would have printed,
fluctuates about its mean like an Ornstein-Uhlenbeck process with the correlation time one. Its
variance is in proportion to the rate du/dn at which hills are added, as has long been known of the
height of the hills [2]_. This is the error: how far apart the tables of independent runs are.

The reference is taken both ways, as the place where the minimum is now and as the minimum wherever
it was, and the larger error counts: the former says how well the difference is known, the latter
whether this is the lowest minimum.

So the blocks of a run need not be guessed long: how long they are is known. A window of L units of
u shows on average the part ::

    g(L) = 1 - 2/L + 2 (1 - exp(-L))/L^2

of the variance, the rest being in the mean of the window. A well-tempered run adds ln t^gamma to u,
so its window of the last three quarters has L = gamma ln 4 and holds about as many independent
values. With a small bias factor these are few, however long the run, and Student's t for two
standard errors [3]_ says by how much the error has to be larger: in double wells with gamma 1.5 and
2, two error bars held 0.65 to 0.84 of the points below 8 kT without it, and 0.85 to 0.93 with it
(80 runs each of 200, 1000 and 4000 hills).

What no run can show about itself is not in the error: the sum of hills twice as wide as the
system's own spread in a well is smoother than F, and stays so (in such a double well, two error
bars held 0.94 of the points after 200 hills, 0.52 after 4000).

References
----------
.. [1] P. Tiwary, M. Parrinello, J. Phys. Chem. B 119, 736 (2015). https://doi.org/10.1021/jp504920s
.. [2] A. Laio et al., J. Phys. Chem. B 109, 6714 (2005). https://doi.org/10.1021/jp045424k
.. [3] Student, Biometrika 6, 1 (1908). https://doi.org/10.1093/biomet/6.1.1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from ipi_mtd.arrays import FloatArray

BEGINNING = 0.25
"""This part of the hills is left out: the bias was still growing fast."""

END = 0.125
"""The rate at the end of the run is that of this part of the hills."""

DEVIATION = 1.2
"""The deviation from the exact free energy is larger than the fluctuations, by the finite width of
the hills and the slow filling of the rim. This factor was found with 20 potentials: double wells of
4 to 8 kT, even and uneven, three wells, a torsion, a single well, a hidden slow coordinate, and two
with two CVs; gamma from 3 to 40 and untempered; overdamped and underdamped; with some 200, 1000 and
4000 hills, 60 independent runs of each (24 with two CVs). With it one error bar held 0.55 to 0.84
of the points with F below 8 kT (median 0.74), and two 0.85 to 0.99 (0.96); it was 1.25 times the
spread of F over the runs in the median with one CV, and at most 2.1, where runs had just begun to
cross; with two CVs, untempered and still filling, it can be 3.5 times."""


def error_of_the_sum(
    sums: Iterable[FloatArray],
    kT: float,
    minus_F: Callable[[FloatArray], FloatArray],
    blocks: int,
    lowest: tuple[int, ...],
    bias_factor: float,
) -> FloatArray:
    """The standard error of F(s) - F(min).

    Parameters
    ----------
    sums : arrays of one shape, energy
        S(s) after each of `blocks` blocks of as many hills.
    kT : float, energy
    minus_F : function
        Makes of S(s) minus the free energy that is asked for, a projection for instance.
    blocks : int
    lowest : index of the point where F is lowest at the end
    bias_factor : float
        Gamma, or -1 in an untempered run.

    Returns
    -------
    array of the shape of the free energy, energy
    """
    first, rate_from = round(BEGINNING * blocks), round((1.0 - END) * blocks)
    u = np.zeros(blocks + 1)
    to_the_place, to_the_minimum = _Window(), _Window()
    for k, S in enumerate(sums, start=1):
        u[k] = _ln_Z(S, kT)
        if k > first:
            x = minus_F(S)
            to_the_place.add(x - x[lowest])
            to_the_minimum.add(x - x.max())
    length = max(float(u[-1] - u[first]), 1e-6)
    mean_rate = length / (blocks - first)
    end_rate = float(u[-1] - u[rate_from]) / (blocks - rate_from)
    larger = np.maximum(to_the_place.variance(), to_the_minimum.variance())
    variance = larger * (end_rate / mean_rate) / _shown(length)
    return max(DEVIATION, _student(bias_factor)) * np.sqrt(variance)


def _student(bias_factor: float) -> float:
    """What makes of two standard errors from few values those that hold as often as from many."""
    from scipy.special import ndtr, stdtrit  # here, because who asks for no error need not wait

    if bias_factor < 1.0:
        return 1.0  # untempered, u grows as t and not as its logarithm
    return float(stdtrit(bias_factor * math.log(1.0 / BEGINNING), ndtr(2.0))) / 2.0


class _Window:
    """Mean and variance of what is added, without keeping it."""

    def __init__(self) -> None:
        self._n = 0
        self._mean = np.zeros(1)
        self._squares = np.zeros(1)

    def add(self, x: FloatArray) -> None:
        self._n += 1
        away = x - self._mean
        self._mean = self._mean + away / self._n
        self._squares = self._squares + away * (x - self._mean)

    def variance(self) -> FloatArray:
        return self._squares / self._n


def _shown(length: float) -> float:
    """The part of the variance that a window shows: g(L)."""
    if length < 1e-2:
        return length / 3.0
    return 1.0 - 2.0 / length + 2.0 * (1.0 - math.exp(-length)) / length**2


def _ln_Z(S: FloatArray, kT: float) -> float:
    highest = float(S.max())  # apart, so that no exponential overflows
    return highest / kT + math.log(float(np.exp((S - highest) / kT).sum()))
