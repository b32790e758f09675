"""What i-PI's input says, by i-PI's own reading of it, and whether the driver can serve that.

``document`` is the XML, ``paths`` the files that it names, ``interpretation`` what i-PI makes of it
(``ask_ipi`` is the process that asks), ``serving`` what one driver can serve of it, and
``agreement`` what it has to say as the driver's configuration does.
"""

from ipi_mtd.server.ipi_input.asking import interpret
from ipi_mtd.server.ipi_input.document import IPIInput, read_ipi_input
from ipi_mtd.server.ipi_input.interpretation import Interpretation

__all__ = ["IPIInput", "Interpretation", "interpret", "read_ipi_input"]
