"""A calculator beside the configuration is found from anywhere, and its faults are said."""

import contextlib
import re
import runpy
import sys
from pathlib import Path

import pytest

from ipi_mtd.assembly.calculators import load_calculator
from ipi_mtd.errors import UserError

ROOT = Path(__file__).parents[2]

SPRINGS = """
from ase.calculators.calculator import Calculator, all_changes


class Springs(Calculator):
    implemented_properties = ("energy", "forces")

    def __init__(self, k=1.0):
        super().__init__()
        self.k = k

    def calculate(self, atoms, properties, changes=all_changes):
        super().calculate(atoms, properties, changes)
        self.results = {"energy": self.k, "forces": -self.k * atoms.positions}
"""


@pytest.fixture(autouse=True)
def _own_imports(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("springs", "needy", "broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "springs.py").write_text(SPRINGS)
    return tmp_path / "run.toml"


def test_a_module_beside_the_configuration_is_found_from_another_directory(
    source, tmp_path, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_calculator("springs:Springs", {"k": 3.0}, source).k == 3.0


def test_each_configuration_has_the_module_beside_it(source, tmp_path):
    assert load_calculator("springs:Springs", {}, source).k == 1.0
    (tmp_path / "other").mkdir()
    (tmp_path / "other/springs.py").write_text(SPRINGS.replace("k=1.0", "k=2.0"))
    assert load_calculator("springs:Springs", {}, tmp_path / "other/run.toml").k == 2.0
    assert load_calculator("springs:Springs", {}, source).k == 1.0


def test_installed_modules_are_found_as_before(source):
    assert load_calculator("ase.calculators.emt:EMT", {}, source).name == "emt"


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        (
            "spring:Springs",
            {},
            "there is no module 'spring', neither beside the configuration, in ",
        ),
        ("ase.calculators.emd:EMT", {}, "there is no module 'ase.calculators.emd'"),
        ("springs:Spring", {}, "springs.py has no 'Spring'; did you mean springs:Springs?"),
        ("springs:Springs", {"r": 1}, "cannot be made: TypeError: "),
        ("needy:make", {}, "ModuleNotFoundError: No module named 'nowhere' ("),
        ("broken:make", {}, "cannot be imported: ZeroDivisionError: division by zero ("),
    ],
)
def test_what_is_wrong_is_said_in_one_line(source, name, arguments, complaint):
    (source.parent / "needy.py").write_text("import nowhere\n")
    (source.parent / "broken.py").write_text("\n\nx = 1 / 0\n")
    with pytest.raises(UserError) as caught:
        load_calculator(name, arguments, source)
    message = str(caught.value)
    assert message.startswith(f"{source}: `potential.calculator` {name}: ")
    assert complaint in message
    assert "\n" not in message


def test_an_error_of_the_module_is_said_with_its_line(source):
    (source.parent / "broken.py").write_text("\n\nx = 1 / 0\n")
    with pytest.raises(UserError, match=r"broken\.py, line 3\)$"):
        load_calculator("broken:make", {}, source)


@pytest.fixture
def check(source, exported, tmp_path, monkeypatch):
    """The command line of `check`, in a directory where something else has that name."""
    source.write_text(
        f"""
        [system]
        structure = "{ROOT / "lj38/octahedron.xyz"}"
        timestep = "1 fs"
        [socket]
        address = "nobody"
        [potential]
        kind = "ase"
        calculator = "springs:Springs"
        arguments = {{ k = 27.211386 }}
        [models.histogram]
        file = "{exported / "histo-cv.pt"}"
        [[cv]]
        name = "six"
        component = 1
        """
    )
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd/springs.py").write_text("raise RuntimeError('this is another one')")

    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr(sys, "argv", ["ipi-mtd", "check", str(source)])
    return source


def as_script():
    """What the system does with the command."""
    command = Path(sys.executable).parent / "ipi-mtd"
    sys.path.insert(0, str(command.parent))
    runpy.run_path(str(command), run_name="__main__")


def as_module():
    """What `python -m` does."""
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module("ipi_mtd", run_name="__main__")


@pytest.mark.usefixtures("check")
@pytest.mark.parametrize("start", [as_script, as_module])
def test_the_script_and_the_module_find_the_same(start, capsys):
    with contextlib.suppress(SystemExit):
        start()
    (hartree,) = re.findall(r"^potential = (\S+)", capsys.readouterr().out, re.MULTILINE)
    assert float(hartree) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("start", [as_script, as_module])
def test_neither_looks_in_the_working_directory(check, start, tmp_path, capsys):
    (tmp_path / "springs.py").unlink()
    with pytest.raises(SystemExit) as end:
        start()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert f"no module 'springs', neither beside the configuration, in {check.parent}" in said
