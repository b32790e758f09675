"""PLUMED's input as a configuration: what METATOMIC and METAD users already have runs as it is.

::

    plumed.dat --parse--> actions --check--> known words only --translate--> the content of a TOML

The content is then checked and used like that of any other configuration. Nothing is silently
left out: an action or a keyword that is not in `GRAMMAR` is an error.

What differs from PLUMED: atoms that are in no SPECIES are unknown to the model, where PLUMED wants
all of them; paths are relative to the input file; the grid has no bounds, so that a CV outside of
it is no error; what an action does to the files of an earlier run (RESTART) is said once for all
actions.
"""

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.actions import GRAMMAR
from ipi_mtd.plumed_input.parser import parse
from ipi_mtd.plumed_input.translation import SETTINGS, Translation, translate

__all__ = ["GRAMMAR", "SETTINGS", "Action", "Translation", "parse", "translate"]
