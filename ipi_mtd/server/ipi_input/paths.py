"""The files that an i-PI input names, as i-PI finds them from any directory.

i-PI takes a path relative to where it was started. Here it may also be relative to the input, or to
any directory above it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ipi_mtd.errors import UserError

FILES = ("file", "pes_path", "plumed_dat", "yaffpara", "yaffsys", "sGDML_model")
"""Tags whose text is a file."""

UNWRITTEN = {
    "ffplumed": {"plumed_dat": "plumed.dat"},
    "ffyaff": {"yaffpara": "parameters.txt", "yaffsys": "system.chk"},
}
"""The files that i-PI opens if the input names none."""

FILE_MODES = ("xyz", "pdb", "ase", "chk", "file")
"""Values of the attribute `mode` with which the text is a file."""

CHECKPOINT_BY_DEFAULT = ("positions", "velocities", "momenta", "masses", "labels")
"""Children of <initialize> that are read from a checkpoint if they have no `mode`."""

ENTRY = re.compile(r"([{,]\s*[^:,{}]+?\s*:\s*)([^\s,{}\[\]][^,{}]*?)(?=\s*[,}])")
"""A key and a value of <parameters>."""

LONGEST_SOCKET = 107
"""Bytes in the path of a unix socket."""


class NoSuchFile(UserError):
    """A file that the input names is nowhere; where i-PI runs, it may be."""


def make_absolute(root: Element, path: Path, start: Path) -> None:
    """Replace all paths to files that i-PI reads; those that it writes stay relative.

    Parameters
    ----------
    root : the ``<simulation>``
    path : its file
    start : the directory that a user would have started i-PI in

    Raises
    ------
    NoSuchFile
        If a file is nowhere.
    UserError
        If the path of a socket is too long.
    """
    expand_templates(root)
    bases = (start, *path.resolve().parents)
    for element in list(root.iter()):
        for tag, file in UNWRITTEN.get(element.tag, {}).items():
            if element.find(tag) is None:
                SubElement(element, tag).text = file
    for element, file in _files(root):
        element.text = _found(file, bases)
        if element.text is None:
            raise NoSuchFile(f"{path}: <{element.tag}> {file}: there is no such file")
    for parameters in root.iter("parameters"):
        parameters.text = _with_files(parameters.text or "", bases)
    prefix = root.get("sockets_prefix", "/tmp/ipi_")
    if not prefix.startswith(os.sep):
        root.set("sockets_prefix", f"{start.absolute()}{os.sep}{prefix}")
    _refuse_long_sockets(root, path)


def expand_templates(root: Element) -> None:
    """Replace each ``<system_template>`` by the systems that i-PI makes of it.

    A path that is made of labels cannot be looked for otherwise.
    """
    for template in root.findall("system_template"):
        pattern = template.find("template")
        labels = _words(template.findtext("labels"))
        instances = [_words(instance.text) for instance in template.findall("instance")]
        if pattern is None or any(len(words) != len(labels) for words in instances):
            continue  # i-PI says what is wrong
        text = "".join(tostring(child, encoding="unicode") for child in pattern)
        place = list(root).index(template)
        root.remove(template)
        for k, words in enumerate(instances):
            system = text
            # in this order, so that a label may begin with another one
            for label, word in sorted(zip(labels, words, strict=True), reverse=True):
                system = system.replace(label, word)
            root.insert(place + k, fromstring(system))


def _files(root: Element) -> Iterator[tuple[Element, str]]:
    """The elements that hold the path of a file, with the path."""
    states = {
        child
        for initialize in root.iter("initialize")
        for child in initialize
        if child.tag in CHECKPOINT_BY_DEFAULT and child.get("mode") is None
    }
    for element in root.iter():
        text = (element.text or "").strip()
        is_file = element.tag in FILES or element.get("mode") in FILE_MODES or element in states
        if is_file and text and not text.startswith("[") and len(element) == 0:
            yield element, text


def _found(
    text: str, bases: Sequence[Path], is_there: Callable[[Path], bool] = Path.is_file
) -> str | None:
    for base in bases:
        if is_there(base / text):
            return str((base / text).resolve())
    return None


def _with_files(parameters: str, bases: Sequence[Path]) -> str:
    """A dictionary such as ``{template: start.xyz, device: cpu}`` with the files in it absolute."""

    def replaced(match: re.Match[str]) -> str:
        key, value = match[1], match[2]
        # a word that happens to be the name of a directory is no path
        is_there = Path.exists if os.sep in value else Path.is_file
        return key + (_found(value, bases, is_there) or value)

    return ENTRY.sub(replaced, parameters)


def _refuse_long_sockets(root: Element, path: Path) -> None:
    prefix = root.get("sockets_prefix", "/tmp/ipi_")
    for socket in root.iter("ffsocket"):
        name = (socket.findtext("address") or "localhost").strip()
        length = len(os.fsencode(prefix + name))
        if socket.get("mode", "inet") != "inet" and length > LONGEST_SOCKET:
            raise UserError(
                f"{path}: <address> {name}: the socket {prefix}{name} has a path of {length} "
                f"bytes, and {LONGEST_SOCKET} are possible: take a shorter `sockets_prefix`"
            )


def _words(text: str | None) -> list[str]:
    return [word.strip(" \n\t'") for word in (text or "").strip(" \n\t[]").split(",")]
