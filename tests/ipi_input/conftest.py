"""An i-PI input whose words can be replaced, read as i-PI reads it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from square_input import INPUT, SQUARE

from ipi_mtd.server.ipi_input import Interpretation, read_ipi_input
from ipi_mtd.server.ipi_input.answering import read as ask


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes INPUT with some of its words replaced, beside its structure."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = INPUT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "square.xyz").write_text(SQUARE)
        path = tmp_path / "input.xml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def read(write: Callable[..., Path]) -> Callable[..., Interpretation]:
    """What i-PI makes of it, asked in this process: without the second that a new one takes."""

    def read(*replacements: tuple[str, str]) -> Interpretation:
        path = write(*replacements)
        content = io.BytesIO()
        read_ipi_input(path).with_absolute_paths(path.parent).write(content)
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # i-PI leaves files open
            return ask(path, content.getvalue())

    return read
