"""Which pages there are, and what makes each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.command_line import command_line
from docs.configuration import configuration

HERE = Path(__file__).parent

PAGES: Mapping[Path, Callable[[], str]] = {
    HERE / "command-line.md": command_line,
    HERE / "configuration.md": configuration,
}
