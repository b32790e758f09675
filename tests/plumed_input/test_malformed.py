"""However broken an input is, the answer is one line that says so."""

from __future__ import annotations

import re
from pathlib import Path

import ase
import ase.io
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.config import Config
from ipi_mtd.config.reading import read_input
from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input import GRAMMAR

WORDS = [
    *GRAMMAR,
    *(f"{word}=" for grammar in GRAMMAR.values() for word in grammar.words),
    *("mtd: ", "cv1: ", "cv1", "histo.*", "x.1", "...", "#", "{", "}", "=", ",", "\n", " ", "\t"),
    *("1-38", "0", "-1", "1e999", "pi", "99999999999", "1-999999999", "@", "é", "\0", "\x85", "%f"),
]

KEY_OF_TOML = re.compile(r"`(system|socket|models|cv|quantity|metad|wall|colvar|units)[\[.][a-z\d]")

quickly = settings(derandomize=True, max_examples=300, deadline=None)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a structure."""
    directory = tmp_path_factory.mktemp("malformed")
    ase.io.write(directory / "atom.xyz", ase.Atoms("Ar", positions=[[1.0, 1.0, 1.0]]))
    return directory


def outcome(directory: Path, text: str) -> Config | str:
    """The configuration or the message; any other exception is a failure."""
    path = directory / "plumed.dat"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return read_input(path, structure=directory / "atom.xyz", timestep="1 fs", address="x")
    except UserError as error:
        return str(error)


def check(directory: Path, text: str) -> None:
    match outcome(directory, text):
        case str() as message:
            assert message.startswith(str(directory / "plumed.dat"))
            assert len(message.split("\n")) == 1
            assert not KEY_OF_TOML.search(message)
        case config:
            assert config.models


@given(text=st.text() | st.lists(st.sampled_from(WORDS)).map("".join))
@quickly
def test_random_text_is_a_user_error(directory: Path, text: str) -> None:
    check(directory, text)


@given(data=st.data())
@quickly
def test_a_spoilt_tutorial_is_a_user_error_or_an_input(
    directory: Path, tutorial: str, data: st.DataObject
) -> None:
    text = tutorial
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = begin + data.draw(st.integers(0, 12))
        inserted = data.draw(st.sampled_from(["", *WORDS]) | st.characters())
        text = text[:begin] + inserted + text[end:]
    check(directory, text)


def test_the_whole_tutorial_is_an_input(directory: Path, tutorial: str) -> None:
    assert isinstance(outcome(directory, tutorial), Config)
