import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import (
    format_header,
    format_row,
    line_of_row,
    period_constants,
    read_period,
    read_table,
)

few_examples = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "TABLE"
    path.write_bytes(data)
    return path


def test_a_header_is_one_fields_line_and_one_set_line_for_each_constant():
    assert (
        format_header(["time", "cv1"], {"min_cv1": "-pi", "max_cv1": "pi"})
        == b"#! FIELDS time cv1\n#! SET min_cv1 -pi\n#! SET max_cv1 pi\n"
    )


def test_numbers_are_right_aligned_in_columns_of_24():
    assert format_row([1.0, -0.25]) == b"                     1.0                   -0.25\n"


def test_the_longest_number_does_not_touch_its_neighbor():
    longest = -1.2345678901234568e-300
    assert format_row([longest, longest]) == 2 * b" -1.2345678901234568e-300" + b"\n"


@few_examples
@given(st.lists(st.lists(st.floats(allow_nan=False), min_size=3, max_size=3), max_size=5))
def test_every_float_reads_back_to_the_same_bits(tmp_path, rows):
    data = format_header(["a", "b", "c"]) + b"".join(map(format_row, rows))
    table = read_table(written(tmp_path, data))
    assert table.rows.tobytes() == np.array(rows, dtype=float).tobytes()
    assert table.rows.shape == (len(rows), 3)
    assert table.end == len(data)


def test_a_repeated_header_comments_and_blank_lines_are_no_rows(tmp_path):
    header = format_header(["a", "b"], {"key": "value"})
    path = written(tmp_path, header + b"1 2\n\n# said # twice\n" + header + b"  3 4  # five\r\n")
    table = read_table(path)
    assert table.names == ("a", "b")
    assert table.constants == {"key": "value"}
    assert table.comments == ("said # twice",)
    assert table.rows.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "tail", [b"3", b"3 4", b"# ipi", b"#! FIELDS a b c", b"3 4\0\0\0", b"\0\0"]
)
def test_reading_stops_before_a_line_that_was_cut_short(tmp_path, tail):
    whole = b"#! FIELDS a b\n1 2\n"
    table = read_table(written(tmp_path, whole + tail))
    assert table.rows.tolist() == [[1.0, 2.0]]
    assert table.end == len(whole)


def test_a_header_alone_has_no_rows(tmp_path):
    assert read_table(written(tmp_path, b"#! FIELDS a b\n")).rows.shape == (0, 2)


def test_a_column_is_found_by_name(tmp_path):
    table = read_table(written(tmp_path, b"#! FIELDS a b\n1 2\n3 4\n"))
    assert table.column("b").tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "has no '#! FIELDS' line"),
        (b"1 2\n", "has no '#! FIELDS' line"),
        (b"#! FIELDS a b", "has no '#! FIELDS' line"),
        (b"#! FIELDS\n", "line 1: FIELDS needs different column names"),
        (b"#! FIELDS a a\n", "line 1: FIELDS needs different column names"),
        (b"#! FIELDS a\n1\n#! FIELDS b\n", "line 3: the columns change .* from a to b"),
        (b"#! FIELDS a\n#! SET k 1\n#! SET k 2\n", "line 3: k changes .* from 1 to 2"),
        (b"#! FIELDS a\n#! SET k\n", "line 2: SET needs a name and a value, got '#! SET k'"),
        (b"#! FIELDS a b\n1 2\n1 2 3\n", "line 3: a row needs 2 numbers, got 3"),
        (b"#! FIELDS a b\n1\n2\n", "line 2: a row needs 2 numbers, got 1"),
        (b"#! FIELDS a b\n# c\n\n1 x\n", "line 4: expected a number, got 'x'"),
        (b"#! FIELDS a\n1\0\n2\n", "line 2: expected a number"),
        (b"#! FIELDS a\n1_0\n", "TABLE: could not convert"),
        (b"#! FIELDS a\n1\r2\n", "TABLE"),
        (b"\xff\xfe\n", "is not a text file .byte 0"),
    ],
)
def test_a_broken_file_is_a_user_error_that_names_the_place(tmp_path, data, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        read_table(written(tmp_path, data))
    assert str(tmp_path / "TABLE") in str(caught.value)


@few_examples
@given(st.binary(max_size=60))
def test_whatever_is_in_a_file_only_user_errors_come_out(tmp_path, data):
    path = written(tmp_path, b"#! FIELDS a b\n#! SET min_a 0\n" + data + b"\n")
    with contextlib.suppress(UserError):
        read_period(path, read_table(path), "a")


def test_a_missing_file_and_a_folder_are_user_errors(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_table(path)


@pytest.mark.parametrize("names", [["a b"], [""], ["a", "a"], ["a\n"]])
def test_a_name_must_be_one_word_and_come_once(names):
    with pytest.raises(UserError, match=r"one word|different names"):
        format_header(names)


def test_the_line_of_a_row_counts_headers_comments_and_blank_lines():
    assert [line_of_row(b"#! FIELDS a\n1\n\n# c\n2\n", row) for row in (0, 1)] == [2, 5]


def test_pi_is_written_as_plumed_writes_it():
    assert period_constants({"phi": (-math.pi, math.pi), "x": None}) == {
        "min_phi": "-pi",
        "max_phi": "pi",
    }


@pytest.mark.parametrize("period", [(-math.pi, math.pi), (0.0, 1.0 / 3.0), (-1e-300, 2.5e10)])
def test_a_period_reads_back_to_the_same_bits(tmp_path, period):
    path = written(tmp_path, format_header(["a", "b"], period_constants({"a": period})))
    table = read_table(path)
    assert read_period(path, table, "a") == period
    assert read_period(path, table, "b") is None


def test_a_multiple_of_pi_is_understood(tmp_path):
    path = written(tmp_path, b"#! FIELDS a\n#! SET min_a 0\n#! SET max_a 2*pi\n")
    assert read_period(path, read_table(path), "a") == (0.0, 2.0 * math.pi)


@pytest.mark.parametrize(
    "bounds", [("0", "0"), ("1", "0"), ("0", "x"), ("-inf", "1"), ("*pi", "1")]
)
def test_a_period_without_a_length_is_a_user_error(tmp_path, bounds):
    path = written(tmp_path, format_header(["a"], {"min_a": bounds[0], "max_a": bounds[1]}))
    with pytest.raises(UserError, match="min_a and max_a must be two numbers in ascending order"):
        read_period(path, read_table(path), "a")
