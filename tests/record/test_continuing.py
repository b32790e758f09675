"""A file is gone on with only if what is in it is what will come."""

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.record.continuing import has_rows, require_continuable

OURS = b"#! FIELDS time phi m.bias\n#! SET min_phi 0\n#! SET max_phi 2pi\n"
ROWS = b" 0.000000 0.5 1e-3\n 0.002 .75 0\n"


@pytest.fixture
def require(tmp_path):
    """Whether a file with some content can be gone on with; it must not change."""

    def require(content, *, whole=True):
        path = tmp_path / "COLVAR"
        path.write_bytes(content)
        try:
            require_continuable(path, OURS, whole=whole)
        finally:
            assert path.read_bytes() == content

    return require


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b"#! FIELDS time other\n",
        b"# a remark\n#! FIEL",
        OURS + ROWS,
        OURS + ROWS + OURS + ROWS,
        OURS.replace(b"2pi", b"6.283185307") + ROWS + OURS.replace(b"2pi", b"2*pi") + ROWS,
        OURS.replace(b"min_phi 0", b"min_phi 0.0") + b"# a remark\n\n" + ROWS,
        OURS.replace(b"\n", b"\r\n") + ROWS,
    ],
)
def test_the_same_columns_or_no_row_at_all_can_be_gone_on_with(require, content):
    require(content)


def test_a_file_that_is_not_there_can_be_begun(tmp_path):
    require_continuable(tmp_path / "COLVAR", OURS, whole=True)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            OURS.replace(b"phi m.bias", b"m.bias phi") + ROWS,
            "its columns are time m.bias phi, those of this run are time phi m.bias; move it away",
        ),
        (b"#! FIELDS time phi\n 0 1\n", "its columns are time phi, those of this run are time phi"),
        (OURS.replace(b"bias", b"bias x") + b" 0 1 2 3\n", "its columns are time phi m.bias x"),
        (OURS.replace(b"2pi", b"360") + ROWS, "max_phi is 360 there and 2pi here; move it away"),
        (b"#! FIELDS time phi m.bias\n" + ROWS, "min_phi is absent there and 0 here; move it"),
        (OURS + b"#! SET nbins 7\n" + ROWS, "nbins is 7 there and absent here; move it away"),
        (ROWS, "line 1: there is no '#! FIELDS' line above this row"),
        (b"# notes\n" + ROWS + OURS + ROWS, "line 2: there is no '#! FIELDS' line above this row"),
        (OURS + ROWS + b"#! FIELDS time phi\n 0 1\n", "line 6: the columns change within the file"),
        (b"dear diary\n", "line 1: there is no '#! FIELDS' line above this row"),
        (b"\xff\xfe\x01\n", "line 1: there is no '#! FIELDS' line above this row"),
        (OURS + ROWS + b" 0.004 0.8", "its last line was cut short"),
        (OURS + b" 0.004 0.8", "its last line was cut short"),
        (b"dear diary", "its last line was cut short"),
        (OURS + ROWS + b"\0\0\0", "its last line was cut short"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_difference(require, tmp_path, content, complaint):
    with pytest.raises(UserError) as caught:
        require(content)
    assert str(caught.value).startswith(f"{tmp_path / 'COLVAR'}")
    assert complaint in str(caught.value)


def test_a_line_that_was_cut_short_does_not_matter_if_it_will_be_cut_off(require):
    require(OURS + ROWS + b" 0.004 0.8", whole=False)


@pytest.mark.parametrize(
    ("lines", "answer"),
    [([], False), ([b"", b"# 1 2", b" \t", b"\0\0"], False), ([b"#", b"1"], True), ([b"x"], True)],
)
def test_a_row_is_a_line_that_is_neither_empty_nor_a_comment(lines, answer):
    assert has_rows(lines) is answer
