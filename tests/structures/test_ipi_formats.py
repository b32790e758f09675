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


def write(path, mode, units="automatic", cell_units="automatic", key="positions", kind="length"):
    atoms = Atoms(3)
    atoms.q[:] = POSITIONS.ravel()
    atoms.names[:] = ["Ar", "O", "H"]
    with path.open("w") as file:
        title = "Step:  7  Bead:  0 "
        print_file(mode, atoms, Cell(CELL.T.copy()), file, title, key, kind, units, cell_units)
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
    ],
)
def test_every_way_to_write_a_cell_is_understood(tmp_path, cell, vectors):
    file = tmp_path / "cell.xyz"
    file.write_text(f"1\n# {cell} cell{{angstrom}} positions{{angstrom}}\nHe 1 2 3\n")
    np.testing.assert_allclose(read_structure(file).cell * BOHR, vectors, atol=1e-6)


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
        ("1\n# CELL(abcABC): 9 9 9 90\nAr 0 0 0\n", "i-PI cannot read the structure"),
        ("1\n# positions{furlong}\nAr 0 0 0\n", "furlong"),
        ("1\n# positions{angstrom}\nAr 0 zero 0\n", "'zero'"),
        ("1\n# positions{angstrom}\nAr 0 nan 0\n", "no finite number"),
        ("<simulation><system/></simulation>", "checkpoint"),
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
