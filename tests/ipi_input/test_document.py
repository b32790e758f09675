"""A file that is no i-PI input is refused."""

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.server.ipi_input import read_ipi_input


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is empty: was i-PI killed while it wrote it?"),
        (b" \n", "is empty: was i-PI killed while it wrote it?"),
        (b"<simulation>", "is not XML, or not all of it: no element found"),
        (b"<simulation> <step> 12 </st", "is not XML, or not all of it: unclosed token"),
        (b"\xff\xfe\x00", "is not XML"),
        (b"[system]\nstructure = 'a.xyz'", "is not XML"),
        (b"<html/>", "an i-PI input is a <simulation>, this is a <html>"),
    ],
)
def test_a_file_that_is_no_input_is_refused(tmp_path, content, rule):
    path = tmp_path / "RESTART"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        read_ipi_input(path)
    assert str(raised.value).startswith(f"{path}: {rule}")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UserError, match="Is a directory"):
        read_ipi_input(tmp_path)
