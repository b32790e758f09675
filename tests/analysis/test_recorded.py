"""The journal beside HILLS tells the temperature and the unit, if it is that of the run."""

import pytest

from ipi_mtd.analysis.recorded import read_recorded
from ipi_mtd.record.journal import Journal

IDENTITY = {
    "metad": {
        "a": {"file": "HILLS", "temperature": None},
        "b": {"file": "HILLS.b", "temperature": 77.0},
    },
    "temperature": 300.0,
    "units": {"energy": "eV"},
}


def write_journal(directory, identity):
    journal = Journal(directory / "ipi-mtd.journal", 3, ("HILLS", "HILLS.b", "COLVAR"), identity)
    journal.begin()
    return journal


@pytest.mark.parametrize(
    ("name", "temperature"),
    [("HILLS", 300.0), ("HILLS.b", 77.0), ("HILLS.b.after-step-7", 77.0)],
)
def test_a_bias_has_its_own_temperature_or_that_of_the_run(tmp_path, name, temperature):
    write_journal(tmp_path, IDENTITY).close()
    recorded = read_recorded(tmp_path / name)
    assert (recorded.energy_unit, recorded.temperature) == ("eV", temperature)


def test_a_driver_may_be_at_work(tmp_path):
    journal = write_journal(tmp_path, IDENTITY)  # and it keeps its lock
    assert read_recorded(tmp_path / "HILLS").temperature == 300.0
    journal.close()


def test_an_identity_that_says_less_is_no_error(tmp_path):
    write_journal(tmp_path, {"pace": 3}).close()
    recorded = read_recorded(tmp_path / "HILLS")
    assert (recorded.energy_unit, recorded.temperature) == (None, None)


@pytest.mark.parametrize("name", ["HILLS.old", "OTHER", "HILLS2"])
def test_another_file_is_not_of_this_run(tmp_path, name):
    write_journal(tmp_path, IDENTITY).close()
    assert read_recorded(tmp_path / name) is None


@pytest.mark.parametrize(
    "content", [b"", b"my diary", b"my diary, with more than one header in it"]
)
def test_a_file_that_is_no_journal_says_nothing(tmp_path, content):
    (tmp_path / "ipi-mtd.journal").write_bytes(content)
    assert read_recorded(tmp_path / "HILLS") is None


def test_there_need_not_be_a_journal(tmp_path):
    assert read_recorded(tmp_path / "HILLS") is None
