"""Units are metatomic's, without loading it."""

import subprocess
import sys
from pathlib import Path

import pytest
from metatomic.torch import unit_conversion_factor

from ipi_mtd.units import factor, parse

ROOT = Path(__file__).parents[1]

ENERGIES = [
    "kcal/mol",
    "kJ/mol",
    "eV",
    "meV",
    "Ry",
    "hartree",
    "J/mol",
    "0.001*kJ/mol",
    "kJ*mol^-1",
]
LENGTHS = ["A", "angstrom", "nm", "bohr", "um", "µm", "cm", "m"]
TIMES = ["fs", "ps", "ns", "us", "ms", "s", "2.418884326509e-5*ps"]


@pytest.mark.parametrize(
    ("unit", "to"),
    [(unit, to) for units in (ENERGIES, LENGTHS, TIMES) for unit in units for to in units],
)
def test_factors_are_metatomics(unit, to):
    assert factor(unit, to) == pytest.approx(unit_conversion_factor(unit, to), rel=1e-15)


@pytest.mark.parametrize("unit", ["KCAL/MOL", "Kcal/Mol", " kcal / mol "])
def test_case_and_blanks_are_of_no_account(unit):
    assert factor(unit, "hartree") == factor("kcal/mol", "hartree")


@pytest.mark.parametrize(
    ("unit", "to", "message"),
    [
        ("kcl/mol", "hartree", "unknown unit 'kcl'; did you mean 'kcal'"),
        ("fs", "hartree", "dimension mismatch: 'fs' does not measure what 'hartree' does"),
        ("kcal", "hartree", "macroscopic energy; did you mean 'kcal/mol'"),
        ("kJ mol", "hartree", "'kJ mol' is no unit"),
        ("__import__('os')", "hartree", "is no unit"),
        ("0*eV", "hartree", "is no unit"),
        ("eV^x", "hartree", "is no unit"),
        ("", "hartree", "'' is no unit"),
    ],
)
def test_what_is_no_unit_is_refused_with_the_reason(unit, to, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        factor(unit, to)


def test_a_quantity_is_a_number_with_its_unit():
    assert parse("0.04 kcal/mol", "hartree") == 0.04 * factor("kcal/mol", "hartree")
    assert parse("19.3 K", "K") == 19.3


def test_reading_a_configuration_and_launching_load_no_torch():
    code = (
        "import sys, pathlib, ipi_mtd.commands.launch\n"
        "from ipi_mtd.config import read_config\n"
        "read_config(pathlib.Path('inputs/lj38.toml'))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
