"""Metadynamics, plain and well-tempered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias.bias import NOTHING, Bias, BiasColumn, DepositFile, Learned, Seen
from ipi_mtd.bias.grid import Grid
from ipi_mtd.bias.hill_in_bias import HillInBias
from ipi_mtd.bias.hill_sum import HillSum
from ipi_mtd.bias.kernel import KERNELS
from ipi_mtd.bias.reweighting import Box, reweighting_columns
from ipi_mtd.files.hills import Hill


class Metad(Bias):
    """The metadynamics bias: which hill comes next, and what the hills so far add up to.

    Nothing but `learn` and `forget` changes the bias. Hills enter it as rows of HILLS, the same way
    during a run and when the run is continued, so that a bias read back is the bias that was, bit
    by bit, if the rows were written with all their digits.

    Parameters
    ----------
    sigma : d floats, units of the CVs
        The widths of new hills.
    height : float, energy
        The height of a hill where there is no bias yet.
    pace : int
        A hill is due every `pace` steps.
    surface : Grid or HillSum
        What the hills are summed on; it must be empty.
    bias_factor : float, optional
        The gamma of well-tempered metadynamics; None for hills of constant height. With 1 the
        system is not biased, and the hills, tempered by kT, add up to minus the free energy.
    kT : float, optional, energy
        Needed with a bias factor and for c(t).
    box : lower bounds, upper bounds and numbers of bins of the CVs, optional
        Where c(t) is taken for its columns ``rct`` and ``rbias``.
    file : HILLS, None if it has none

    Raises
    ------
    ValueError
        Which names the setting that is not finite, has the wrong sign or is missing.

    References
    ----------
    A. Laio and M. Parrinello, PNAS 99, 12562 (2002), doi:10.1073/pnas.202427399.
    A. Barducci, G. Bussi and M. Parrinello, Phys. Rev. Lett. 100, 020603 (2008),
    doi:10.1103/PhysRevLett.100.020603.
    """

    def __init__(
        self,
        *,
        sigma: Sequence[float],
        height: float,
        pace: int,
        surface: Grid | HillSum,
        bias_factor: float | None = None,
        kT: float | None = None,
        box: Box | None = None,
        file: DepositFile | None = None,
    ) -> None:
        if len(sigma) != len(surface.lengths):
            raise ValueError(
                f"sigma needs one width for each of the {len(surface.lengths)} CVs, "
                f"got {len(sigma)}"
            )
        if not all(0.0 < width < math.inf for width in sigma):
            raise ValueError(f"sigma must be positive, got {tuple(sigma)}")
        if not 0.0 <= height < math.inf:
            raise ValueError(f"height must not be negative, got {height}")
        if pace < 1:
            raise ValueError(f"pace must be at least 1 step, got {pace}")
        if kT is not None and not 0.0 < kT < math.inf:
            raise ValueError(f"kT must be positive, got {kT}")
        if bias_factor is not None and not 1.0 <= bias_factor < math.inf:
            raise ValueError(f"bias_factor must be at least 1, got {bias_factor}")
        if bias_factor is not None and kT is None:
            raise ValueError("a bias_factor needs kT, the temperature of the run")
        self.sigma = tuple(map(float, sigma))
        self.height = height
        self.pace = pace
        self.bias_factor = bias_factor
        self.kT = kT
        self.n_deposits = 0
        self.n_changes = 0
        self.surface = surface
        self.box = box
        self.file = file

    def evaluate(
        self,
        s: Sequence[float] | FloatArray,
        step: int = 0,  # noqa: ARG002
        own: FloatArray = NOTHING,  # noqa: ARG002
    ) -> tuple[float, FloatArray]:
        """The bias on the system.

        Parameters
        ----------
        s : d floats, units of the CVs
        step, own : are of no influence

        Returns
        -------
        V : float, energy
        dV_ds : (d,) array, energy per unit of the CVs
        """
        if self.bias_factor == 1.0:
            return 0.0, np.zeros(len(self.sigma))
        return self.surface.evaluate(s)

    def is_due(self, step: int) -> bool:
        """Whether a hill is added at this step. At the first one, step 0, there is none."""
        return step > 0 and step % self.pace == 0

    def propose(self, seen: Seen) -> Learned:
        """The hill of a step, if one is due."""
        if not self.is_due(seen.step):
            return Learned(seen.own)
        # with a bias factor of 1 what the system feels is not the sum of the hills
        V = self.surface.evaluate(seen.s)[0] if self.bias_factor == 1.0 else seen.V
        return Learned(seen.own, self._hill(seen.s.tolist(), V))

    def hill_at(self, s: Sequence[float] | FloatArray) -> Hill:
        """The hill to add at s, as a row of HILLS; the bias is left as it is.

        Its height in the bias is ``height exp(-V(s) / (kT (gamma - 1)))`` (with kT alone for
        ``gamma = 1``), its HILLS column gamma/(gamma-1) times that.
        """
        return self._hill(np.asarray(s, dtype=float).tolist(), self.surface.evaluate(s)[0])

    def learn(self, deposits: Iterable[Hill]) -> None:
        """Add rows of HILLS, new or read back.

        Raises
        ------
        ValueError
            If a hill has not one coordinate for each CV.
        """
        hills = [self._in_the_bias(hill) for hill in deposits]
        self.surface.add_all(hills)
        self.n_deposits += len(hills)
        self.n_changes += 1

    def forget(self, deposits: Iterable[Hill]) -> None:
        """Take rows of HILLS back.

        Raises
        ------
        ValueError
            If a hill has not one coordinate for each CV.
        """
        for hill in deposits:
            self.surface.remove(*self._in_the_bias(hill))
            self.n_deposits -= 1
        self.n_changes += 1

    def columns(self) -> Mapping[str, BiasColumn]:
        """``bias``; with a box also ``rct`` and ``rbias``, as of PLUMED's CALC_RCT."""
        if self.box is None:
            return super().columns()
        box = self.box
        columns = reweighting_columns(lambda hill: self.c_of_t(*box, hill), lambda: self.n_changes)
        return {**super().columns(), **columns}

    def c_of_t(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        bins: Sequence[int],
        hill: Hill | None = None,
    ) -> float:
        """The reweighting factor c(t), PLUMED's ``rct``; V - c(t) is its ``rbias``.

        The integrals of ::

            c(t) = kT log [ int exp(gamma V/((gamma-1) kT)) / int exp(V/((gamma-1) kT)) ]

        are sums over the nodes of a box. Without tempering gamma is infinite.

        Parameters
        ----------
        lower, upper : d floats, units of the CVs
            The bounds of the box, which must be nodes of the grid.
        bins : d integers
        hill : Hill, optional
            One more hill, as if it had been added.

        Returns
        -------
        c : float, energy

        Raises
        ------
        ValueError
            If kT is not known.

        References
        ----------
        P. Tiwary and M. Parrinello, J. Phys. Chem. B 119, 736 (2015), doi:10.1021/jp504920s.
        """
        if self.kT is None:
            raise ValueError("c(t) needs kT, the temperature of the run")
        if self.bias_factor == 1.0:
            return 0.0
        V = self.surface.on(lower, upper, bins)
        if hill is not None:
            alone = self.surface.empty()
            alone.add(*self._in_the_bias(hill))
            V = V + alone.on(lower, upper, bins)
        highest = V.max()  # taken out, so that no exponential overflows
        per_V = 0.0 if self.bias_factor is None else 1.0 / (self.bias_factor - 1.0) / self.kT
        with_F = np.exp((per_V + 1.0 / self.kT) * (V - highest)).sum()
        with_F_and_V = np.exp(per_V * (V - highest)).sum()
        return float(self.kT * math.log(with_F / with_F_and_V) + highest)

    def _hill(self, center: Sequence[float], V: float) -> Hill:
        height = self.height
        if self.bias_factor is not None and self.kT is not None:
            kT = self.kT * (self.bias_factor - 1.0 if self.bias_factor > 1.0 else 1.0)
            height *= math.exp(-V / kT)
        return Hill(tuple(center), self.sigma, height * column_factor(self.bias_factor))

    def _in_the_bias(self, hill: Hill) -> HillInBias:
        """Center, widths, height and kernel of what a row of HILLS adds to the bias."""
        if len(hill.center) != len(self.sigma):
            raise ValueError(
                f"the bias is on {len(self.sigma)} CVs, the hill on {len(hill.center)}"
            )
        height = hill.height / column_factor(self.bias_factor)
        return hill.center, hill.sigma, height, KERNELS[hill.kernel]


def column_factor(bias_factor: float | None) -> float:
    """The HILLS column of a height over the height in the bias.

    Parameters
    ----------
    bias_factor : of the hill; None in an untempered run
    """
    if bias_factor is None or bias_factor == 1.0:
        return 1.0
    return bias_factor / (bias_factor - 1.0)
