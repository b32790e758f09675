"""The sources of physical forces.

Each turns structures into energies, forces and virials::

    Structure --> potential.evaluate --> Evaluation

`LennardJones` is computed here, `NoPotential` is zero, `AsePotential` asks an ASE calculator and
`MetatomicPotential` a metatomic model. Anything else with an `evaluate` method is a `Potential`
as well.
"""

from ipi_mtd.potentials.ase_calculator import AsePotential
from ipi_mtd.potentials.lennard_jones import LennardJones
from ipi_mtd.potentials.metatomic_model import MetatomicPotential
from ipi_mtd.potentials.potential import Potential
from ipi_mtd.potentials.zero import NoPotential

__all__ = [
    "AsePotential",
    "LennardJones",
    "MetatomicPotential",
    "NoPotential",
    "Potential",
]
