"""From a configuration to a run: any number of CVs, several models, with and without a grid."""

from pathlib import Path

import numpy as np
import pytest

import ipi_mtd
from ipi_mtd.assembly.run import Run
from ipi_mtd.bias import Grid, HillSum
from ipi_mtd.config import validate
from ipi_mtd.errors import UserError
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure
from tests.harness.session import session_of

ROOT = Path(__file__).parents[2]
SIGMA = [1.0, 0.5, 0.03, 0.05]


@pytest.fixture
def content(exported):
    """The content of a configuration with two models and four CVs, without a bias."""
    return {
        "system": {
            "structure": str(ROOT / "lj38" / "octahedron.xyz"),
            "timestep": "2.5 fs",
            "temperature": "19.3 K",
        },
        "socket": {"address": "none"},
        "potential": {
            "kind": "lennard-jones",
            "epsilon": "0.24 kcal/mol",
            "sigma": "3.4 angstrom",
        },
        "models": {
            "histogram": {"file": str(exported / "histo-cv.pt")},
            "soap": {"file": str(exported / "soap-cv.pt")},
        },
        "cv": [
            {"name": "n6", "model": "histogram", "component": 1},
            {"name": "n8", "model": "histogram", "component": 2},
            {"name": "q4", "model": "soap", "component": 1},
            {"name": "q6", "model": "soap", "component": 2},
        ],
    }


def with_metad(content, n_cvs, **more):
    names = ["n6", "n8", "q4", "q6"][:n_cvs]
    metad = {"cvs": names, "height": "0.04 kcal/mol", "sigma": SIGMA[:n_cvs], "pace": 1}
    return content | {"metad": {**metad, **more}}


def make(content):
    return Run(validate(content, ROOT / "inputs" / "here.toml"))


def jittered(structure, rng):
    positions = structure.positions + 0.05 * rng.normal(size=structure.positions.shape)
    return Structure(positions, structure.cell, structure.types)


@pytest.mark.parametrize("n_cvs", [1, 2, 3, 4])
@pytest.mark.parametrize("grid", [{}, {"grid": False}], ids=["default", "sum"])
def test_forces_of_any_number_of_cvs_are_minus_the_gradient(content, n_cvs, grid):
    run = make(with_metad(content, n_cvs, bias_factor=10, **grid))
    session = session_of(run)
    rng = np.random.default_rng(5)
    for _ in range(4):
        session.propose(jittered(run.structure, rng))
        session.commit()
    assert session.n_hills == 3
    structure = jittered(run.structure, rng)
    direction = rng.normal(size=structure.positions.shape)
    step = 1e-4

    def energy(t):
        moved = Structure(structure.positions + t * direction, structure.cell, structure.types)
        return run.system.evaluate([moved])[0].total.energy

    slope = 8 * (energy(step) - energy(-step)) - (energy(2 * step) - energy(-2 * step))
    (evaluation,) = run.system.evaluate([structure])
    assert evaluation.bias > 0.0
    assert -np.vdot(evaluation.total.forces, direction) == pytest.approx(
        slope / (12 * step), rel=1e-6
    )


@pytest.mark.parametrize(("n_cvs", "surface"), [(1, Grid), (2, Grid), (3, Grid), (4, HillSum)])
def test_a_grid_is_the_default_for_up_to_three_cvs(content, n_cvs, surface):
    (term,) = make(with_metad(content, n_cvs)).biases.terms
    assert isinstance(term.bias.surface, surface)


def test_grid_bounds_and_bins_give_the_spacing_of_plumed(content):
    grid = {"min": [0, 0], "max": [30, 20], "bins": [300, 200]}
    (term,) = make(with_metad(content, 2, grid=grid)).biases.terms
    assert term.bias.surface.spacing == pytest.approx((0.1, 0.1))


def test_the_spacing_is_a_fifth_of_sigma_unless_given(content):
    (term,) = make(with_metad(content, 2)).biases.terms
    assert term.bias.surface.spacing == pytest.approx((0.2, 0.1))
    (term,) = make(with_metad(content, 2, grid={"spacing": [0.3, 0.2]})).biases.terms
    assert term.bias.surface.spacing == pytest.approx((0.3, 0.2))


def test_the_spacing_of_a_periodic_cv_divides_its_period(content):
    content["cv"][0]["period"] = [-1.0, 49.0]
    config = with_metad(content, 1, grid={"spacing": [0.3]})
    run = make(config)
    (term,) = run.biases.terms
    assert term.bias.surface.n_cells[0] == 167  # 50 / 0.3, rounded up
    assert run.config.metad[0].grid.spacing == [0.3]


@pytest.mark.parametrize("n_cvs", [1, 3])
def test_hills_without_height_leave_no_bias_and_no_nan(content, n_cvs):
    run = make(with_metad(content, n_cvs, height=0, bias_factor=10))
    session = session_of(run)
    rng = np.random.default_rng(5)
    for _ in range(4):
        evaluation = session.propose(jittered(run.structure, rng))
        session.commit()
    assert session.n_hills == 3
    assert evaluation.bias == 0.0
    assert np.isfinite(evaluation.total.forces).all()


def test_four_cvs_on_a_grid_are_refused(content):
    with pytest.raises(UserError, match="one to three CVs, got 4"):
        make(with_metad(content, 4, grid={"spacing": SIGMA}))


def test_two_biases_and_a_wall_add_up(content):
    metad = with_metad(content, 2)["metad"]
    wall = {"name": "wall", "side": "upper", "cv": "n6", "at": 20, "kappa": "1 kcal/mol"}
    both = [metad, {**metad, "name": "other", "file": "OTHER", "cvs": ["q4"], "sigma": [0.03]}]
    run = make(content | {"metad": both, "wall": [wall], "units": {"energy": "kcal/mol"}})
    session = session_of(run)
    rng = np.random.default_rng(5)
    for _ in range(4):
        evaluation = session.propose(jittered(run.structure, rng))
        session.commit()
    assert set(evaluation.biases) == {"metad", "other", "wall"}
    assert evaluation.biases["wall"] == pytest.approx((evaluation.s[0] - 20.0) ** 2)
    assert sum(evaluation.biases.values()) * run.system.hartree == evaluation.bias


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"component": 3}, "'n6' of the model 'histogram': `component` is 3"),
        ({"atom": 2}, "'n6' of the model 'histogram': `atom` is 2"),
    ],
)
def test_a_component_that_is_not_there_is_refused(content, change, message):
    content["cv"][0] |= change
    with pytest.raises(UserError, match=message):
        make(content)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colvar": {"stride": 5}}, "`colvar.COLVAR.stride` was absent, is 5"),
        ({"colvar": {"columns": ["n6"]}}, "`colvar.COLVAR.columns` was absent, is ['n6']"),
        ({"units": {"energy": "eV"}}, "`units.energy` was kJ/mol, is eV"),
        ({"potential": {"kind": "none"}}, "`potential.kind` was lennard-jones, is none"),
    ],
)
def test_a_run_is_not_continued_with_other_settings(content, tmp_path, change, complaint):
    make(with_metad(content, 1)).open(tmp_path, Start.RESUME).close()
    with pytest.raises(UserError) as error:
        make(with_metad(content | change, 1)).open(tmp_path, Start.RESUME)
    assert complaint in str(error.value)


def test_the_label_of_a_cv_may_change(content, tmp_path):
    make(with_metad(content, 1)).open(tmp_path, Start.RESUME).close()
    content["cv"][0]["label"] = "atoms with 6 neighbors"
    make(with_metad(content, 1)).open(tmp_path, Start.RESUME).close()


def test_the_public_names_are_those_listed():
    assert {name: getattr(ipi_mtd, name).__name__ for name in ipi_mtd.__all__} == {
        name: name for name in ipi_mtd.__all__
    }
