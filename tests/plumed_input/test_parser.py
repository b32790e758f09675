"""The ways in which PLUMED lets an action be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input import parse

FILE = Path("plumed.dat")


@pytest.mark.parametrize(
    "text",
    [
        "cv: SELECT_COMPONENTS ARG=x COMPONENTS=1,2",
        "cv:\tSELECT_COMPONENTS   COMPONENTS=1,2 \t ARG=x  # a comment",
        "SELECT_COMPONENTS LABEL=cv ARG=x COMPONENTS=1,2",
        "cv: select_components arg=x components={1,2}",
        "cv: SELECT_COMPONENTS ARG={x} {COMPONENTS=1,2}",
        "cv: SELECT_COMPONENTS ...\n  ARG=x\n\n  # a comment\n  COMPONENTS=1,2\n...\n",
        "cv: SELECT_COMPONENTS ...\n ARG=x ...\n COMPONENTS=1,2\n... cv:",
        "SELECT_COMPONENTS ARG=x ...\n LABEL=cv COMPONENTS=1,2\n... SELECT_COMPONENTS",
        "cv: SELECT_COMPONENTS ARG=x COMPONENTS=1,2\r\n",
        "cv: SELECT_COMPONENTS ARG=x COMPONENTS=1,2\nENDPLUMED\nanything {{ goes",
    ],
)
def test_spellings_of_an_action_are_the_same_action(text: str) -> None:
    (action,) = parse(text, FILE)
    assert (action.name, action.label, action.line) == ("SELECT_COMPONENTS", "cv", 1)
    assert action.words("ARG") == ["x"]
    assert action.words("COMPONENTS") == ["1", "2"]
    assert not action.flags


def test_braces_keep_blanks_and_inner_braces() -> None:
    (action,) = parse("b: BETWEEN ...\n SWITCH={GAUSSIAN\n  LOWER={0}} ARG=x\n...", FILE)
    assert action.keywords["SWITCH"].text == "GAUSSIAN LOWER={0}"
    assert action.text("ARG") == "x"


def test_a_word_knows_its_line() -> None:
    (_, action) = parse("UNITS LENGTH=A\n\nm: METAD ...\n  PACE=30\n\n  SIGMA=1\n...", FILE)
    assert action.line == 3
    assert (action.keywords["PACE"].line, action.keywords["SIGMA"].line) == (4, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PRINT ...\nARG=x", "line 1: this `...` has no `...`"),
        ("m: METAD ...\nPACE=1\n... n:", "line 3: after the closing `...` there can only be `m:`"),
        ("...", "line 1: `...` without an action"),
        ("UNITS\nPRINT ARG={x", "line 2: a `{` without a `}`"),
        ("PRINT ARG=x}", "line 1: a `}` without a `{`"),
        ("UNITS\ncv:", "line 2: `cv:` without an action"),
        ("a: SUM LABEL=b", "line 1: two labels, `a` and `b`"),
        ("PRINT ARG=x ARG=y", "line 1: `ARG` stands twice"),
        ("a.b: SUM ARG=x", "line 1: a label is made of letters"),
    ],
)
def test_what_breaks_the_grammar_is_an_error_that_names_the_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse(text, FILE)
    assert str(error.value).startswith(f"plumed.dat, {message}")
