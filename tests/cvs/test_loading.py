"""Model files, extensions and devices: what loads, and how a user learns why something does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import pick_device, pick_output, sha256
from ipi_mtd.structures.structure import Structure
from tests.harness.models import FirstDistance, export

ROOT = Path(__file__).parents[2]
TYPES = np.array([18, 18], dtype=np.int32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a small model."""
    return export(tmp_path / "model.pt", FirstDistance(), outputs={"feature": "system"})


def complaint(path: Path, extensions: Path | None = None, **options: str) -> str:
    """The one line that the user reads."""
    with pytest.raises(UserError) as error:
        FeatureModel(path, TYPES, extensions=extensions, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "no.pt"

    assert complaint(path) == f"{path}: there is no such model file"


def test_a_directory_is_no_file(tmp_path):
    assert complaint(tmp_path) == f"{tmp_path}: there is no such model file"


NO_MODEL = "this is not a model exported with metatomic (metatomic.torch.AtomisticModel.save)"


@pytest.mark.parametrize("content", [b"", b"ITEM: TIMESTEP\n", b"PK\x03\x04" + 200 * b"\x00"])
def test_a_file_that_is_no_model_is_named(content, tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(content)

    assert complaint(path) == f"{path}: {NO_MODEL}"


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_model_is_no_model(fraction, model):
    content = model.read_bytes()
    model.write_bytes(content[: int(fraction * len(content))])

    assert complaint(model) == f"{model}: {NO_MODEL}"


def test_a_zip_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/hello.txt", "hello")

    assert complaint(path) == f"{path}: {NO_MODEL}"


def test_a_zip_file_that_pretends_to_be_a_model_is_named(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/extra/extensions", "[]")

    assert complaint(path).startswith(f"{path}: ")


def test_torchscript_that_is_no_metatomic_model_is_named(tmp_path):
    path = tmp_path / "model.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))

    assert complaint(path) == f"{path}: {NO_MODEL}"


def test_a_model_with_a_flipped_byte_does_not_load(model):
    with zipfile.ZipFile(model) as archive:
        (info,) = [i for i in archive.infolist() if i.filename.endswith("data.pkl")]
    content = bytearray(model.read_bytes())
    content[info.header_offset + 200] ^= 0xFF
    model.write_bytes(content)

    assert complaint(model).startswith(f"{model}: ")


def test_the_model_is_identified_by_its_sha256(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")

    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert sha256(path) == known


def needing(extension: str, path: Path) -> Path:
    """A file that says that it needs an extension."""
    listed = [{"name": extension, "path": f"lib/lib{extension}.so", "sha256": "0"}]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/extra/extensions", json.dumps(listed))
    return path


def test_an_extension_that_nobody_named_is_asked_for(tmp_path):
    path = needing("chemistry_torch", tmp_path / "model.pt")

    assert complaint(path).startswith(
        f"{path}: the model needs the TorchScript extension chemistry_torch; none was named: give"
    )


def test_a_directory_without_the_extension_is_named(tmp_path):
    path = needing("chemistry_torch", tmp_path / "model.pt")

    assert f"chemistry_torch; {tmp_path} does not have it: give" in complaint(path, tmp_path)


def test_a_missing_extensions_directory_is_named(model, tmp_path):
    missing = tmp_path / "nowhere"

    assert complaint(model, missing) == (
        f"{missing}: there is no such extensions directory (needed by {model})"
    )


def test_a_model_that_needs_no_extension_ignores_the_directory(model, tmp_path):
    assert FeatureModel(model, TYPES, extensions=tmp_path).output == "feature"


# A second copy of featomic's library kills the process, so each order gets a process of its own.
@pytest.mark.server
@pytest.mark.parametrize("directories", [["None", "here"], ["here", "None"]], ids="-".join)
def test_featomic_is_found_with_and_without_its_directory(directories, exported):
    program = f"""
from pathlib import Path
import ase.io, numpy as np
from ipi_mtd import units
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.structures.structure import Structure
path = Path({str(exported / "soap-cv.pt")!r})
here = Path({str(exported / "extensions")!r})
atoms = ase.io.read("lj38/octahedron.xyz")
bohr = units.factor("angstrom", "bohr")
types = atoms.numbers.astype(np.int32)
structure = Structure(atoms.positions * bohr, np.zeros((3, 3)), types)
for extensions in [{", ".join(directories)}]:
    print(FeatureModel(path, types, extensions=extensions).evaluate([structure]).values.tolist())
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )

    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert len(lines) == len(directories)
    assert len(set(lines)) == 1


def test_warnings_of_the_old_name_of_the_output_are_not_for_the_user(tmp_path, recwarn):
    path = export(tmp_path / "model.pt", FirstDistance(), outputs={"features": "system"})

    model = FeatureModel(path, TYPES)
    model.verify(Structure(np.eye(2, 3), np.zeros((3, 3)), TYPES))

    assert [str(w.message) for w in recwarn if "output name" in str(w.message)] == []


def test_a_device_that_torch_does_not_know_is_an_error(model):
    assert complaint(model, device="gpu") == "device 'gpu': torch knows no such device"


def test_a_device_that_the_model_does_not_support_is_an_error(model):
    assert complaint(model, device="cuda") == (
        f"{model}: the model does not support the device 'cuda', only cpu"
    )


def test_a_cuda_device_that_is_not_there_is_an_error():
    n_devices = torch.cuda.device_count()

    with pytest.raises(UserError, match=f"'cuda:99': torch finds {n_devices} CUDA devices here"):
        pick_device("cuda:99", ["cpu", "cuda"], Path("model.pt"))


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an MPS device here")
def test_an_mps_device_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match="device 'mps': torch finds no MPS device here"):
        pick_device("mps", ["mps"], Path("model.pt"))


def test_float64_on_mps_is_an_error(tmp_path, monkeypatch):
    path = export(
        tmp_path / "model.pt",
        FirstDistance(),
        outputs={"feature": "system"},
        devices=["cpu", "mps"],
    )
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)

    assert complaint(path, device="mps") == (
        f"{path}: the model is float64, which the device 'mps' does not have"
    )


def test_a_number_of_a_cpu_is_fine(model):
    assert FeatureModel(model, TYPES, device="cpu").device == torch.device("cpu")


def test_the_new_name_of_the_output_goes_first():
    assert pick_output({"features": None, "feature": None}, None, Path("m.pt")) == "feature"
    assert pick_output({"features": None}, None, Path("m.pt")) == "features"
    assert pick_output({"energy": None, "features/x": None}, "x", Path("m.pt")) == "features/x"
