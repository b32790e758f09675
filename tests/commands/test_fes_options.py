"""What an option says comes first, then the configuration, then the journal beside HILLS."""

from pathlib import Path

import pytest

from ipi_mtd.commands.fes import make_settings
from ipi_mtd.record.journal import Journal

CONFIG = Path(__file__).parents[2] / "inputs/lj38.toml"  # 19.3 K, kcal/mol


@pytest.fixture
def settings(tmp_path):
    """The settings for HILLS beside the journal of a run at 77 K in eV."""
    journal = Journal(
        tmp_path / "ipi-mtd.journal",
        3,
        ("HILLS",),
        {"temperature": 77.0, "units": {"energy": "eV"}},
    )
    journal.begin()
    journal.close()
    told = {"config": None, "temperature": None, "energy_unit": None, "colvar": None}
    told |= {"ranges": (), "onto": (), "marks": ()}
    return lambda **options: make_settings(tmp_path / "HILLS", **(told | options))


def test_without_a_word_the_journal_is_asked(settings):
    found = settings()
    assert (found.temperature, found.default_unit, found.energy_unit) == (77.0, "eV", None)


def test_a_configuration_with_another_temperature_counts_and_is_said(settings, caplog):
    assert settings(config=CONFIG).temperature == 19.3
    (said,) = caplog.messages
    assert said.endswith("journal: the run was made at 77 K; taking the 19.3 K of --config")


def test_an_option_counts_without_a_word(settings, caplog):
    found = settings(config=CONFIG, temperature=30.0, energy_unit="kJ/mol")
    assert (found.temperature, found.energy_unit) == (30.0, "kJ/mol")
    assert not caplog.messages


def test_numbers_are_read_as_plumed_reads_them(settings):
    found = settings(ranges=("phi=-pi/2:1.5pi:30",), marks=("here:phi=2*pi",))
    assert found.bounds["phi"] == pytest.approx((-1.5707963267948966, 4.71238898038469))
    assert found.bins == {"phi": 30}
    assert found.marks == [("here", {"phi": 6.283185307179586})]
