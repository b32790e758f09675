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


RING = Axis("phi", -np.pi, np.pi, 90, periodic=True)


def drawn(F, **options):
    return plot_free_energy(F, "eV", **options).axes[0].lines[0].get_ydata()


def test_the_barrier_of_a_ring_is_drawn_to_its_top():
    F = FreeEnergy((RING,), 1.0 + np.cos(RING.points), np.ones(90, dtype=bool))
    np.testing.assert_array_equal(drawn(F), F.values)


def test_a_barrier_within_a_curve_is_no_outer_tail():
    values = np.cos(2.0 * np.pi * X.points) + 1.0  # as high in the middle as at both ends
    curve = drawn(FreeEnergy((X,), values, np.ones(21, dtype=bool)))
    assert curve[10] == 2.0
    assert np.isnan(curve[[0, -1]]).all()


def test_an_error_that_is_not_known_has_no_band():
    error = np.where(X.points > 0.0, np.nan, 0.1)
    F = FreeEnergy((X,), X.points**2, np.ones(21, dtype=bool), error)
    (band,) = plot_free_energy(F, "eV").axes[0].collections
    assert max(path.vertices[:, 0].max() for path in band.get_paths()) <= 0.0


def test_the_scale_of_a_curve_ends_at_the_highest_value_asked_for():
    _, top = plot_free_energy(CURVE, "eV", highest=5.0).axes[0].get_ylim()
    assert top == pytest.approx(1.08 * 5.0)


@pytest.mark.parametrize(
    ("F", "place"), [(CURVE, [7.0]), (PLANE, [0.0, 7.0]), (PLANE, [-7.0, 0.0])]
)
def test_a_mark_outside_of_the_axes_is_left_out_and_costs_nothing(F, place):
    figure = plot_free_energy(F, "eV", references=[("far", place)])
    axes = figure.axes[0]
    assert texts(axes) == []
    assert axes.get_xlim() == (-1.0, 1.0)
    figure.canvas.draw()  # a warning would be an error
    assert axes.get_xlabel() == "x"


def test_a_mark_is_moved_into_the_period():
    F = FreeEnergy((RING,), 1.0 + np.cos(RING.points), np.ones(90, dtype=bool))
    axes = plot_free_energy(F, "eV", references=[("trans", [np.pi + 0.5 + 2.0 * np.pi])]).axes[0]
    assert axes.texts[0].xy[0] == pytest.approx(0.5 - np.pi)


def test_a_plane_with_an_error_has_it_beside_it_blank_where_it_is_not_known():
    error = np.where(X.points[:, None] > 0.0, np.nan, 0.2 + 0.0 * Y.points)
    F = FreeEnergy(PLANE.axes, PLANE.values, PLANE.reached, error)
    figure = plot_free_energy(F, "kJ/mol", ["s (nm)", "t (nm)"], references=[("A", (0.5, 0.5))])
    left, left_bar, right, right_bar = figure.axes
    assert left_bar.get_ylabel() == "free energy (kJ/mol)"
    assert right_bar.get_ylabel() == "standard error (kJ/mol)"
    assert (right.get_xlabel(), right.get_ylabel()) == ("s (nm)", "t (nm)")
    assert left.get_xlim() == right.get_xlim()
    (filled, *_) = right.collections
    assert max(path.vertices[:, 0].max() for path in filled.get_paths() if len(path)) <= 0.05


def test_a_plane_of_which_nothing_is_known_is_blank():
    nothing = np.full(PLANE.values.shape, np.nan)
    plot_free_energy(FreeEnergy(PLANE.axes, PLANE.values, PLANE.reached, nothing), "eV")


def test_a_plane_has_its_units_its_color_bar_and_its_references():
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
