"""What i-PI writes is read as i-PI means it."""

import numpy as np
import pytest
from ipi.engine.atoms import Atoms
from ipi.engine.cell import Cell
from ipi.utils.io import print_file

from ipi_mtd.errors import UserError
from ipi_mtd.structures import read_structure

BOHR = 0.529177210903  # angstrom
POSITIONS = np.array([[0.4, 1.5, -2.5], [3.0, 4.25, 5.5], [-7.0, 8.0, 9.5]])
CELL = np.array([[20.0, 0.0, 0.0], [3.0, 21.0, 0.0], [1.0, 2.0, 22.0]])  # lattice vectors as rows


def write(
    path,
    mode,
    units="automatic",
    cell_units="automatic",
    key="positions",
    kind="length",
    *,
    positions=POSITIONS,
    cell=CELL,
):
    atoms = Atoms(3)
    atoms.q[:] = positions.ravel()
    atoms.names[:] = ["Ar", "O", "H"]
    with path.open("w") as file:
        title = "Step:  7  Bead:  0 "
        print_file(mode, atoms, Cell(cell.T.copy()), file, title, key, kind, units, cell_units)
    return path


@pytest.mark.parametrize(
    ("mode", "units", "cell_units", "places"),
    [
        ("xyz", "automatic", "automatic", 1e-5),
        ("xyz", "angstrom", "atomic_unit", 2e-5),
        ("xyz", "nanometer", "angstrom", 2e-5),
        ("pdb", "automatic", "automatic", 3e-3),
        ("pdb", "atomic_unit", "angstrom", 3e-3),
        ("json", "automatic", "angstrom", 1e-10),
        ("ase", "automatic", "automatic", 1e-7),
    ],
)
def test_positions_and_cell_are_those_that_i_pi_wrote(tmp_path, mode, units, cell_units, places):
    file = write(tmp_path / f"frame.{'extxyz' if mode == 'ase' else mode}", mode, units, cell_units)
    snapshot = read_structure(file)
    assert snapshot.labels == ("Ar", "O", "H")
    assert snapshot.numbers.tolist() == [18, 8, 1]
    np.testing.assert_allclose(snapshot.positions, POSITIONS, atol=places)
    np.testing.assert_allclose(snapshot.cell, CELL, atol=places)
    assert snapshot.pbc.all()
    assert snapshot.by_ipi


@pytest.mark.parametrize("mode", ["xyz", "ase"])
def test_forces_are_not_taken_for_positions(tmp_path, mode):
    file = write(tmp_path / "forces.xyz", mode, key="forces", kind="force")
    with pytest.raises(UserError, match=r"forces\.xyz: holds forces, not positions"):
        read_structure(file)


@pytest.mark.parametrize(
    ("cell", "vectors"),
    [
        ("CELL(abcABC): 5 6 7 90 90 90", np.diag([5.0, 6.0, 7.0])),
        ("CELL{H}: 5 1 0 0 6 0 0 0 7", [[5.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.0, 0.0, 7.0]]),
        ("CELL[GENH]: 5 0 0 0 6 0 0 0 7", np.diag([5.0, 6.0, 7.0])),
        ("CELL(abcABC): 5 6 7 90 90 60", [[5, 0, 0], [3, 27**0.5, 0], [0, 0, 7]]),
    ],
)
def test_every_way_to_write_a_cell_is_understood(tmp_path, cell, vectors):
    file = tmp_path / "cell.xyz"
    file.write_text(f"1\n# {cell} cell{{angstrom}} positions{{angstrom}}\nHe 1 2 3\n")
    np.testing.assert_allclose(read_structure(file).cell * BOHR, vectors, atol=1e-6)


@pytest.mark.parametrize(
    "comment",
    [
        "CELL(abcABC) 5 6 7 90 90 90",
        "CELL(abcABC):5 6 7 90 90 90",
        "CELL(abcABC): 5,6,7,90,90,90",
        "CELL(ABC): 5 6 7 90 90 90",
        "CELL(abc): 5 6 7",
        "cell(abcabc): 5 6 7 90 90 90",
        "CELL(H): 5 0 0 0 6 0",
        "CELL(abcABC): 5 6 7 90 90 90 positions{ angstrom }",
        "CELL(abcABC): 5 6 7 90 90 90 position{angstrom}",
        "CELL(abcABC): 5 6 7 90 90 90 Cell{angstrom}",
        "Positions{angstrom}",
    ],
)
def test_what_i_pi_would_pass_over_is_an_error(tmp_path, comment):
    """i-PI would take its defaults, bohr and no cell, instead."""
    file = tmp_path / "slip.xyz"
    file.write_text(f"1\n# {comment}\nHe 1 2 3\n")
    with pytest.raises(
        UserError, match=r"slip\.xyz: (has )?`.*(no cell that i-PI reads|i-PI reads `)"
    ):
        read_structure(file)


def test_general_lattice_vectors_are_turned_with_the_atoms_as_i_pi_does(tmp_path):
    vectors = np.array([[0.5, 6.0, 1.0], [5.0, -0.3, 0.2], [0.4, 0.8, -7.0]])
    fractions = np.array([[0.1, 0.7, 0.3], [0.6, 0.2, 0.9]])
    rows = "".join("He {:.10f} {:.10f} {:.10f}\n".format(*r) for r in fractions @ vectors)
    h = " ".join(f"{x}" for x in vectors.flat)  # as rows, unlike CELL(H)
    file = tmp_path / "general.xyz"
    file.write_text(f"2\n# CELL(GENH): {h} cell{{angstrom}} positions{{angstrom}}\n{rows}")
    snapshot = read_structure(file)
    cell = snapshot.cell * BOHR
    np.testing.assert_allclose(cell @ cell.T, vectors @ vectors.T, rtol=1e-6)
    np.testing.assert_allclose(
        snapshot.positions @ np.linalg.inv(snapshot.cell), fractions, atol=1e-8
    )


@pytest.mark.parametrize(
    "comment", ["the UNIT CELL (relaxed)", "energy{eV} -3.2", "cell parameter 5.2", "{angstrom}"]
)
def test_a_comment_that_is_not_i_pis_leaves_the_file_to_ase(tmp_path, comment):
    file = tmp_path / "plain.xyz"
    file.write_text(f"1\n{comment}\nHe 1 2 3\n")
    snapshot = read_structure(file)
    np.testing.assert_allclose(snapshot.positions * BOHR, [[1, 2, 3]], rtol=1e-8)
    assert not snapshot.by_ipi


def test_the_first_of_several_frames_counts(tmp_path):
    file = write(tmp_path / "movie.xyz", "xyz")
    first = file.read_text()
    file.write_text(first + first.replace("4.25000e+00", "9.99000e+00"))
    np.testing.assert_allclose(read_structure(file).positions, POSITIONS, atol=1e-5)


@pytest.mark.parametrize(("mode", "suffix"), [("xyz", "xyz"), ("pdb", "pdb"), ("ase", "extxyz")])
def test_a_run_without_a_cell_is_isolated(tmp_path, mode, suffix):
    """i-PI then has, and writes, a cube with a side of -1."""
    file = write(tmp_path / f"frame.{suffix}", mode, cell=-1.8897261 * np.eye(3))
    snapshot = read_structure(file)
    assert not snapshot.pbc.any()
    assert not snapshot.cell.any()


def test_wide_coordinates_of_a_pdb_keep_their_sign_and_all_digits(tmp_path):
    wide = [[-123.456, 5.0, 1234.5], [-100.25, -222.125, -7.0], [0.001, 1.0, -999.999]]
    file = write(tmp_path / "wide.pdb", "pdb", "atomic_unit", positions=np.array(wide))
    assert read_structure(file).positions.tolist() == wide


def test_coordinates_of_a_pdb_that_run_into_each_other_are_refused(tmp_path):
    wide = POSITIONS - 12345.0
    file = write(tmp_path / "wide.pdb", "pdb", "atomic_unit", positions=wide)
    with pytest.raises(UserError, match="atom 1 has coordinates that are not in columns"):
        read_structure(file)


def test_an_extended_xyz_of_centroids_has_them_as_positions(tmp_path):
    """i-PI writes them into a column of their own, and zeros as positions."""
    file = write(tmp_path / "centroid.extxyz", "ase", key="x_centroid")
    np.testing.assert_allclose(read_structure(file).positions, POSITIONS, atol=1e-7)


def test_an_extended_xyz_with_another_unit_is_in_that_unit(tmp_path):
    file = write(tmp_path / "frame.extxyz", "ase")
    file.write_text(file.read_text().replace("positions{ase}", "positions{nanometer}"))
    np.testing.assert_allclose(read_structure(file).positions, 10.0 * POSITIONS, rtol=1e-6)


def test_names_of_atoms_may_be_any_and_the_comment_in_any_encoding(tmp_path):
    file = tmp_path / "names.xyz"
    comment = "# CELL(abcABC): 50 50 50 90 90 90 (in \xe5ngstr\xf6m? no, bohr)"
    file.write_text(f"2\n{comment}\nD 1 2 3\nOW 4 5 6\n", encoding="latin-1")
    snapshot = read_structure(file)
    assert snapshot.labels == ("D", "OW")
    assert snapshot.numbers.tolist() == [1, 0]


def test_without_units_i_pi_means_bohr(tmp_path):
    file = tmp_path / "bohr.xyz"
    file.write_text("1\n# CELL(abcABC): 50 50 50 90 90 90\nHe 1 2 3\n")
    snapshot = read_structure(file)
    assert snapshot.positions.tolist() == [[1.0, 2.0, 3.0]]
    np.testing.assert_allclose(snapshot.cell, np.diag([50.0] * 3), atol=1e-10)


def test_positions_with_a_unit_and_without_a_cell_are_isolated(tmp_path):
    file = tmp_path / "nocell.xyz"
    file.write_text("1\n positions{nanometer}\nHe 1 2 3\n")
    snapshot = read_structure(file)
    np.testing.assert_allclose(snapshot.positions * BOHR, [[10.0, 20.0, 30.0]], rtol=1e-7)
    assert not snapshot.pbc.any()


CHECKPOINT = """<simulation><step>12</step><system>
  <beads natoms='2' nbeads='2'>
    <q shape='(2, 6)'> [ 0, 1, 2, 3, 4, 5,  2, 1, 0, 3, 4, 5 ] </q>
    <p shape='(2, 6)'> [ 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0 ] </p>
    <m shape='(2)'> [ 1, 1 ] </m><names shape='(2)'> [ H, D ] </names>
  </beads>
  <cell shape='(3, 3)'> [ 9, 1, 0, 0, 9, 0, 0, 0, 9 ] </cell>
  <forces><force forcefield='x'/></forces><ensemble/><motion mode='dummy'/>
</system></simulation>
"""


def test_a_checkpoint_is_a_structure_too_the_centroid_of_its_beads(tmp_path):
    file = tmp_path / "RESTART"
    file.write_text(CHECKPOINT)
    snapshot = read_structure(file)
    assert snapshot.positions.tolist() == [[1.0, 1.0, 1.0], [3.0, 4.0, 5.0]]
    assert snapshot.cell.tolist() == [[9.0, 0.0, 0.0], [1.0, 9.0, 0.0], [0.0, 0.0, 9.0]]
    assert snapshot.labels == ("H", "D")
    assert snapshot.numbers.tolist() == [1, 1]


def test_reading_prints_nothing(tmp_path, capfd):
    read_structure(write(tmp_path / "frame.xyz", "xyz"))
    file = tmp_path / "label.xyz"
    file.write_text("1\n# CELL(abcABC): 50 50 50 90 90 90\nOW 1 2 3\n")
    assert read_structure(file).numbers.tolist() == [0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2\n# CELL(abcABC): 9 9 9 90 90 90\nAr 0 0 0\n", "ends after 1 of the 2 atoms"),
        ("1\n# CELL(abcABC): 9 9 9 90\nAr 0 0 0\n", "`CELL(abcABC): 9 9 9 90` is no cell"),
        ("1\n# positions{furlong}\nAr 0 0 0\n", "furlong"),
        ("1\n# positions{angstrom}\nAr 0 zero 0\n", "'zero'"),
        ("1\n# positions{angstrom}\nAr 0 nan 0\n", "no finite number"),
        ("3\n# positions{angstrom}\nAr 0 0 0\nAr 1 1 1\n3\n", "3 atoms, but line 5 is `3`"),
        ("1\n# positions{angstrom}\nAr 0 0 0\nAr 1 1 1\n", "after them comes `Ar 1 1 1`"),
        ("1\n# positions{angstrom}\nAr 0 0\n", "line 3 is `Ar 0 0`"),
        ("0\n# positions{angstrom}\n", "0 atoms"),
        ("1\n# CELL(H): 9 0 0 1 9 0 0 0 9\nAr 0 0 0\n", "upper triangular"),
        ("1\n# CELL(H): 9 0 0 0 -8 0 0 0 7\nAr 0 0 0\n", "volume is not positive"),
        ("1\n# CELL(abcABC): 9 9 0 90 90 90\nAr 0 0 0\n", "volume is not positive"),
        ("1\n# CELL(abcABC): 9 9 9 20 20 120\nAr 0 0 0\n", "cannot read the structure"),
        ("<simulation><system/></simulation>", "not a checkpoint"),
        ("<simulation><system><beads nbeads='1'>", "cannot read it as a checkpoint"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_file(tmp_path, text, complaint):
    file = tmp_path / "wrong.xyz"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_structure(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
