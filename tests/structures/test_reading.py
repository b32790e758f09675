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
        ("1\nwhat\nXy 0 0 0\n", "has atoms called 'Xy', which is no chemical symbol; only in"),
        ("1\nwhat\nAr 0 0\n", "announces 1 atoms, but line 3 is `Ar 0 0`"),
        ("1\nwhat\nAr 0 0 0\nAr 1 1 1\n", "announces 1 atoms, but after them comes `Ar 1 1 1`"),
        ("1\nwhat\nAr 0 0 zero\n", "ASE cannot read the structure: "),
        ("1\nwhat\nAr 0 0 nan\n", "has a coordinate or a cell that is no finite number"),
        ("0\nnothing\n", "ends after 0 of the 0 atoms that it announces"),
        (
            '1\nLattice="5 0 0 5 0 0 0 0 5" pbc="T T T"\nAr 0 0 0\n',
            "has a cell whose volume is not positive",
        ),
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


def test_a_name_in_a_pdb_that_is_no_element_is_named(tmp_path):
    file = tmp_path / "heavy.pdb"
    file.write_text("ATOM      1    D   1     1       1.000   2.000   3.000  0.00  0.00\nEND\n")
    with pytest.raises(UserError, match="has atoms called 'D', which is no chemical symbol"):
        read_structure(file)


def test_a_kind_of_file_that_ase_does_not_know_is_said(tmp_path):
    file = tmp_path / "frame.bin"
    file.write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match=r"frame\.bin: is no kind of structure file"):
        read_structure(file)


def test_the_unit_cube_of_a_pdb_is_no_cell(tmp_path):
    """The format needs a cell; this one says that there is none."""
    file = tmp_path / "protein.pdb"
    ase.io.write(file, ase.Atoms("OH", [[1, 1, 1], [2, 1, 1]], cell=[1, 1, 1], pbc=True))
    snapshot = read_structure(file)
    assert not snapshot.pbc.any()
    assert not snapshot.cell.any()


def test_a_number_as_the_title_of_another_format_makes_no_xyz_of_it(tmp_path):
    file = tmp_path / "POSCAR"
    file.write_text("12\n1.0\n5 0 0\n0 5 0\n0 0 5\nAr\n1\nDirect\n0 0 0.5\n")
    np.testing.assert_allclose(read_structure(file).positions * BOHR, [[0, 0, 2.5]], rtol=1e-8)


def test_lattice_vectors_after_the_atoms_are_ases(tmp_path):
    file = tmp_path / "vectors.xyz"
    rows = ["1", "argon", "Ar 1 2 3", "VEC1 5 0 0", "VEC2 0 6 0", "VEC3 0 0 7", ""]
    file.write_text("\n".join(rows))
    snapshot = read_structure(file)
    np.testing.assert_allclose(snapshot.cell * BOHR, np.diag([5.0, 6.0, 7.0]), rtol=1e-8)
    assert snapshot.pbc.all()


def test_a_periodic_structure_without_a_cell_is_isolated_and_that_is_said(tmp_path, caplog):
    file = tmp_path / "lost.xyz"
    file.write_text('1\npbc="T T T"\nAr 1 2 3\n')
    assert not read_structure(file).pbc.any()
    assert "lost.xyz: says that it is periodic, but has no cell: it is isolated" in caplog.text
