"""Metadynamics of Brownian particles in one coordinate, many at once, as their HILLS."""

import numpy as np

from ipi_mtd.files.hills import Hills


def hills_of(centers, sigma, heights, gamma=6.0, period=None):
    """A run of one or two CVs, (n, d) centers, with hills of one width."""
    centers = np.asarray(centers, dtype=float)
    n, d = centers.shape
    return Hills(
        names=tuple("ab"[:d]),
        periods=(period,) * d,
        times=np.arange(n, dtype=float),
        centers=centers,
        sigmas=np.full((n, d), sigma),
        heights=np.broadcast_to(np.asarray(heights, dtype=float), (n,)),
        bias_factors=np.full(n, gamma),
        identity={},
        end=0,
    )


def metadynamics(
    slope, start, n_hills, *, n_runs, pace, height, sigma, gamma, period=None, seed=11
):
    """Independent runs with kT = 1 and D = 1.

    Parameters
    ----------
    slope : dF/ds, a function
    start : float
    gamma : float
        The bias factor; -1 for hills of one height.
    period : (lower, upper), optional
        Otherwise the particles stay between -2.2 and 2.2.
    """
    rng = np.random.default_rng(seed)
    dt, spacing = 0.002, 0.01
    lower, upper = period or (-2.2, 2.2)
    length = upper - lower
    grid = lower + spacing * np.arange(round(length / spacing))
    V, dV = np.zeros((2, n_runs, len(grid)))
    s, runs = np.full(n_runs, float(start)), np.arange(n_runs)
    wrap = (lambda s: lower + (s - lower) % length) if period else (lambda s: s.clip(-2.1, 2.1))
    centers, heights = [], []
    for _ in range(n_hills):
        for _ in range(pace):
            at = ((s - lower) / spacing).astype(int) % len(grid)
            drift = -slope(s) - dV[runs, at]
            s = wrap(s + dt * drift + np.sqrt(2.0 * dt) * rng.normal(size=n_runs))
        at = ((s - lower) / spacing).astype(int) % len(grid)
        h = np.full(n_runs, height) if gamma < 0 else height * np.exp(-V[runs, at] / (gamma - 1.0))
        away = grid - s[:, None]
        if period:
            away -= length * np.round(away / length)
        hill = h[:, None] * np.exp(-0.5 * (away / sigma) ** 2)
        V += hill
        dV -= hill * away / sigma**2
        centers.append(s)
        heights.append(h if gamma < 0 else h * gamma / (gamma - 1.0))
    return [
        hills_of(c[:, None], sigma, h, gamma, period)
        for c, h in zip(np.stack(centers, axis=1), np.stack(heights, axis=1), strict=True)
    ]


def beginning(hills, n):
    """The first hills of a run."""
    return hills_of(
        hills.centers[:n],
        hills.sigmas[0, 0],
        hills.heights[:n],
        hills.bias_factors[0],
        hills.periods[0],
    )
