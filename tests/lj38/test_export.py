"""The exported files, as engines find them."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import ase.io
import pytest

import lj38
from lj38 import export


def listed_extensions(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/extra/extensions")]
        return [extension["name"] for extension in json.loads(archive.read(name))]


def test_the_command_writes_two_models_and_the_extensions(exported):
    assert sorted(path.name for path in exported.iterdir()) == [
        "extensions",
        "histo-cv.pt",
        "soap-cv.pt",
    ]


def test_the_default_directory_is_that_of_the_module():
    assert Path(lj38.__file__).parent == export.HERE


def test_only_the_soap_model_needs_featomic(exported):
    assert listed_extensions(exported / "histo-cv.pt") == []
    assert listed_extensions(exported / "soap-cv.pt") == ["featomic_torch"]


@pytest.mark.server
def test_the_extensions_are_enough_without_featomics_python_package(exported):
    program = f"""
import sys
from metatomic.torch import load_atomistic_model
model = load_atomistic_model({str(exported / "soap-cv.pt")!r}, {str(exported / "extensions")!r})
assert "featomic" not in sys.modules
assert "feature" in model.capabilities().outputs
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# chemiscope still uses metatomic's and vesin's older names.
@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("histo-cv.pt", [22.964572, 0.345826, 16.343357, 10.372844]),
        ("soap-cv.pt", [0.335595739, 0.940308490, 0.209255065, 0.757283238]),
    ],
)
def test_chemiscope_computes_the_known_values(exported, name, known):
    chemiscope = pytest.importorskip("chemiscope")
    folder = Path(lj38.__file__).parent
    structures = [ase.io.read(folder / f"{s}.xyz") for s in ("octahedron", "icosahedron")]

    featurizer = chemiscope.metatomic_featurizer(
        str(exported / name),
        extensions_directory=str(exported / "extensions"),
        check_consistency=True,
        device="cpu",
    )

    # Single precision: chemiscope's way of reading structures has no more.
    assert featurizer(structures, None).ravel() == pytest.approx(known, rel=1e-6)
