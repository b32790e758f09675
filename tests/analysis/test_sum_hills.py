import math

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.sum_hills import floors_of, sum_hills
from ipi_mtd.bias.kernel import REACH, gaussian, stretched_gaussian
from ipi_mtd.files.hills import Hill, format_hill, format_hills_header, read_hills
from tests.harness import plumed

OPEN = Axis("x", -1.0, 2.0, 30)
PERIODIC = Axis("y", -math.pi, math.pi, 40, periodic=True)
COARSE = Axis("z", 0.0, 1.0, 9)


def random_hills(axes, n, sigma=(0.02, 1.2), seed=0):
    """Hills inside and outside of the grid, narrow and wide."""
    rng = np.random.default_rng(seed)
    lower, upper = (np.array([getattr(axis, end) for axis in axes]) for end in ("lower", "upper"))
    centers = rng.uniform(lower - 1.0, upper + 1.0, size=(n, len(axes)))
    return centers, rng.uniform(*sigma, size=(n, len(axes))), rng.uniform(-0.5, 1.0, size=n)


def summed_one_by_one(axes, centers, sigmas, heights, kernel=stretched_gaussian):
    points = np.meshgrid(*(axis.points for axis in axes), indexing="ij")
    total = np.zeros(points[0].shape)
    for center, sigma, height in zip(centers, sigmas, heights, strict=True):
        d = np.zeros(total.shape)
        for axis, s, c, width in zip(axes, points, center, sigma, strict=True):
            length = {True: axis.upper - axis.lower, False: math.inf}[axis.periodic]
            away = np.vectorize(math.remainder)(s - c, length)
            d += 0.5 * (away / width) ** 2
        total += height * kernel(d)[0]
    return total


@pytest.mark.parametrize(
    "axes", [(OPEN,), (PERIODIC,), (OPEN, PERIODIC), (PERIODIC, OPEN), (PERIODIC, COARSE, OPEN)]
)
def test_the_sum_is_that_of_the_kernel_hill_by_hill(axes):
    hills = random_hills(axes, 60)
    np.testing.assert_allclose(
        sum_hills(axes, *hills), summed_one_by_one(axes, *hills), rtol=1e-12, atol=1e-13
    )


def test_each_hill_is_summed_with_its_own_floor():
    hills = random_hills((OPEN, PERIODIC), 60)
    floors = np.tile([gaussian.floor, stretched_gaussian.floor, gaussian.floor], 20)
    parts = [
        (gaussian, floors == gaussian.floor),
        (stretched_gaussian, floors == stretched_gaussian.floor),
    ]
    one_by_one = [
        summed_one_by_one((OPEN, PERIODIC), *(column[which] for column in hills), kernel)
        for kernel, which in parts
    ]
    total = sum_hills((OPEN, PERIODIC), *hills, floors)
    np.testing.assert_allclose(total, sum(one_by_one), rtol=1e-12, atol=1e-13)


def test_a_single_hill_has_its_height_at_its_center_and_zero_at_its_cutoff():
    V = sum_hills([OPEN], np.array([[0.5]]), np.array([[0.1]]), np.array([3.0]))
    assert V[15] == pytest.approx(3.0, rel=1e-14)
    assert V[16] == pytest.approx(
        3.0 * (math.exp(-0.5) - math.exp(-6.25)) / (1.0 - math.exp(-6.25)), rel=1e-12
    )
    assert np.flatnonzero(V).tolist() == [12, 13, 14, 15, 16, 17, 18]


def test_no_hills_add_up_to_zero():
    assert not sum_hills([OPEN, PERIODIC], np.empty((0, 2)), np.empty((0, 2)), np.empty(0)).any()


def plumed_sums(tmp_path, content, options):
    """The free energy that PLUMED makes of HILLS."""
    (tmp_path / "HILLS").write_bytes(content)
    return plumed.sum_hills(tmp_path, options).column("file.free")


def as_lines(centers, sigmas, heights):
    rows = zip(centers.tolist(), sigmas.tolist(), heights.tolist(), strict=True)
    return [format_hill(0.1, Hill(tuple(c), tuple(sigma), h), 10.0) for c, sigma, h in rows]


def test_plumed_sum_hills_gives_the_same(tmp_path):
    hills = random_hills((OPEN, PERIODIC), 200, sigma=(0.1, 0.4))
    header = format_hills_header(("x", "y"), (None, (-math.pi, math.pi)))
    # No hill is wider than the period: there, sum_hills counts points of its grid twice.
    content = header + b"".join(as_lines(*hills))
    F = plumed_sums(tmp_path, content, "--min -1,-pi --max 2,pi --bin 30,40")
    V = sum_hills((OPEN, PERIODIC), *hills)
    np.testing.assert_allclose(-V, F.reshape(40, 31).T, rtol=0, atol=1e-11)


@pytest.mark.parametrize("kernels", ["g", "gs", "sgs"])
def test_plumed_sum_hills_gives_each_hill_its_kernel_too(tmp_path, kernels):
    axis = Axis("x", -1.0, 2.0, 600)
    centers, sigmas, heights = random_hills((axis,), 20, sigma=(0.1, 0.3))
    header = format_hills_header(("x",), (None,))
    headers = {"s": header, "g": header.replace(b"stretched-gaussian", b"gaussian")}
    lines = as_lines(centers, sigmas, heights)
    n = len(lines) // len(kernels)
    content = b"".join(
        headers[kernel] + b"".join(lines[k * n : (k + 1) * n]) for k, kernel in enumerate(kernels)
    )
    F = plumed_sums(tmp_path, content, "--min -1 --max 2 --bin 600")
    hills = read_hills(tmp_path / "HILLS")
    V = sum_hills((axis,), hills.centers, hills.sigmas, hills.heights, floors_of(hills))
    # PLUMED's METAD cut a Gaussian at its rim; sum_hills does at a point of its grid
    away = np.abs(axis.points[:, None] - centers[:, 0])
    inside = (np.abs(away - REACH * sigmas[:, 0]) > 2.0 * axis.spacing).all(axis=1)
    assert inside.sum() > 450
    np.testing.assert_allclose(-V[inside], F[inside], rtol=0, atol=1e-11)
