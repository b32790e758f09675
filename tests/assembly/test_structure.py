"""A structure is what its file means, in the run, in `check` and as a mark alike."""

import logging

import ase
import ase.io
import numpy as np
import pytest
from ipi.engine.atoms import Atoms
from ipi.engine.cell import Cell
from ipi.utils.io import print_file

from ipi_mtd.assembly.identity import identity_of
from ipi_mtd.assembly.run import Run
from ipi_mtd.commands.fes import structure_marks
from ipi_mtd.config import read_config, read_description, read_input
from ipi_mtd.errors import UserError

BOHR = 0.529177210903  # angstrom
SIDE, N = 3.9, 3  # a simple cubic lattice: every atom has six neighbors if it is periodic


@pytest.fixture
def crystal():
    sites = np.stack(np.meshgrid(*[np.arange(N)] * 3), axis=-1).reshape(-1, 3)
    noise = np.random.default_rng(11).normal(scale=0.03, size=sites.shape)
    return ase.Atoms("Ar27", SIDE * sites + noise, cell=[N * SIDE] * 3, pbc=True)


def as_i_pi_writes(path, atoms, unit):
    ours = Atoms(len(atoms))
    ours.q[:] = atoms.positions.ravel() / BOHR
    ours.names[:] = atoms.get_chemical_symbols()
    with path.open("w") as file:
        cell = Cell(np.array(atoms.cell).T / BOHR)
        print_file("xyz", ours, cell, file, "", "positions", "length", unit, unit)
    return path


@pytest.fixture
def toml(tmp_path, exported):
    """Writes a configuration on a structure, with more lines of its tables."""

    def write(structure, system="", potential='kind = "none"'):
        path = tmp_path / "run.toml"
        path.write_text(
            f"""
            [system]
            structure = "{structure}"
            timestep = "1 fs"
            {system}
            [socket]
            address = "nobody"
            [potential]
            {potential}
            [models.histogram]
            file = "{exported / "histo-cv.pt"}"
            [[cv]]
            name = "six"
            component = 1
            """
        )
        return path

    return write


@pytest.fixture
def plumed_dat(tmp_path, exported):
    path = tmp_path / "plumed.dat"
    path.write_text(
        f"UNITS LENGTH=A\ncv: METATOMIC MODEL={exported / 'histo-cv.pt'} SPECIES1=1-27 "
        "SPECIES_TO_TYPES=18\nsix: SELECT_COMPONENTS ARG=cv COMPONENTS=1\n"
    )
    return path


def six(config):
    run = Run(config)
    return float(run.system.cvs.evaluate([run.structure]).s[0, 0])


@pytest.mark.parametrize("unit", ["angstrom", "atomic_unit"])
def test_a_frame_of_i_pi_has_the_cvs_of_the_same_atoms_in_an_extended_xyz(
    tmp_path, crystal, toml, plumed_dat, unit
):
    ase.io.write(tmp_path / "same.extxyz", crystal)
    path = toml(tmp_path / "same.extxyz")
    reference = six(read_config(path))
    assert reference > 20.0
    frame = as_i_pi_writes(tmp_path / "frame.xyz", crystal, unit)
    path = toml(frame)
    assert six(read_config(path)) == pytest.approx(reference, abs=1e-3)
    told = read_input(plumed_dat, structure=frame, timestep="1 fs", address="nobody")
    assert six(told) == pytest.approx(reference, abs=1e-3)


def test_a_mark_is_as_periodic_as_the_run(tmp_path, crystal, toml, caplog):
    ase.io.write(tmp_path / "run.extxyz", crystal)
    crystal.pbc = False
    ase.io.write(tmp_path / "mark.extxyz", crystal)
    path = toml(tmp_path / "run.extxyz")
    ((name, s),) = structure_marks(read_config(path), [tmp_path / "mark.extxyz"])
    assert name == "mark"
    assert s["six"] == pytest.approx(six(read_config(path)), abs=1e-9)
    path = toml(tmp_path / "mark.extxyz")
    ((_, s),) = structure_marks(read_config(path), [tmp_path / "run.extxyz"])
    assert s["six"] == pytest.approx(six(read_config(path)), abs=1e-9)
    assert s["six"] < 10.0
    assert "the run is isolated" in caplog.text


def test_with_plumeds_input_a_mark_follows_its_own_file(tmp_path, crystal, plumed_dat):
    ase.io.write(tmp_path / "mark.extxyz", crystal)
    ((_, s),) = structure_marks(read_description(plumed_dat), [tmp_path / "mark.extxyz"])
    assert s["six"] > 20.0


def test_a_mark_without_the_cell_that_the_run_has_is_refused(tmp_path, crystal, toml):
    ase.io.write(tmp_path / "run.extxyz", crystal)
    ase.io.write(tmp_path / "bare.xyz", crystal, format="xyz")
    path = toml(tmp_path / "run.extxyz")
    with pytest.raises(
        UserError, match=r"bare\.xyz: the structure has no cell, but the run is periodic"
    ):
        structure_marks(read_config(path), [tmp_path / "bare.xyz"])


def test_a_mark_of_other_atoms_is_said(tmp_path, crystal, toml, caplog):
    ase.io.write(tmp_path / "run.extxyz", crystal)
    ase.io.write(tmp_path / "fewer.extxyz", crystal[:-2])
    path = toml(tmp_path / "run.extxyz")
    structure_marks(read_config(path), [tmp_path / "fewer.extxyz"])
    assert "fewer.extxyz: has 25 atoms, and " in caplog.text


def test_a_mark_of_other_atoms_is_refused_if_a_cv_is_of_certain_ones(tmp_path, crystal, toml):
    ase.io.write(tmp_path / "run.extxyz", crystal)
    crystal.numbers[[3, 7]] = 10, 36
    ase.io.write(tmp_path / "other.extxyz", crystal)
    path = toml(tmp_path / "run.extxyz")
    path.write_text(path.read_text().replace("[[cv]]", "atoms = [1, 2, 3]\n[[cv]]"))
    with pytest.raises(UserError, match=r"other\.extxyz: has Ne as atom 4, and .* Ar; the CVs"):
        structure_marks(read_config(path), [tmp_path / "other.extxyz"])


def test_a_periodic_structure_needs_a_cutoff_and_a_cluster_of_i_pi_does_not(
    tmp_path, crystal, toml, caplog
):
    all_pairs = 'kind = "lennard-jones"\nepsilon = "1 kJ/mol"\nsigma = "3.4 angstrom"'
    path = toml(as_i_pi_writes(tmp_path / "dense.xyz", crystal, "angstrom"), "", all_pairs)
    with pytest.raises(UserError, match=r"`potential\.cutoff` is missing"):
        Run(read_config(path))
    crystal.cell[:] = np.eye(3) * 60.0
    path = toml(as_i_pi_writes(tmp_path / "cluster.xyz", crystal, "atomic_unit"), "", all_pairs)
    caplog.set_level(logging.WARNING)
    assert not Run(read_config(path)).structure.pbc.any()
    assert "the run is isolated" in caplog.text


def test_the_identity_of_a_run_says_whether_it_is_periodic(tmp_path, crystal, toml):
    def identity(pbc, system=""):
        crystal.pbc = pbc
        ase.io.write(tmp_path / "s.extxyz", crystal)
        path = toml(tmp_path / "s.extxyz", system)
        run = Run(read_config(path))
        return identity_of(run.config, run.structure, run.models)["system"]["periodic"]

    assert identity(True) is True
    assert identity(False) is False
    assert identity(True, "periodic = false") is False
    assert identity(False, "periodic = true") is True
    assert identity((True, True, False)) == [True, True, False]
    assert identity(True, "periodic = [true, false, true]") == [True, False, True]


def test_a_label_that_is_no_element_needs_a_type(tmp_path, crystal, toml):
    frame = as_i_pi_writes(tmp_path / "frame.xyz", crystal, "angstrom")
    frame.write_text(frame.read_text().replace("      Ar", "      Aq", 1))
    path = toml(frame)
    with pytest.raises(UserError, match=r"atom 1 of the structure is called 'Aq'.*types = \{ Aq ="):
        Run(read_config(path))
    path.write_text(path.read_text().replace("[[cv]]", "types = { Aq = 18 }\n[[cv]]"))
    assert Run(read_config(path)).cv_names == ("six",)
