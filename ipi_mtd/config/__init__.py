"""The configuration of a run, from TOML or from PLUMED's input.

::

    file --> reading --> Config (schema, sections) --> overrides --> assembly
"""

from ipi_mtd.config.overrides import Overrides
from ipi_mtd.config.reading import (
    is_plumed_input,
    read_config,
    read_description,
    read_input,
    validate,
)
from ipi_mtd.config.schema import Config, RunConfig

__all__ = [
    "Config",
    "Overrides",
    "RunConfig",
    "is_plumed_input",
    "read_config",
    "read_description",
    "read_input",
    "validate",
]
