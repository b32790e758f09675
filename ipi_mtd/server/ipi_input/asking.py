"""Asking i-PI what its input means.

i-PI itself is asked, so that nothing of this is known twice. It is asked in a process of its own,
because reading an input leaves traces in a process: a level of verbosity, handlers of signals,
lines on the terminal.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree

from ipi_mtd.errors import UserError
from ipi_mtd.server.ipi_input.document import read_ipi_input
from ipi_mtd.server.ipi_input.interpretation import Interpretation


def interpret(path: Path, start: Path) -> Interpretation:
    """Ask i-PI what it makes of an input, a RESTART or another checkpoint. It takes about a second.

    Parameters
    ----------
    path : the file
    start : the directory that a user would start i-PI in

    Raises
    ------
    UserError
        If i-PI refuses the file, with i-PI's words.
    """
    content = read_ipi_input(path).with_absolute_paths(start)
    asking = (
        f"import sys; sys.path = {sys.path!r}; "
        f"from ipi_mtd.server.ipi_input.answering import answer; answer({str(path)!r})"
    )
    process = subprocess.run(
        [sys.executable, "-c", asking],
        cwd=start,
        input=_bytes(content),
        capture_output=True,
        check=False,
    )
    if not process.stdout:
        raise UserError(f"{path}: i-PI cannot be asked: {_last_line(process.stderr)}")
    found = pickle.loads(process.stdout)
    if isinstance(found, Interpretation):
        return found
    raise UserError(f"{path}: {found}")


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"


def _bytes(content: ElementTree[Element[str]]) -> bytes:
    stream = io.BytesIO()
    content.write(stream)
    return stream.getvalue()
