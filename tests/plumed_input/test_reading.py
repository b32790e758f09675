"""PLUMED's input is accepted wherever TOML is, and as a part of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import ase
import ase.io
import numpy as np
import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.config import Config
from ipi_mtd.config.reading import is_plumed_input, read_input
from ipi_mtd.errors import UserError
from ipi_mtd.units import factor

TOML = """
[system]
structure = "cell.xyz"
timestep = "2.5 fs"
temperature = "30 K"

[socket]
address = "lj38"

[potential]
kind = "none"
"""
PLUMED = """\
x: METATOMIC MODEL=x.pt SPECIES=1-2
a: SELECT_COMPONENTS ARG=x COMPONENTS=1
m: METAD ARG=a SIGMA=1 HEIGHT=1 PACE=5 BIASFACTOR=4
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with two structures and an input that uses them."""
    atoms = ase.Atoms("Ar2", positions=[[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    ase.io.write(tmp_path / "open.xyz", atoms)
    atoms.set_cell([9.0, 9.0, 9.0])
    atoms.pbc = True
    ase.io.write(tmp_path / "cell.xyz", atoms)
    (tmp_path / "plumed.dat").write_text(PLUMED)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "is_plumed"),
    [
        ("a.toml", "x: METATOMIC", False),
        ("a.dat", "a = 1", True),
        ("input", "# a comment\n\nx: METATOMIC ...\n", True),
        ("input", "UNITS LENGTH=A\n", True),
        ("input", "# a comment\n[system]\n", False),
        ("input", 'threads = 1\n[system]\nstructure = "a"', False),
    ],
)
def test_the_kind_of_input_is_recognized(
    tmp_path: Path, name: str, text: str, is_plumed: bool
) -> None:
    (tmp_path / name).write_text(text)
    assert is_plumed_input(tmp_path / name) is is_plumed


def read_bare(directory: Path, structure: str = "open.xyz") -> Config:
    """The input with nothing but the options of the command line."""
    (directory / "plumed.dat").write_text(PLUMED.replace("=4", "=4 TEMP=20"))
    return read_input(
        directory / "plumed.dat",
        structure=directory / structure,
        timestep="2.5 fs",
        address="localhost",
        port=31415,
    )


def test_the_bare_input_gives_the_bias_alone(directory: Path) -> None:
    config = read_bare(directory)
    assert config.potential.kind == "none"
    assert config.system.timestep == pytest.approx(0.0025)
    assert (config.socket.mode, config.socket.port) == ("inet", 31415)
    assert config.models["x"].file == directory / "x.pt"
    assert config.colvar == []


def test_the_bare_input_is_as_periodic_as_its_structure_which_is_not_read_yet(
    directory: Path,
) -> None:
    assert read_bare(directory, "missing.xyz").system.periodic is None


def test_the_bare_input_needs_what_plumed_does_not_say(directory: Path) -> None:
    with pytest.raises(UserError, match="--timestep, --address missing"):
        read_input(directory / "plumed.dat", structure=directory / "open.xyz")


def test_toml_adds_what_plumed_does_not_say(directory: Path) -> None:
    (directory / "sub").mkdir()
    (directory / "sub/plumed.dat").write_text(PLUMED)
    path = directory / "run.toml"
    path.write_text(f'{TOML}[plumed]\nfile = "sub/plumed.dat"\n')
    config = read_input(path)
    assert config.system.structure == directory / "cell.xyz"
    assert config.models["x"].file == directory / "sub/x.pt"
    assert config.metad[0].height == pytest.approx(factor("kJ/mol", "hartree"))
    assert config.metad[0].temperature is None
    assert config.system.temperature == 30.0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[plumed]\nfile = "plumed.dat"\n[units]\n', "`units` and `plumed` exclude each other"),
        ('[plumed]\nfile = "plumed.dat"\n[metad]\n', "`metad` and `plumed` exclude each other"),
        ('[plumed]\nfil = "plumed.dat"\n', "`plumed` needs the key `file` and no other"),
        ('[plumed]\nfile = "plumed.da"\n', "plumed.da: No such file or directory"),
    ],
)
def test_what_both_say_is_an_error(directory: Path, more: str, message: str) -> None:
    (directory / "run.toml").write_text(TOML + more)
    with pytest.raises(UserError, match=message):
        read_input(directory / "run.toml")


def test_a_bias_factor_without_any_temperature_is_an_error(directory: Path) -> None:
    path = directory / "run.toml"
    path.write_text(TOML.replace('temperature = "30 K"', "") + '[plumed]\nfile = "plumed.dat"\n')
    with pytest.raises(UserError, match="TEMP"):
        read_input(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("b: SELECT_COMPONENTS ARG=x COMPONENTS=4\n", "'b' .* there is no element 4 in a vector"),
        ("b: SELECT_COMPONENTS ARG=x COMPONENTS=1.1\n", "'b' .* there is no element 1.1 in a v"),
        ("w: UPPER_WALLS ARG=x AT=1 KAPPA=1\n", "'x' .* this is 2 numbers of a vector"),
    ],
)
def test_what_the_model_does_not_have_is_an_error_when_it_is_loaded(
    directory: Path, lines: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipi_mtd.assembly.models.FeatureModel", TwoOutputs)
    (directory / "plumed.dat").write_text(PLUMED + lines)
    path = directory / "run.toml"
    path.write_text(f'{TOML}[plumed]\nfile = "plumed.dat"\n')
    with pytest.raises(UserError, match=message):
        Run(read_input(path))


class TwoOutputs:
    """Stands in for a model: two numbers for the system."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def evaluate(self, _structures: object, _neighborhoods: object = None) -> SimpleNamespace:
        return SimpleNamespace(values=np.zeros((1, 1, 2)))


@pytest.mark.parametrize("name", ["nvt.xml", "RESTART", "input.dat", "input.toml"])
@pytest.mark.parametrize(
    "start", ["<simulation>", "\n  <!--\n  # a comment\n-->\n<simulation>", "<?xml ?>"]
)
def test_the_input_of_i_pi_is_not_taken_for_that_of_plumed(tmp_path, name, start):
    path = tmp_path / name
    path.write_text(f"{start}\n  <total_steps> 10 </total_steps>\n</simulation>\n")
    with pytest.raises(UserError, match=f"{name}: this is XML, as i-PI's input is; .* CONFIG: a"):
        read_input(path)
