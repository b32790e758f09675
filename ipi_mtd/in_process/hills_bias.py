"""The bias of a HILLS file as a function of s."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import HillSum
from ipi_mtd.bias.kernel import KERNELS
from ipi_mtd.bias.metad import column_factor
from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import Hills, read_hills


class HillsBias:
    """The sum of the hills of a file, ours or PLUMED's, with no grid in between.

    Parameters
    ----------
    path : of the HILLS file

    Attributes
    ----------
    names : of the CVs
    n_hills : how many there are

    Raises
    ------
    UserError
        If the file cannot be read, breaks the format or has no hills.
    """

    def __init__(self, path: str | Path) -> None:
        hills = read_hills(Path(path))
        if not len(hills):
            raise UserError(f"{path}: has no hills")
        self.names = hills.names
        self.n_hills = len(hills)
        self._sum = HillSum(hills.periods, hills.sigmas[0].tolist())
        self._sum.add_all(
            (hill.center, hill.sigma, hill.height / column_factor(gamma), KERNELS[hill.kernel])
            for hill, gamma in zip(hills, _bias_factors(hills), strict=True)
        )

    def __call__(self, *s: float) -> float:
        """V at s, in the energy unit of the file.

        Parameters
        ----------
        s : one number for each CV, in its unit
        """
        return self.evaluate(s)[0]

    def evaluate(self, s: Sequence[float]) -> tuple[float, FloatArray]:
        """V and dV/ds at s.

        Parameters
        ----------
        s : (d,) sequence, units of the CVs

        Returns
        -------
        V : float, energy unit of the file
        dV_ds : (d,) array, energy per unit of the CVs
        """
        return self._sum.evaluate(s)


def _bias_factors(hills: Hills) -> list[float | None]:
    """The bias factor of each hill; the file says -1 where there is none."""
    return [gamma if gamma > 0.0 else None for gamma in hills.bias_factors.tolist()]
