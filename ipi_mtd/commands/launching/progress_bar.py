"""How far a run is, on one line."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm import tqdm

from ipi_mtd.config import RunConfig
from ipi_mtd.server.ipi_input import Interpretation

log = logging.getLogger(__name__)

SAY_EVERY = 60.0
"""Seconds between two lines where there is no terminal to draw a bar on."""


class ProgressBar:
    """One line on how far the run is: a bar on a terminal, a message now and then elsewhere.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    config : the configuration
    quiet : whether to show nothing

    Attributes
    ----------
    first, last : the first and the last message; None before the first step
    """

    def __init__(self, ipi: Interpretation, config: RunConfig, quiet: bool) -> None:
        self._timestep = config.system.timestep
        self._energy_unit = config.units.energy
        self._total = ipi.total_steps
        self._quiet = quiet
        self._bar = self._draw() if sys.stderr.isatty() and not quiet else None
        self._said = time.monotonic()
        self._began: tuple[float, int] | None = None
        self.first: dict[str, Any] | None = None
        self.last: dict[str, Any] | None = None

    def note(self, message: dict[str, Any]) -> None:
        """Remember what the driver said, without showing it."""
        self.first = self.first or message
        self.last = message

    def show(self, message: dict[str, Any]) -> None:
        """Show what the driver said."""
        self.note(message)
        now, step = time.monotonic(), message["step"]
        if self._began is None:
            self._began = now, step
            if self._bar is not None:
                self._bar.initial = step
                self._bar.unpause()  # loading is not what the time left is reckoned from
        elapsed, steps = now - self._began[0], step - self._began[1]
        parts = [f"{name} {value:.4g}" for name, value in message["cvs"].items()]
        parts.append(f"bias {message['bias']:.3g} {self._energy_unit}")
        parts.append(f"{message['hills']} hills")
        if steps > 0:
            ns_per_day = self._timestep * 1e-3 * steps / elapsed * 86400
            parts.insert(0, f"{1e3 * elapsed / steps:.2f} ms/step, {ns_per_day:.3g} ns/day")
        if self._bar is not None:
            self._bar.set_postfix_str(", ".join(parts), refresh=False)
            self._bar.n = step
            self._bar.refresh()
        elif not self._quiet and now - self._said >= SAY_EVERY:
            self._said = now
            left = "?"
            if steps > 0:
                left = tqdm.format_interval(elapsed / steps * (self._total - step))
            log.info("step %d/%d [%s, %s]", step, self._total, left, ", ".join(parts))

    def close(self) -> None:
        """Leave the bar as it is, on a line of its own."""
        if self._bar is not None:
            self._bar.close()

    def _draw(self) -> tqdm[Any]:
        return tqdm(
            total=self._total,
            unit="step",
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining}{postfix}]",
        )
