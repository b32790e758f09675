"""Numbers are read as PLUMED reads them, and keep their text."""

from __future__ import annotations

import contextlib
import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.written_number import WrittenNumber


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30.0),
        ("-0.5", -0.5),
        ("+.5", 0.5),
        ("1e-3", 1e-3),
        ("pi", math.pi),
        ("-PI", -math.pi),
        ("2pi", 2 * math.pi),
        ("2*pi", 2 * math.pi),
        ("pi/10", math.pi / 10),
        ("-1/4", -0.25),
        ("2*3/4", 1.5),
        ("+pi", math.pi),
        ("-0.5pi", -0.5 * math.pi),
        ("pi*2", 2 * math.pi),
        ("2pi/3", 2 * math.pi / 3),
        ("1+1", 2.0),
        ("-(pi-1)/2", -(math.pi - 1) / 2),
        ("-2^2", -4.0),
        ("007", 7.0),
        ("2 * pi", 2 * math.pi),
        ("sqrt(2)/EXP(1)", math.sqrt(2) / math.exp(1)),
    ],
)
def test_a_number_may_be_an_expression_with_pi(text: str, value: float) -> None:
    assert WrittenNumber(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "x",
        "nan",
        "inf",
        "1e999",
        "1/0",
        "1_000",
        "1/2pi",
        "9^9^9^9",
        "2(pi)",
        "sin",
        "1 2",
        "0x10",
        "1e",
        "*2",
        "٣",
    ],
)
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        WrittenNumber(text)


def test_the_text_is_kept_without_blanks_also_by_a_copy() -> None:
    number = WrittenNumber("2 * pi")
    assert (number.text, copy.deepcopy(number).text) == ("2*pi", "2*pi")
    assert number == 2 * math.pi


@given(st.text(alphabet="0123456789.eEpiPI+-*/^() sqrt", max_size=30) | st.text(max_size=10))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_other_text_is_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert math.isfinite(WrittenNumber(text))


def test_a_nest_of_parentheses_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="must be a number"):
        WrittenNumber("(" * 100_000)
