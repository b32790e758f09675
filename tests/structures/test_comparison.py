"""Whether two structures are of the same atoms."""

from pathlib import Path

import numpy as np
import pytest

from ipi_mtd.structures import Snapshot, differing_atoms


def of(*labels, name="mark.xyz"):
    n = len(labels)
    return Snapshot(Path(name), labels, np.zeros((n, 3)), np.zeros((3, 3)), np.zeros(3, dtype=bool))


RUN = of("O", "H", "H", "W", name="run.xyz")


@pytest.mark.parametrize("in_order", [True, False])
def test_isotopes_are_the_same_atoms(in_order):
    assert differing_atoms(of("O", "D", "H", "W"), RUN, in_order=in_order) is None


@pytest.mark.parametrize(
    ("labels", "in_order", "difference"),
    [
        (("O", "H", "H"), False, "has 3 atoms, and run.xyz has 4"),
        (("H", "O", "H", "W"), True, "has H as atom 1, and run.xyz O"),
        (("H", "O", "H", "W"), False, None),
        (("O", "H", "O", "W"), False, "has other elements than run.xyz"),
        (("O", "H", "H", "WX"), True, "has WX as atom 4, and run.xyz W"),
    ],
)
def test_the_first_difference_is_said(labels, in_order, difference):
    assert differing_atoms(of(*labels), RUN, in_order=in_order) == difference
