"""PLUMED's input as a configuration: what METATOMIC and METAD users already have runs as it is.

::

    plumed.dat --parser--> Action --Definition.check--> an Action of known words only
                  --Definition.read, which asks each Keyword--> Given, the values of its words
                  --Definition.translate--> Draft
    Draft of all actions --translate--> Translation, whose content is that of a TOML file

The content is then checked and used like that of any other configuration. Nothing is silently
left out: an action or a keyword that is not in `GRAMMAR` is an error.

To add an action, write `actions/NAME.py` with its `Definition`: the keywords, with what makes their
values, and a function that adds to the draft what the action says. Then import it and list it in
`actions/__init__.py`. A bias takes its CVs by ``"ARG": required(Draft.bias_on, "cvs")``; it says by

- `table` of the definition and `draft.add` what its section of the configuration is, the keywords
  that are a key of it just as they are by their `to`,
- `draft.files.take` that it writes a file, and whether it goes on with it,
- `draft.needs_temperature` that a keyword needs the temperature of the run,
- `draft.components` what PRINT can print.

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
