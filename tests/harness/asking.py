"""i-PI asked in the process of the tests, without the second that a new process takes.

What a new process has to do with it is tested in ``tests/ipi_input/test_interpretation.py``.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def run_here(command: Sequence[str], *, cwd: Path, input: bytes, **_: Any) -> SimpleNamespace:
    """What ``python -c`` would do with these bytes in that directory."""
    _, option, code = command
    assert option == "-c"
    said, complained = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # i-PI leaves files open
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input)))
        patch.setattr(sys, "path", list(sys.path))
        exec(code, {})
    return SimpleNamespace(stdout=said.buffer.getvalue(), stderr=complained.getvalue().encode())


def ask_here(patch: pytest.MonkeyPatch) -> None:
    """Let ``interpret`` ask in this process, as long as the patch lasts."""
    patch.setattr("ipi_mtd.server.ipi_input.asking.subprocess", SimpleNamespace(run=run_here))
