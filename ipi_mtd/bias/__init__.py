"""Biases: numbers in, numbers out.

A bias turns the collective variables s into an energy V and its derivative dV/ds, in its own
energy unit and the units of the CVs. It knows neither atoms nor the clock; a step is told to it,
and what is each walker's own is handed to it::

    s, step, own --> evaluate --> V, dV/ds         as often as one likes
    Seen         --> propose  --> own, deposit     what a step will teach; changes nothing
    deposits     --> learn, forget                 in any order; from all walkers, or from a file

`Metad` decides on the hills, and a `Grid` or a `HillSum` adds them up. `Walls` do not learn. A new
bias is a class derived from `Bias` with a function that makes it from its settings.
"""

from ipi_mtd.bias.bias import Bias, Learned, Seen
from ipi_mtd.bias.grid import Grid
from ipi_mtd.bias.hill_sum import HillSum
from ipi_mtd.bias.metad import Metad
from ipi_mtd.bias.walls import Walls

__all__ = ["Bias", "Grid", "HillSum", "Learned", "Metad", "Seen", "Walls"]
