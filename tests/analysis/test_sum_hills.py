import math
import subprocess
import sys

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.sum_hills import sum_hills
from ipi_mtd.bias.hill import Hill, stretched_gaussian
from ipi_mtd.files.fields import read_table
from ipi_mtd.files.hills import format_hill, format_hills_header

OPEN = Axis("x", -1.0, 2.0, 30)
PERIODIC = Axis("y", -math.pi, math.pi, 40, periodic=True)
COARSE = Axis("z", 0.0, 1.0, 9)


def random_hills(axes, n, sigma=(0.02, 1.2), seed=0):
    """Hills inside and outside of the grid, narrow and wide."""
    rng = np.random.default_rng(seed)
    lower, upper = (np.array([getattr(axis, end) for axis in axes]) for end in ("lower", "upper"))
    centers = rng.uniform(lower - 1.0, upper + 1.0, size=(n, len(axes)))
    return centers, rng.uniform(*sigma, size=(n, len(axes))), rng.uniform(-0.5, 1.0, size=n)


def summed_one_by_one(axes, centers, sigmas, heights):
    points = np.meshgrid(*(axis.points for axis in axes), indexing="ij")
    total = np.zeros(points[0].shape)
    for center, sigma, height in zip(centers, sigmas, heights, strict=True):
        d = np.zeros(total.shape)
        for axis, s, c, width in zip(axes, points, center, sigma, strict=True):
            length = {True: axis.upper - axis.lower, False: math.inf}[axis.periodic]
            away = np.vectorize(math.remainder)(s - c, length)
            d += 0.5 * (away / width) ** 2
        total += height * stretched_gaussian(d)[0]
    return total


@pytest.mark.parametrize(
    "axes", [(OPEN,), (PERIODIC,), (OPEN, PERIODIC), (PERIODIC, OPEN), (PERIODIC, COARSE, OPEN)]
)
def test_the_sum_is_that_of_the_kernel_hill_by_hill(axes):
    hills = random_hills(axes, 60)
    np.testing.assert_allclose(
        sum_hills(axes, *hills), summed_one_by_one(axes, *hills), rtol=1e-12, atol=1e-13
    )


def test_a_single_hill_has_its_height_at_its_center_and_zero_at_its_cutoff():
    V = sum_hills([OPEN], np.array([[0.5]]), np.array([[0.1]]), np.array([3.0]))
    assert V[15] == pytest.approx(3.0, rel=1e-14)
    assert V[16] == pytest.approx(
        3.0 * (math.exp(-0.5) - math.exp(-6.25)) / (1.0 - math.exp(-6.25)), rel=1e-12
    )
    assert np.flatnonzero(V).tolist() == [12, 13, 14, 15, 16, 17, 18]


def test_no_hills_add_up_to_zero():
    assert not sum_hills([OPEN, PERIODIC], np.empty((0, 2)), np.empty((0, 2)), np.empty(0)).any()


def test_plumed_sum_hills_gives_the_same(tmp_path):
    pytest.importorskip("plumed")
    centers, sigmas, heights = random_hills((OPEN, PERIODIC), 200, sigma=(0.1, 0.4))
    lines = [
        format_hill(0.1 * i, Hill(tuple(c), tuple(sigma), h), 10.0)
        for i, (c, sigma, h) in enumerate(
            zip(centers.tolist(), sigmas.tolist(), heights.tolist(), strict=True)
        )
    ]
    header = format_hills_header(("x", "y"), (None, (-math.pi, math.pi)))
    (tmp_path / "HILLS").write_bytes(header + b"".join(lines))
    # No hill is wider than the period: there, sum_hills counts points of its grid twice.
    command = "sum_hills --hills HILLS --min -1,-pi --max 2,pi --bin 30,40 --fmt %.17g"
    subprocess.run(
        [sys.executable, "-c", "import plumed; plumed.cli()", *command.split()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    table = read_table(tmp_path / "fes.dat")
    F = table.column("file.free").reshape(40, 31).T
    V = sum_hills((OPEN, PERIODIC), centers, sigmas, heights)
    np.testing.assert_allclose(-V, F, rtol=0, atol=1e-11)
