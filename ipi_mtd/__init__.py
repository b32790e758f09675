"""Metadynamics for i-PI with collective variables written in PyTorch.

One way through, units changed only at the borders (socket, models, files)::

    i-PI --POSDATA--> conversation --> walker --Structure--> potential --- Evaluation -----(+)
                                                   |                                        |
                                                   +--> CVs --s--> biases  V(s)             |
                                                         ^            | dV/ds               |
                                                         +------------+                     |
                                                         F = -(dV/ds)(ds/dR), Evaluation --(+)
    i-PI <-FORCEREADY- conversation <-- walker <--------------- total ----------------------+
                                          |
                                          +--> journal before the answer; HILLS and COLVAR after it

A walker is one trajectory, with its clock and its record; the biased system (potential, CVs,
biases) has neither, and evaluates any number of structures as one batch.

Hartree and bohr inside; a bias works in the energy unit of its HILLS file, so that what is read
back is what was written, to the last bit.

In Python, without i-PI::

    import ipi_mtd

    opened = ipi_mtd.open_configuration("inputs/lj38.toml", learned="run")
    opened.evaluate(atoms).cvs                       # of any ase.Atoms; bias and forces as well
    V = ipi_mtd.HillsBias("run/HILLS")               # V(s1, s2), in the unit of the file
    atoms.calc = ipi_mtd.BiasedCalculator("inputs/lj38.toml", learned="run")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipi_mtd.assembly.run import Run
    from ipi_mtd.biased_system import BiasedEvaluation, BiasedSystem
    from ipi_mtd.config import Config, read_config, read_input
    from ipi_mtd.errors import UserError
    from ipi_mtd.in_process.ase_calculator import BiasedCalculator
    from ipi_mtd.in_process.hills_bias import HillsBias
    from ipi_mtd.in_process.opened import open_configuration
    from ipi_mtd.structures.structure import Evaluation, Structure

_HOMES = {
    "BiasedCalculator": "in_process.ase_calculator",
    "BiasedEvaluation": "biased_system",
    "BiasedSystem": "biased_system",
    "Config": "config",
    "Evaluation": "structures.structure",
    "HillsBias": "in_process.hills_bias",
    "Run": "assembly.run",
    "Structure": "structures.structure",
    "UserError": "errors",
    "open_configuration": "in_process.opened",
    "read_config": "config",
    "read_input": "config",
}

__all__ = [
    "BiasedCalculator",
    "BiasedEvaluation",
    "BiasedSystem",
    "Config",
    "Evaluation",
    "HillsBias",
    "Run",
    "Structure",
    "UserError",
    "open_configuration",
    "read_config",
    "read_input",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and torch only then."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
