import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipi_mtd.errors import UserError
from ipi_mtd.files.colvar import read_colvar
from ipi_mtd.files.hills import (
    Hill,
    format_hill,
    format_hills_header,
    format_identity,
    read_hills,
)
from tests.harness.plumed import follow, needs_plumed

HEADER = (
    b"#! FIELDS time d t sigma_d sigma_t height biasf\n"
    b"#! SET multivariate false\n"
    b"#! SET kerneltype stretched-gaussian\n"
    b"#! SET min_t -pi\n"
    b"#! SET max_t pi\n"
)
PERIODS = (None, (-math.pi, math.pi))
PLUMED_INPUT = """
d: DISTANCE ATOMS=1,2
t: TORSION ATOMS=1,2,3,4
m: METAD ARG=d,t SIGMA=0.1,0.2 HEIGHT=1.2 PACE=2 BIASFACTOR=10 TEMP=300 FILE=HILLS
PRINT ARG=d,t,m.bias FILE=COLVAR FMT=%.17g
"""
# The TEMP is in the input, so PLUMED writes heights times 10/9.


def run_plumed(folder: Path, steps: range, restart: bool = False) -> str:
    """Drive PLUMED along random positions, give its log."""
    positions = np.array([np.random.default_rng(step).normal(size=(4, 3)) for step in steps])
    follow(
        "RESTART\n" * restart + PLUMED_INPUT,
        positions,
        folder,
        cells=np.tile(10.0 * np.eye(3), (len(steps), 1, 1)),
        timestep=0.002,
        first_step=steps[0],
    )
    return (folder / "plumed.log").read_text()


@needs_plumed
def test_the_header_is_the_one_that_plumed_writes(tmp_path):
    run_plumed(tmp_path, range(3))
    assert format_hills_header(("d", "t"), PERIODS) == HEADER
    assert (tmp_path / "HILLS").read_bytes().startswith(HEADER)


@needs_plumed
def test_plumed_files_are_read_through_a_restart(tmp_path):
    run_plumed(tmp_path, range(9))
    run_plumed(tmp_path, range(9, 15), restart=True)
    assert (tmp_path / "HILLS").read_bytes().count(b"FIELDS") == 2
    hills, colvar = read_hills(tmp_path / "HILLS"), read_colvar(tmp_path / "COLVAR")
    deposited = np.isin(colvar["time"].round(6), hills.times.round(6))
    assert hills.names == ("d", "t")
    assert hills.periods == PERIODS
    assert hills.times.tolist() == pytest.approx([0.004 * k for k in (1, 2, 3, 4, 5, 6, 7)])
    assert hills.sigmas.tolist() == [[0.1, 0.2]] * 7
    assert hills.bias_factors.tolist() == [10.0] * 7
    np.testing.assert_allclose(hills.centers[:, 0], colvar["d"][deposited], rtol=1e-15)
    np.testing.assert_allclose(hills.centers[:, 1], colvar["t"][deposited], rtol=1e-15)
    assert hills.heights[0] == pytest.approx(1.2 * 10 / 9, rel=1e-15)


@needs_plumed
def test_plumed_restarts_from_what_is_written_and_skips_our_lines(tmp_path):
    hill = Hill((2.136459834790144, -0.4382978124439778), (0.1, 0.2), 4.0 / 3.0)
    (tmp_path / "HILLS").write_bytes(
        format_hills_header(("d", "t"), PERIODS)
        + format_identity({"d": "model=histo-cv.pt sha256=0123 unit=Å", "t": "a b c d e f g"})
        + format_hill(0.004, hill, 10.0)
        + format_identity({"late": "one"})
        + format_hill(0.008, hill, 10.0)
    )
    assert "2 Gaussians read" in run_plumed(tmp_path, range(9, 11), restart=True)
    hills = read_hills(tmp_path / "HILLS")
    assert list(hills)[:2] == [hill, hill]
    assert len(hills) == 3
    assert hills.identity["d"] == "model=histo-cv.pt sha256=0123 unit=Å"


finite = st.floats(allow_nan=False, allow_infinity=False)
width = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(finite, st.tuples(finite, finite), st.tuples(width, width), finite)
def test_a_hill_reads_back_to_the_same_bits(tmp_path, when, center, sigma, height):
    path = tmp_path / "HILLS"
    line = format_hill(when, Hill(center, sigma, height), -1.0)
    path.write_bytes(format_hills_header(("d", "t"), PERIODS) + line)
    hills = read_hills(path)
    assert format_hill(hills.times[0], next(iter(hills)), hills.bias_factors[0]) == line
    assert hills.centers.tobytes() == np.array(center).tobytes()
    assert hills.end == path.stat().st_size


def test_a_header_alone_holds_no_hills(tmp_path):
    (tmp_path / "HILLS").write_bytes(HEADER)
    hills = read_hills(tmp_path / "HILLS")
    assert len(hills) == 0
    assert hills.centers.shape == (0, 2)


def test_the_clock_of_several_walkers_is_passed_over(tmp_path):
    path = tmp_path / "HILLS"
    path.write_bytes(b"#! FIELDS time x sigma_x height biasf clock\n1 2 3 4 -1 1700000000\n")
    assert list(read_hills(path)) == [Hill((2.0,), (3.0,), 4.0)]


def test_identity_lines_read_back_as_they_were(tmp_path):
    identity = {"cv1": "model=a  b.pt sha256=00", "mtd": "kT=0.1 # K"}
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER + format_identity(identity) + b"# a stranger's comment\n")
    assert read_hills(path).identity == identity


def test_two_identities_under_one_key_are_a_user_error(tmp_path):
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER + format_identity({"cv1": "a"}) + format_identity({"cv1": "b"}))
    with pytest.raises(UserError, match="cv1 changes within the file, from 'a' to 'b'"):
        read_hills(path)


@pytest.mark.parametrize("identity", [{"a b": "x"}, {"": "x"}, {"a": "x\ny"}, {"a": ""}])
def test_an_identity_that_does_not_fit_a_line_is_a_user_error(identity):
    with pytest.raises(UserError, match="identity line"):
        format_identity(identity)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b"stretched-gaussian", b"triangular", "kerneltype is triangular, but only"),
        (b"multivariate false", b"multivariate true", "multivariate is true, but only"),
        (b" biasf", b"", "has the columns time cv"),
        (b"time d t", b"d t time", "has the columns time cv"),
        (b" height", b"", "has the columns time cv"),
        (b"max_t pi", b"max_t -pi", "min_t and max_t must be two numbers"),
        (b"#! SET max_t pi\n", b"", "min_t and max_t must be two numbers"),
    ],
)
def test_hills_of_another_kind_are_refused_by_name(tmp_path, old, new, complaint):
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER.replace(old, new))
    with pytest.raises(UserError, match=complaint):
        read_hills(path)


GAUSSIAN = HEADER.replace(b"stretched-gaussian", b"gaussian")
ROW = b" 1 2 3 .1 .2 1 1\n"


@pytest.mark.parametrize(
    ("content", "kernels"),
    [
        (GAUSSIAN + ROW, "g"),
        (HEADER.replace(b"#! SET kerneltype stretched-gaussian\n", b"") + ROW, "s"),
        (GAUSSIAN + 2 * ROW + HEADER + ROW + HEADER + ROW, "ggss"),
        (HEADER + ROW + b"\n# said\n" + GAUSSIAN + ROW + HEADER + 2 * ROW, "sgss"),
        (HEADER + GAUSSIAN + ROW, "g"),
    ],
)
def test_each_hill_has_the_kernel_of_the_header_above_it(tmp_path, content, kernels):
    path = tmp_path / "HILLS"
    path.write_bytes(content)
    hills = read_hills(path)
    named = {"g": "gaussian", "s": "stretched-gaussian"}
    assert [hill.kernel for hill in hills] == [named[letter] for letter in kernels]


def test_the_bounds_of_a_repeated_header_may_be_written_in_another_way(tmp_path):
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER + ROW + HEADER.replace(b"max_t pi", b"max_t 3.1415927") + ROW)
    assert len(read_hills(path)) == 2


@pytest.mark.parametrize(
    "bounds", [("-pi", "pi"), ("0", "2pi"), ("-pi/2", "pi/2"), ("0.0", "360.0"), ("-0.5*pi", "+pi")]
)
def test_bounds_are_written_again_as_they_were_read(tmp_path, bounds):
    path = tmp_path / "HILLS"
    header = HEADER.replace(b"min_t -pi", b"min_t " + bounds[0].encode())
    path.write_bytes(header.replace(b"max_t pi", b"max_t " + bounds[1].encode()))
    hills = read_hills(path)
    assert format_hills_header(hills.names, hills.periods) == path.read_bytes()


@pytest.mark.parametrize("row", [b"1 2 nan .1 .2 1 1", b"1 2 3 0 .2 1 1", b"1 2 3 .1 .2 inf 1"])
def test_a_hill_that_is_none_is_refused_with_its_line(tmp_path, row):
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER + b"1 2 3 .1 .2 1 1\n" + row + b"\n")
    with pytest.raises(UserError, match="HILLS, line 7: a hill needs finite numbers and positive"):
        read_hills(path)


def test_reading_takes_a_few_seconds_for_a_million_hills(tmp_path):
    rows = np.random.default_rng(0).uniform(0.1, 1.0, size=(1000, 7)).tolist()
    block = b"".join(
        format_hill(row[0], Hill(tuple(row[1:3]), tuple(row[3:5]), row[5]), 10.0) for row in rows
    )
    path = tmp_path / "HILLS"
    path.write_bytes(HEADER + 50 * block)
    start = time.process_time()
    assert len(read_hills(path)) == 50_000
    assert time.process_time() - start < 2.0  # 0.25 s on one slow core
