"""A run of the example, driven by a real i-PI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.harness.inputs import Change, example_config, example_input
from tests.harness.ipi import Process, Site


@dataclass(kw_only=True)
class ExampleRun(Site):
    """A site with the inputs of the example, whose models are in another directory."""

    models: Path

    @classmethod
    def at(cls, site: Site, models: Path) -> ExampleRun:
        """The same place; what is started there ends with the site."""
        return cls(site.directory, site.address, site.port, site.started, models=models)

    def prepare(self, steps: int, *changes: Change) -> ExampleRun:
        """Write the inputs, with changes to i-PI's."""
        self.write("input.xml", example_input(self.address, steps, *changes))
        self.write("lj38.toml", example_config(self.models))
        return self

    def without_check(self) -> ExampleRun:
        """Take i-PI's input out of the configuration, so that only the protocol tells."""
        self.write("lj38.toml", example_config(self.models, ('input = "input.xml"', "")))
        return self

    def both(self) -> tuple[Process, Process]:
        """Start i-PI and the driver."""
        return self.ipi(), self.driver()
