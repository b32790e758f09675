"""Metadynamics for i-PI with collective variables written in PyTorch.

One way through, units changed only at the borders (socket, models, files)::

    i-PI --POSDATA--> wire --Structure--> potential ------ Evaluation -----(+)
                                 |                                          |
                                 +--> CVs --s--> bias  V(s)                 |
                                       ^          | dV/ds                   |
                                       +----------+                         |
                                       F = -(dV/ds)(ds/dR) -- Evaluation --(+)
    i-PI <-FORCEREADY- wire <---------------- total ------------------------+

Hartree and bohr inside; a bias works in the energy unit of its HILLS file, so that what is read
back is what was written, to the last bit.

To use it without i-PI, for instance to look at a bias::

    from pathlib import Path
    from ipi_mtd import Run, read_config

    path = Path("inputs/lj38.toml")
    run = Run(read_config(path), path)
    (evaluation,) = run.system.evaluate([run.structure])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipi_mtd.assembly.run import Run
    from ipi_mtd.biased_system import BiasedEvaluation, BiasedSystem
    from ipi_mtd.config import Config, read_config, read_input
    from ipi_mtd.errors import UserError
    from ipi_mtd.structures.structure import Evaluation, Structure

__all__ = [
    "BiasedEvaluation",
    "BiasedSystem",
    "Config",
    "Evaluation",
    "Run",
    "Structure",
    "UserError",
    "read_config",
    "read_input",
]

_HOMES = {
    "BiasedEvaluation": "biased_system",
    "BiasedSystem": "biased_system",
    "Config": "config",
    "Evaluation": "structures.structure",
    "Run": "assembly.run",
    "Structure": "structures.structure",
    "UserError": "errors",
    "read_config": "config",
    "read_input": "config",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and torch only then."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
