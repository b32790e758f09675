import math

import numpy as np

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.fes_file import format_fes, write_fes
from ipi_mtd.analysis.free_energy import FreeEnergy
from ipi_mtd.analysis.states import State
from ipi_mtd.files.fields import format_row, read_table

AXES = (Axis("x", 0.0, 1.0, 2), Axis("y", -math.pi, math.pi, 2, periodic=True))
VALUES = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
REACHED = np.ones((3, 2), dtype=bool)


def test_the_layout_is_that_of_sum_hills():
    rows = [
        [format_row(row) for row in block]
        for block in (
            [(0.0, -math.pi, 0.0), (0.5, -math.pi, 2.0), (1.0, -math.pi, 4.0)],
            [(0.0, 0.0, 1.0), (0.5, 0.0, 3.0), (1.0, 0.0, 5.0)],
        )
    ]
    assert format_fes(FreeEnergy(AXES, VALUES, REACHED)) == (
        b"#! FIELDS x y file.free\n"
        b"#! SET min_x 0\n#! SET max_x 1\n#! SET nbins_x 3\n#! SET periodic_x false\n"
        b"#! SET min_y -pi\n#! SET max_y pi\n#! SET nbins_y 2\n#! SET periodic_y true\n"
        + b"".join(rows[0])
        + b"\n"
        + b"".join(rows[1])
    )


def test_the_error_is_the_last_column(tmp_path):
    error = np.where(VALUES > 3.5, np.nan, 0.1 * VALUES)
    write_fes(tmp_path / "fes.dat", FreeEnergy(AXES, VALUES, REACHED, error))
    table = read_table(tmp_path / "fes.dat")
    assert table.names == ("x", "y", "file.free", "error")
    np.testing.assert_array_equal(table.column("error").reshape(2, 3).T, error)


def test_one_cv_has_no_blank_lines():
    curve = FreeEnergy(AXES[:1], VALUES[:, 0], REACHED[:, 0])
    assert format_fes(curve).count(b"\n\n") == 0
    assert format_fes(curve).endswith(format_row([1.0, 4.0]))


def test_states_are_comments_that_readers_skip(tmp_path):
    states = (State((0.0, 1.0), 0.0, 0.0, 3), State((1.0, 2.0), 2.5, np.nan, 1))
    write_fes(tmp_path / "fes.dat", FreeEnergy(AXES, VALUES, REACHED, VALUES, states))
    assert read_table(tmp_path / "fes.dat").comments == (
        "state at x = 0, y = 1: the lowest state, 3 visits",
        "state at x = 1, y = 2: F = 2.5, one visit: no error known",
    )
