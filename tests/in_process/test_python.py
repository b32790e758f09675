"""The way in from Python: CVs, biases and forces of any atoms, and an ASE calculator."""

import re
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet
from ase.units import fs
from numpy.testing import assert_allclose

import ipi_mtd
from ipi_mtd.errors import UserError
from tests.harness.session import session_of

ROOT = Path(__file__).parents[2]

MODEL = """
[models.histogram]
file = "{model}"

[[cv]]
name = "cv1"
component = 1

[[cv]]
name = "cv2"
component = 2

[metad]
height = "0.04 kcal/mol"
sigma = [1.0, 0.5]
pace = 1

[[wall]]
name = "ceiling"
side = "upper"
cv = "cv1"
at = 20
kappa = "0.1 kcal/mol"
"""

RUN = """
[system]
structure = "{structure}"
timestep = "2.5 fs"

[socket]
address = "nobody"

[potential]
kind = "lennard-jones"
epsilon = "0.24 kcal/mol"
sigma = "3.4 angstrom"
"""


@pytest.fixture
def octahedron():
    return ase.io.read(ROOT / "lj38/octahedron.xyz")


@pytest.fixture
def described(tmp_path, exported):
    """A configuration that says what is biased, and nothing of a run."""
    path = tmp_path / "cvs.toml"
    path.write_text(MODEL.format(model=exported / "histo-cv.pt"))
    return path


@pytest.fixture
def run(tmp_path, exported):
    """The configuration of a whole run, and the directory of one of some steps."""
    path = tmp_path / "run.toml"
    text = (RUN + MODEL).format(
        model=exported / "histo-cv.pt", structure=ROOT / "lj38/octahedron.xyz"
    )
    path.write_text(text)
    made = ipi_mtd.Run(ipi_mtd.read_config(path))
    session = session_of(made, tmp_path / "run")
    rng = np.random.default_rng(0)
    for _ in range(20):
        positions = made.structure.positions + 0.05 * rng.normal(size=(38, 3))
        session.propose(ipi_mtd.Structure(positions, made.structure.cell, made.structure.types))
        session.commit()
    session.close()
    return path, tmp_path / "run"


def test_cvs_need_no_potential_no_socket_and_no_directory(described, octahedron, tmp_path):
    before = sorted(tmp_path.iterdir())
    one = ipi_mtd.open_configuration(described).evaluate(octahedron)
    assert one.cvs["cv1"] == pytest.approx(22.96, abs=0.01)
    assert one.biases["ceiling"] == pytest.approx(one.bias, rel=1e-12)
    assert one.energy == one.bias > 0.0
    assert sorted(tmp_path.iterdir()) == before


def test_a_plumed_dat_alone_describes_cvs(tmp_path, exported, octahedron, described):
    path = tmp_path / "plumed.dat"
    path.write_text(
        f"h: METATOMIC MODEL={exported / 'histo-cv.pt'} SPECIES1=1-38 SPECIES_TO_TYPES=18\n"
        "cv1: SELECT_COMPONENTS ARG=h COMPONENTS=1\n"
    )
    s = ipi_mtd.open_configuration(path).evaluate(octahedron).cvs
    assert s == {"cv1": ipi_mtd.open_configuration(described).evaluate(octahedron).cvs["cv1"]}


def test_a_list_is_one_batch_with_the_same_numbers(described, octahedron):
    rng = np.random.default_rng(1)
    images = [octahedron.copy() for _ in range(5)]
    for image in images:
        image.positions += 0.1 * rng.normal(size=(38, 3))
    opened = ipi_mtd.open_configuration(described)
    together = opened.evaluate_all(images)
    alone = [opened.evaluate(image) for image in images]
    assert [one.cvs for one in together] == [one.cvs for one in alone]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.bias_forces, other.bias_forces)


def test_what_a_run_has_learned_is_felt(run, octahedron):
    path, directory = run
    octahedron.positions += 0.02 * np.random.default_rng(2).normal(size=(38, 3))
    one = ipi_mtd.open_configuration(path, learned=directory).evaluate(octahedron)
    V = ipi_mtd.HillsBias(directory / "HILLS")
    kJ_mol = 96.485332
    assert V.n_hills == 19
    # of the file's unit, and on the grid there
    at_s = V(*one.cvs.values()) / kJ_mol
    assert one.biases["metad"] == pytest.approx(at_s, rel=2e-3)


def test_the_bias_of_a_hills_file_has_its_slope(run):
    V = ipi_mtd.HillsBias(run[1] / "HILLS")
    assert V.names == ("cv1", "cv2")
    s, h = np.array([22.3, 0.6]), 1e-4
    steps = h * np.eye(2)
    slope = [(V(*(s + step)) - V(*(s - step))) / (2 * h) for step in steps]
    assert_allclose(V.evaluate(s)[1], slope, rtol=1e-6)


def test_a_hills_file_without_hills_is_refused(tmp_path):
    path = tmp_path / "HILLS"
    path.write_text("#! FIELDS time x sigma_x height biasf\n")
    with pytest.raises(UserError, match="HILLS: has no hills"):
        ipi_mtd.HillsBias(path)


def test_the_calculator_conserves_the_biased_energy(run, octahedron):
    path, directory = run
    octahedron.calc = ipi_mtd.BiasedCalculator(path, learned=directory)
    octahedron.set_masses([39.95] * 38)
    octahedron.positions += 0.02 * np.random.default_rng(3).normal(size=(38, 3))
    before = octahedron.get_total_energy()
    assert octahedron.calc.results["bias"] > 0.0
    VelocityVerlet(octahedron, 2.5 * fs).run(100)
    assert octahedron.get_kinetic_energy() > 5e-3
    assert octahedron.get_total_energy() == pytest.approx(before, abs=1e-5)


def test_the_potential_may_be_another_calculator(run, described, octahedron):
    epsilon = 0.24 * 0.0433641  # eV
    other = LennardJones(epsilon=epsilon, sigma=3.4, rc=1e3, smooth=False)
    octahedron.calc = ipi_mtd.BiasedCalculator(described, potential=other)
    energy, forces = octahedron.get_potential_energy(), octahedron.get_forces()
    ours = octahedron.copy()
    ours.calc = ipi_mtd.BiasedCalculator(run[0])
    assert energy == pytest.approx(ours.get_potential_energy(), rel=1e-6)
    assert_allclose(forces, ours.get_forces(), atol=1e-6)


def test_the_stress_of_the_calculator_is_its_strain_derivative(tmp_path, exported):
    rng = np.random.default_rng(4)
    cell = np.array([[9.0, 0.0, 0.0], [0.4, 9.5, 0.0], [0.0, 0.3, 9.2]])
    crystal = ase.Atoms("Ar20", rng.uniform(size=(20, 3)) @ cell, cell=cell, pbc=True)
    path = tmp_path / "cvs.toml"
    path.write_text(
        f'[models.h]\nfile = "{exported / "histo-cv.pt"}"\n[[cv]]\nname = "a"\nreduce = "sum"\n'
        '[[wall]]\nname = "w"\nside = "lower"\ncv = "a"\nat = 50\nkappa = "1 kJ/mol"\n'
    )
    crystal.calc = ipi_mtd.BiasedCalculator(path)
    stress = crystal.get_stress(voigt=False)
    assert np.abs(stress).max() > 1e-5
    strain = rng.normal(size=(3, 3))
    strain += strain.T
    energies = []
    for sign in (1, -1):
        image = crystal.copy()
        image.set_cell(crystal.cell.array @ (np.eye(3) + sign * 1e-5 * strain), scale_atoms=True)
        image.calc = ipi_mtd.BiasedCalculator(path)
        energies.append(image.get_potential_energy())
    slope = (energies[0] - energies[1]) / 2e-5
    assert np.sum(stress * strain) * crystal.get_volume() == pytest.approx(slope, rel=1e-5)


@pytest.mark.server
def test_importing_and_opening_change_no_global_state(described):
    code = f"""
import torch
torch.set_num_threads(3)
state = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
import ipi_mtd
ipi_mtd.open_configuration({str(described)!r})
assert state == (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled())
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_example_of_the_package_runs(run, octahedron):
    """As its docstring has it, but for the files."""
    path, directory = run
    text = re.search(r"    import ipi_mtd\n.*?(?=\n\"\"\"|\Z)", ipi_mtd.__doc__, re.S).group()
    code = "\n".join(line[4:] for line in text.splitlines())
    code = code.replace("inputs/lj38.toml", str(path)).replace('"run"', repr(str(directory)))
    code = code.replace("run/HILLS", str(directory / "HILLS"))
    names = {"atoms": octahedron}
    exec(code, names)
    assert names["V"](22.9, 0.3) > 0.0
    assert octahedron.get_potential_energy() < 0.0


def test_the_example_of_the_readme_runs(run, monkeypatch):
    path, directory = run
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    code = code.replace("inputs/lj38.toml", str(path)).replace("lj38/octa", f"{ROOT}/lj38/octa")
    monkeypatch.chdir(directory.parent)
    names = {}
    exec(code, names)
    s = names["opened"].evaluate(names["atoms"]).cvs
    assert f"'cv1': {s['cv1']:.2f}" in readme
    assert f"'cv2': {s['cv2']:.3f}" in readme
