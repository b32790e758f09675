"""A file that only grows, or is cut back."""

import resource
from contextlib import contextmanager

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.record.appended import AppendedFile
from ipi_mtd.record.writing import unused


@pytest.fixture
def file(tmp_path):
    appended = AppendedFile(tmp_path / "HILLS", b"# header\n")
    appended.start()
    yield appended
    appended.close()


@contextmanager
def small_files():
    """No file may grow beyond 100 bytes; no longer than needed, as pytest writes files too."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_lines_are_there_at_once(file):
    file.append(b"one\n")
    assert file.path.read_bytes() == b"# header\none\n"
    assert file.size == 13


def test_it_is_cut_back(file):
    file.append(b"one\ntwo\n")
    file.cut(13)
    file.append(b"three\n")
    assert file.path.read_bytes() == b"# header\none\nthree\n"


def test_a_tail_is_kept_under_a_name_of_its_own(file):
    file.append(b"one\ntwo\n")
    first = file.keep_tail(13, "after-step-5")
    second = file.keep_tail(9, "after-step-5")
    assert first.name == "HILLS.after-step-5"
    assert first.read_bytes() == b"two\n"
    assert second.name == "HILLS.after-step-5.1"
    assert second.read_bytes() == b"one\ntwo\n"
    assert file.keep_tail(17, "after-step-5") is None


def test_a_file_that_may_not_grow_is_left_whole(file):
    file.append(b"x" * 79 + b"\n")
    with small_files(), pytest.raises(UserError, match="cannot be written: File too large"):
        file.append(b"y" * 79 + b"\n")
    assert file.path.read_bytes() == b"# header\n" + b"x" * 79 + b"\n"
    assert file.size == 89


def test_it_cannot_be_cut_beyond_its_end(file):
    with pytest.raises(UserError, match="has 9 bytes where the journal knows of 10"):
        file.cut(10)


def test_an_unused_name_is_found(tmp_path):
    assert unused(tmp_path / "a").name == "a"
    (tmp_path / "a").touch()
    (tmp_path / "a.1").touch()
    assert unused(tmp_path / "a").name == "a.2"
