"""The XML of an i-PI input."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ipi_mtd.errors import UserError
from ipi_mtd.server.ipi_input.paths import make_absolute


@dataclass(frozen=True, slots=True)
class IPIInput:
    """An i-PI input, a RESTART or another checkpoint.

    Parameters
    ----------
    path : of the file
    root : its ``<simulation>``
    """

    path: Path
    root: ElementTree.Element

    def with_absolute_paths(self, start: Path) -> ElementTree.ElementTree[ElementTree.Element]:
        """The content with files as i-PI finds them from any directory.

        Parameters
        ----------
        start : the directory that a user would have started i-PI in

        Raises
        ------
        UserError
            If a file is nowhere, or the path of a socket is too long.
        """
        root = copy.deepcopy(self.root)
        make_absolute(root, self.path, start)
        return ElementTree.ElementTree(root)


def read_ipi_input(path: Path) -> IPIInput:
    """Read an i-PI input.

    Raises
    ------
    UserError
        If the file is no XML, or no i-PI input.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if not text.strip():
        raise UserError(f"{path}: is empty: was i-PI killed while it wrote it?")
    try:
        root = ElementTree.parse(io.BytesIO(text)).getroot()
    except ElementTree.ParseError as error:
        raise UserError(f"{path}: is not XML, or not all of it: {error}") from error
    if root.tag != "simulation":
        raise UserError(f"{path}: an i-PI input is a <simulation>, this is a <{root.tag}>")
    return IPIInput(path, root)
