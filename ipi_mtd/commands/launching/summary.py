"""What a run has brought, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ipi_mtd.config import RunConfig
from ipi_mtd.record.recognition import plural
from ipi_mtd.server.ipi_input import Interpretation


def what_came_out(
    first: dict[str, Any],
    last: dict[str, Any],
    config: RunConfig,
    output: Path,
    ipi: Interpretation,
) -> Iterator[str]:
    """Lines on the steps, the hills, the time and the files.

    Parameters
    ----------
    first, last : messages of the driver, see :class:`ipi_mtd.commands.progress.Progress`
    config : the configuration
    output : the run directory
    ipi : what i-PI makes of its input
    """
    steps, seconds = last["step"] - first["first"], last["now"] - first["began"]
    pace = ""
    if steps > 0 and seconds > 0:
        ns_per_day = config.system.timestep * 1e-3 * steps / seconds * 86400
        pace = f" ({1e3 * seconds / steps:.2f} ms/step, {ns_per_day:.3g} ns/day)"
    yield (
        f"steps {first['first']} to {last['step']} in {_duration(seconds)}{pace}, "
        f"{plural(last['hills'], 'hill')}"
    )
    ours = [*config.files_of_biases(), *(table.file for table in config.colvar)]
    theirs = [
        path.name
        for path in sorted(output.glob(f"{ipi.prefix}.*"))
        if path.stat().st_mtime >= first["began"] - 10.0  # i-PI makes them at its start
    ]
    written = [name for name in ours if (output / name).exists()] + theirs
    yield f"in {output}: {', '.join(written)}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02} h" if hours else f"{minutes}:{seconds:02} min"
