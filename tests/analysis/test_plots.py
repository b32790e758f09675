import subprocess
import sys

import numpy as np
import pytest

from ipi_mtd.analysis.axis import Axis
from ipi_mtd.analysis.free_energy import FreeEnergy
from ipi_mtd.analysis.plots import plot_free_energy, save_free_energy
from ipi_mtd.errors import UserError

X, Y, Z = (Axis(name, -1.0, 1.0, 20) for name in "xyz")
CURVE = FreeEnergy((X,), X.points**2, X.points < 0.9, error=0.1 + 0.1 * X.points**2)
PLANE = FreeEnergy(
    (X, Y), X.points[:, None] ** 2 + Y.points**2, np.abs(X.points[:, None] + Y.points) < 1.5
)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_curve_has_its_units_its_band_and_its_references():
    figure = plot_free_energy(CURVE, "kJ/mol", ["s (nm)"], references=[("A", [-0.5]), ("B", [0.5])])
    (axes,) = figure.axes
    assert axes.get_xlabel() == "s (nm)"
    assert axes.get_ylabel() == "free energy (kJ/mol)"
    assert texts(axes) == ["A", "B"]
    assert axes.texts[0].xy == pytest.approx((-0.5, 0.25))
    assert len(axes.collections) == 1


def test_a_curve_ends_where_the_hills_end():
    (axes,) = plot_free_energy(CURVE, "kJ/mol").axes
    drawn = axes.lines[0].get_ydata()
    np.testing.assert_array_equal(np.isnan(drawn), ~(CURVE.reached & (CURVE.values <= 0.98)))


def test_a_plane_has_its_units_its_colour_bar_and_its_references():
    figure = plot_free_energy(PLANE, "eV", references=[("here", (0.5, -0.5))])
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    assert bar.get_ylabel() == "free energy (eV)"
    assert texts(axes) == ["here"]


def test_the_energy_scale_ends_at_the_highest_value_asked_for():
    _, bar = plot_free_energy(PLANE, "eV", highest=0.5).axes
    assert bar.get_ylim() == pytest.approx((0.0, 0.5))


@pytest.mark.parametrize(("F", "d"), [(CURVE, 1), (PLANE, 2)])
def test_a_picture_is_saved_with_the_path_of_the_run(tmp_path, F, d):
    path = tmp_path / "fes.png"
    visited = np.random.default_rng(0).uniform(-1.0, 1.0, size=(50, d))
    save_free_energy(path, F, "eV", visited=visited)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"labels": ["x"]}, "labels: expected 2, one for each CV, got 1"),
        ({"references": [("ico", [1.0])]}, "ico: expected 2, one for each CV, got 1"),
    ],
)
def test_a_missing_coordinate_is_a_user_error(options, complaint):
    with pytest.raises(UserError, match=complaint):
        plot_free_energy(PLANE, "eV", **options)


def test_three_cvs_are_to_be_projected_first():
    volume = FreeEnergy((X, Y, Z), np.zeros((21, 21, 21)), np.ones((21, 21, 21), dtype=bool))
    with pytest.raises(UserError, match="one or two CVs, got 3; project"):
        plot_free_energy(volume, "eV")


def test_matplotlib_is_not_imported_before_a_picture_is_drawn():
    code = "import sys, ipi_mtd.analysis.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
