"""What the README says is so."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from ipi_mtd.commands.cli import cli
from ipi_mtd.config.sections import CVSection

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^    ipi-mtd (.*?)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A directory with the files that the commands are given."""
    for name in ("inputs", "lj38"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "run").mkdir()
    for name in ("run/HILLS", "plumed.dat"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.usefixtures("directory")
def test_every_command_has_these_arguments_and_options(line):
    name, *arguments = shlex.split(line)
    above = click.Context(cli, **cli.context_settings)
    cli.commands[name].make_context(name, arguments, parent=above)


def test_there_are_commands():
    assert {line.split()[0] for line in COMMANDS} >= {"run", "launch", "fes", "check"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+)\)", README))))
def test_every_file_it_links_to_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w./]+)`", README))))
def test_every_test_it_names_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|    )make ([a-z-]+)", README))))
def test_every_make_target_it_names_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_its_configuration_is_one():
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (cv,) = tomllib.loads(text)["cv"]
    assert CVSection.model_validate(cv).period is not None
