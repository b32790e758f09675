"""How far a run is, on one line."""

from __future__ import annotations

import logging
import math
import sys
import time
from typing import Any

from tqdm import tqdm

from ipi_mtd.config import Config
from ipi_mtd.ipi_input import Interpretation

log = logging.getLogger(__name__)

SAY_EVERY = 60.0
"""Seconds between two lines where there is no terminal to draw a bar on."""


class ProgressBar:
    """One line on how far the run is: a bar on a terminal, a message now and then elsewhere."""

    def __init__(self, ipi: Interpretation, config: Config, quiet: bool) -> None:
        self._timestep = config.system.timestep
        self._energy_unit = config.units.energy
        self._on_terminal = sys.stderr.isatty()
        bar = "{percentage:3.0f}%|{bar}|" if self._on_terminal else "step"
        self._bar = tqdm(
            total=ipi.total_steps,
            unit="step",
            disable=quiet,
            bar_format=bar + " {n_fmt}/{total_fmt} [{remaining}{postfix}]",
            delay=0 if self._on_terminal else math.inf,  # never drawn
        )
        self._said = time.monotonic()
        self._began: tuple[float, int] | None = None

    def show(self, message: dict[str, Any] | None) -> None:
        """Draw what the driver said."""
        if message is None:
            return
        now, step = time.monotonic(), message["step"]
        if self._began is None:
            self._began = now, step
            self._bar.initial = step
            self._bar.unpause()  # loading is not what the time left is reckoned from
        elapsed, steps = now - self._began[0], step - self._began[1]
        parts = [f"{name} {value:.4g}" for name, value in message["cvs"].items()]
        parts.append(f"bias {message['bias']:.3g} {self._energy_unit}")
        parts.append(f"{message['hills']} hills")
        if steps > 0:
            ns_per_day = self._timestep * 1e-3 * steps / elapsed * 86400
            parts.insert(0, f"{1e3 * elapsed / steps:.2f} ms/step, {ns_per_day:.3g} ns/day")
        self._bar.set_postfix_str(", ".join(parts), refresh=False)
        self._bar.n = step
        if self._on_terminal:
            self._bar.refresh()
        elif not self._bar.disable and now - self._said >= SAY_EVERY:
            self._said = now
            log.info("%s", str(self._bar))

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
