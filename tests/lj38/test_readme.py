"""The README's code runs, and gives what it says."""

import re
import runpy
import shutil
from pathlib import Path

import metatomic.torch as mta
import pytest

import lj38

FOLDER = Path(lj38.__file__).parent
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def my_cv(tmp_path_factory):
    """The directory in which a reader has run the README's code, a file for each block."""
    directory = tmp_path_factory.mktemp("reader")
    (directory / "lj38").mkdir()
    shutil.copy(FOLDER / "octahedron.xyz", directory / "lj38")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for i, code in enumerate(BLOCKS):
            script = directory / f"block_{i}.py"  # TorchScript reads the source from a file
            script.write_text(code)
            runpy.run_path(str(script), run_name="__main__")
    return directory


def test_the_model_is_the_squared_radius_of_gyration(my_cv, feature, octahedron, icosahedron):
    model = mta.load_atomistic_model(my_cv / "my-cv.pt")

    values = feature(model, octahedron, icosahedron).values

    expected = [(p - p.mean(dim=0)).square().sum().item() / 38 for p in (octahedron, icosahedron)]
    assert values[:, 0].tolist() == pytest.approx(expected, rel=1e-12)


def test_the_model_has_no_rows_for_a_system_without_atoms(my_cv, feature, no_atoms):
    model = mta.load_atomistic_model(my_cv / "my-cv.pt")

    assert feature(model, no_atoms(model)).values.shape == (0, 1)


def test_the_python_example_prints_the_radius_of_gyration(my_cv, octahedron, monkeypatch, capsys):
    monkeypatch.chdir(my_cv)

    runpy.run_path("block_1.py")

    radius = octahedron.square().sum(dim=1).mean().sqrt().item()
    assert capsys.readouterr().out == f"radius of gyration: {radius:.4f} angstrom\n"


def test_the_table_lists_the_files_of_the_folder():
    table = re.findall(r"^\| (`.*?`) \|", (FOLDER / "README.md").read_text(), re.M)
    listed = set(re.findall(r"`(\S+)`", " ".join(table)))

    assert listed == {p.name for suffix in ("py", "xyz") for p in FOLDER.glob(f"*.{suffix}")}
