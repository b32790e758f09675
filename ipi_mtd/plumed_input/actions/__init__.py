"""The supported actions, each with its keywords and its translation in a file of its own."""

from ipi_mtd.plumed_input.actions.between import BETWEEN
from ipi_mtd.plumed_input.actions.flush import FLUSH
from ipi_mtd.plumed_input.actions.metad import METAD
from ipi_mtd.plumed_input.actions.metatomic import METATOMIC
from ipi_mtd.plumed_input.actions.print import PRINT
from ipi_mtd.plumed_input.actions.reductions import REDUCTIONS
from ipi_mtd.plumed_input.actions.restart import RESTART
from ipi_mtd.plumed_input.actions.select_components import SELECT_COMPONENTS
from ipi_mtd.plumed_input.actions.units import UNITS
from ipi_mtd.plumed_input.actions.walls import WALLS

_SUPPORTED = (
    UNITS,
    RESTART,
    METATOMIC,
    SELECT_COMPONENTS,
    *REDUCTIONS,
    BETWEEN,
    METAD,
    *WALLS,
    PRINT,
    FLUSH,
)

GRAMMAR = {definition.name: definition for definition in _SUPPORTED}
"""The supported actions by their names; any other is an error."""
