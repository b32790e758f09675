"""Biases: numbers in, numbers out.

A bias turns the collective variables s into an energy V and its derivative dV/ds, in its own
energy unit and the units of the CVs. It knows neither atoms nor files nor the clock::

    s --> Metad.evaluate --> V, dV/ds        as often as one likes
    s --> Metad.hill_at --> Hill --> Metad.add    when a hill is due; or from HILLS, on restart

`Metad` decides on the hills, and a `Grid` or a `HillSum` adds them up. `Walls` have no history.
"""

from ipi_mtd.bias.grid import Grid
from ipi_mtd.bias.hill_sum import HillSum
from ipi_mtd.bias.metad import Metad
from ipi_mtd.bias.walls import Walls
from ipi_mtd.files.hills import Hill
from ipi_mtd.periods import Period

__all__ = ["Grid", "Hill", "HillSum", "Metad", "Period", "Walls"]
