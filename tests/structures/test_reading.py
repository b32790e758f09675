"""Structure files of others are read as ASE means them."""

import ase
import ase.io
import numpy as np
import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.structures import read_structure

BOHR = 0.529177210903  # angstrom


def test_an_xyz_that_says_nothing_is_in_angstrom(tmp_path):
    file = tmp_path / "plain.xyz"
    file.write_text("2\nargon, by hand\nAr 1 2 3\nAr 4 5 6\n")
    snapshot = read_structure(file)
    np.testing.assert_allclose(snapshot.positions * BOHR, [[1, 2, 3], [4, 5, 6]], rtol=1e-8)
    assert not snapshot.pbc.any()
    assert not snapshot.by_ipi


def test_heavy_hydrogen_keeps_its_label(tmp_path):
    file = tmp_path / "heavy-water.xyz"
    file.write_text("3\nheavy water\nO 0 0 0\n D 0.96 0 0\nT -0.24 0.93 0\n")
    snapshot = read_structure(file)
    assert snapshot.labels == ("O", "D", "T")
    assert snapshot.numbers.tolist() == [8, 1, 1]


@pytest.mark.parametrize("format_", ["extxyz", "cif", "vasp", "json", "traj", "proteindatabank"])
def test_other_formats_are_as_periodic_as_ase_says(tmp_path, format_):
    atoms = ase.Atoms("OH", [[1, 1, 1], [2, 1, 1]], cell=[5, 6, 7], pbc=True)
    file = tmp_path / {"vasp": "POSCAR", "proteindatabank": "a.pdb"}.get(format_, f"a.{format_}")
    ase.io.write(file, atoms, format=format_)
    snapshot = read_structure(file)
    assert sorted(snapshot.labels) == ["H", "O"]
    assert snapshot.pbc.all()
    np.testing.assert_allclose(snapshot.cell * BOHR, np.diag([5.0, 6.0, 7.0]), atol=1e-6)


def test_a_slab_stays_a_slab(tmp_path):
    file = tmp_path / "slab.extxyz"
    ase.io.write(file, ase.Atoms("Cu", [[0, 0, 5]], cell=[4, 4, 20], pbc=(True, True, False)))
    assert read_structure(file).pbc.tolist() == [True, True, False]


def test_the_first_structure_of_several_counts(tmp_path):
    file = tmp_path / "movie.xyz"
    file.write_text("1\nfirst\nAr 1 0 0\n2\nsecond\nAr 0 0 0\nAr 1 1 1\n")
    np.testing.assert_allclose(read_structure(file).positions * BOHR, [[1, 0, 0]], rtol=1e-8)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty, not a structure"),
        ("3\nwater\nO 0 0 0\nH 1 0 0\n", "ends after 2 of the 3 atoms that it announces"),
        ("1\nwhat\nXy 0 0 0\n", "'Xy' is no chemical symbol"),
        ("1\nwhat\nAr 0 0\n", "ASE cannot read the structure: "),
        ("no structure at all\n", "ASE cannot read the structure: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_file(tmp_path, text, complaint):
    file = tmp_path / "wrong.xyz"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_structure(file)
    assert str(caught.value).startswith(f"{file}: {complaint}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_a_directory_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.xyz: there is no such structure file"):
        read_structure(tmp_path / "none.xyz")
    with pytest.raises(UserError, match="Is a directory"):
        read_structure(tmp_path)
