"""What i-PI's input and the configuration say of the same thing must be the same."""

import dataclasses
import logging

import numpy as np
import pytest
from square_input import AS_BIAS, PHYSICS, SQUARE

from ipi_mtd.assembly.agreement import find_barostat, require_agreement, require_virial
from ipi_mtd.assembly.structure import structure_of
from ipi_mtd.config import Config
from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address

HERE = Address("square")
TIMESTEP = '<timestep units="femtosecond"> 2 </timestep>'
TEMPERATURE = '<temperature units="kelvin"> 40 </temperature>'
DYNAMICS = '<motion mode="dynamics">'
MOTION_END = "</motion>\n  </system>"
RAMP = '<motion mode="t_ramp"> <t_ramp> <t_end units="kelvin"> 90 </t_end> </t_ramp> </motion>'
WITH_RAMP = (
    (DYNAMICS, f'<motion mode="multi"> {RAMP} {DYNAMICS}'),
    (MOTION_END, f"</motion> {MOTION_END}"),
)
NPT = (
    ('<dynamics mode="nvt">', '<dynamics mode="npt"> <barostat mode="isotropic"/>'),
    ("<ensemble>", "<ensemble> <pressure> 0 </pressure>"),
)
LJ = {"kind": "lennard-jones", "epsilon": "1 kJ/mol", "sigma": "3.4 angstrom"}
NONE = {"kind": "none"}
METAD = {"height": "0.1 kJ/mol", "sigma": [1.0], "pace": 10}
TEMPERED = {**METAD, "bias_factor": 5}


@pytest.fixture
def configure(tmp_path):
    """Makes a configuration for the structure of INPUT, or for another one."""

    def configure(
        structure=SQUARE, *, temperature="40 K", metad=METAD, cvs=("cv1",), kind=LJ, **system
    ):
        path = tmp_path / "ours.xyz"
        lattice = "40 0 0 0 40 0 0 0 40"
        _, _, *atoms = structure.splitlines()
        header = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="F F F"'
        path.write_text("\n".join([str(len(atoms)), header, *atoms, ""]))
        return Config.model_validate(
            {
                "system": {
                    "structure": path,
                    "timestep": "2 fs",
                    **({"temperature": temperature} if temperature else {}),
                    **system,
                },
                "socket": {"address": "square"},
                "potential": kind,
                "models": {"m": {"file": tmp_path / "m.pt"}},
                "cv": [{"name": name} for name in cvs],
                "metad": [metad],
            }
        )

    return configure


def compare(ipi, config):
    """Refuse what does not agree."""
    require_agreement(ipi, config, structure_of(config), HERE)


def rule_against(ipi, config):
    """What is wrong, without the name of the file."""
    with pytest.raises(UserError) as raised:
        compare(ipi, config)
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{ipi.path}: ")
    return message.removeprefix(f"{ipi.path}: ")


def moved(ipi, **changes):
    """The same input with another system."""
    return dataclasses.replace(ipi, systems=(dataclasses.replace(ipi.systems[0], **changes),))


def test_the_same_in_both_is_accepted_in_silence(read, configure, caplog):
    compare(read(), configure())
    compare(read(*AS_BIAS), configure(kind=NONE))
    assert not caplog.records


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        (
            '<timestep units="femtosecond"> 0.5 </timestep>',
            "<timestep> is 0.5 fs, but `system.timestep` of the driver's configuration is 2 fs",
        ),
        (
            "<timestep> 2 </timestep>",
            "<timestep> is 0.048377687 fs, but `system.timestep` of the driver's configuration "
            "is 2 fs: a time without `units` is in atomic units",
        ),
    ],
)
def test_another_time_step_is_refused_with_both(read, configure, written, rule):
    assert rule_against(read((TIMESTEP, written)), configure()) == rule


@pytest.mark.parametrize(
    "written",
    [
        "<timestep units='picosecond'>0.002</timestep>",
        "<timestep> 8.26827467e+01 </timestep>",
    ],
)
def test_a_time_step_may_be_written_in_another_unit(read, configure, written):
    compare(read((TIMESTEP, written)), configure())


def test_another_temperature_is_refused_with_both(read, configure):
    assert rule_against(read(), configure(temperature="300 K")) == (
        "<temperature> is 40 K, but `system.temperature` of the driver's configuration is 300 K; "
        "for a bias at another temperature, give it its own `metad.temperature`"
    )


@pytest.mark.parametrize(
    ("replacements", "temperature", "metad"),
    [
        ((), None, METAD),
        (((TEMPERATURE, "<temperature> 1.26672453e-04 </temperature>"),), "40 K", TEMPERED),
        # without a thermostat i-PI need not know the temperature
        (((TEMPERATURE, ""), ('mode="nvt"', 'mode="nve"')), "300 K", TEMPERED),
        (WITH_RAMP, None, METAD),
    ],
)
def test_temperatures_that_do_not_contradict_are_accepted(
    read, configure, caplog, replacements, temperature, metad
):
    compare(read(*replacements), configure(temperature=temperature, metad=metad))
    assert not caplog.records


@pytest.mark.parametrize("temperature", ["40 K", None])
def test_a_bias_at_another_temperature_is_possible_and_said(read, configure, caplog, temperature):
    metad = {**TEMPERED, "temperature": "600 K"}
    compare(read(), configure(temperature=temperature, metad=metad))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "<temperature> is 40 K; the bias metad is for 600 K" in record.message


@pytest.mark.parametrize(
    ("temperature", "metad"),
    [("40 K", METAD), (None, {**TEMPERED, "temperature": "40 K"})],
)
def test_a_ramp_of_the_temperature_is_refused_where_it_counts(read, configure, temperature, metad):
    config = configure(temperature=temperature, metad=metad)
    assert rule_against(read(*WITH_RAMP), config).startswith(
        '<motion mode="t_ramp"> changes the temperature, and the driver is not told'
    )


def test_folded_atoms_of_an_isolated_molecule_are_refused(read, configure):
    folding = read(('pbc="False"', 'pbc="True"'))
    assert rule_against(folding, configure()).startswith(
        'pbc="True" of the <ffsocket> folds the atoms into the cell, in all directions, which tears'
    )
    compare(folding, configure(periodic=True))


def test_another_number_of_atoms_is_refused(read, configure):
    fewer = SQUARE.replace("4\n", "3\n", 1).rpartition("Ar")[0]
    assert rule_against(read(), configure(fewer)).startswith("i-PI has 4 atoms, but `system.struc")
    assert rule_against(read(), configure(fewer)).endswith("ours.xyz) has 3")


def test_another_element_is_refused_with_the_first_atom_that_differs(read, configure):
    config = configure(SQUARE.replace("Ne", "Kr"))
    assert rule_against(read(), config).startswith(
        "atom 3 is Ne in i-PI, but Kr in `system.structure` of the driver's configuration ("
    )


def test_the_order_of_elements_is_compared(read, configure):
    head, comment, *atoms = SQUARE.splitlines()
    config = configure("\n".join([head, comment, *reversed(atoms)]))
    assert rule_against(read(), config).startswith("atom 2 is Ar in i-PI, but Ne in `system.")


def test_like_atoms_in_another_order_are_refused(read, configure):
    head, comment, a, b, ne, c = SQUARE.splitlines()
    config = configure("\n".join([head, comment, a, c, ne, b]))
    rule = rule_against(read(), config)
    assert rule.startswith("atom 2 is where atom 4 is in `system.structure`")
    assert rule.endswith("the same atoms, but not in the same order")
    # later in a run, the atoms may have changed places
    compare(dataclasses.replace(read(), step=500), config)


@pytest.mark.parametrize(
    ("label", "element"),
    [("D", "H"), ("T", "H"), ("AR", "Ar"), ("CA", "C"), ("OW", "O"), ("H", "H")],
)
def test_a_label_may_be_an_isotope_or_no_element(read, configure, label, element):
    names = ("Ar", "Ar", label, "Ar")
    config = configure(SQUARE.replace("Ne", element))
    compare(moved(read(), names=names), config)


def test_lengths_taken_for_bohr_are_recognized(read, configure):
    ipi = read()
    system = ipi.systems[0]
    ipi = moved(ipi, positions=system.positions / 1.8897261)
    assert rule_against(ipi, configure()).startswith("the positions are 0.5292 times those in `sys")


def test_another_structure_of_the_same_atoms_is_accepted(read, configure, caplog):
    config = configure(SQUARE.replace("3.9", "4.4").replace("0.5", "1.5"))
    compare(read(), config)
    assert not caplog.records


@pytest.mark.parametrize(
    ("scale", "rule"),
    [
        (1.01, "the cell is 40.4 x 40.4 x 40.4 angstrom, but 40 x 40 x 40 angstrom in `system.str"),
        (1.8897261, "the cell is 75.589 x 75.589 x 75.589 angstrom, but 40 x 40 x 40 angstrom in"),
        (0.5291772, "the cell is 21.167 x 21.167 x 21.167 angstrom, but 40 x 40 x 40 angstrom in"),
    ],
)
def test_another_cell_is_refused_in_a_fixed_cell(read, configure, scale, rule):
    ipi = read()
    ipi = moved(ipi, cell=scale * ipi.systems[0].cell)
    assert rule_against(ipi, configure(periodic=True)).startswith(rule)


def test_the_unit_of_a_cell_is_suspected_where_it_would_explain_it(read, configure):
    ipi = read()
    wrong = moved(ipi, cell=1.8897261 * ipi.systems[0].cell)
    assert rule_against(wrong, configure(periodic=True)).endswith(
        "which is 1.8897 times that: see `cell_units`, or `units`, in i-PI's input"
    )


def said_of_the_input(caplog):
    return [r.getMessage() for r in caplog.records if r.name.startswith("ipi_mtd.server.ipi_input")]


def test_a_cell_that_moves_may_be_another_one(read, configure, caplog):
    ipi = read(*NPT)
    other = moved(ipi, cell=1.02 * ipi.systems[0].cell)
    compare(other, configure(periodic=True))
    (message,) = said_of_the_input(caplog)
    assert "the cell is 40.8 x 40.8 x 40.8 angstrom" in message
    caplog.clear()
    compare(dataclasses.replace(other, step=9), configure(periodic=True))
    assert not said_of_the_input(caplog)


@pytest.mark.parametrize("replacements", [NPT, (*NPT, *WITH_RAMP), (*NPT, *AS_BIAS)])
def test_a_barostat_is_found(read, replacements):
    ipi = read(*replacements)
    assert find_barostat(ipi, HERE) == f'{ipi.path}: <dynamics mode="npt">'


def test_none_is_found_where_the_cell_does_not_move(read):
    assert find_barostat(read(), HERE) is None


def test_a_barostat_needs_the_virial():
    require_virial(None, "there is none")
    require_virial('in.xml: <dynamics mode="npt">', None)
    with pytest.raises(UserError) as raised:
        require_virial('in.xml: <dynamics mode="npt">', "there is none")
    assert str(raised.value) == (
        'in.xml: <dynamics mode="npt"> moves the cell by the virial, but there is none'
    )


def test_a_cell_that_is_turned_is_the_same(read, configure):
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    ipi = read()
    system = ipi.systems[0]
    turned = moved(ipi, cell=system.cell @ turn, positions=system.positions @ turn)
    compare(turned, configure(periodic=True))


SLAB = {"periodic": [True, True, False]}


def test_folding_a_slab_is_refused_and_its_vacuum_is_not_compared(read, configure, caplog):
    folding = read(('pbc="False"', 'pbc="True"'))
    assert "takes as periodic along a and b" in rule_against(folding, configure(**SLAB))
    ipi = read()
    high = ipi.systems[0].cell * np.array([[1.0], [1.0], [1.5]])
    compare(moved(ipi, cell=high), configure(**SLAB))
    wide = ipi.systems[0].cell * np.array([[1.0], [1.5], [1.0]])
    assert "the cell is 40 x 60 angstrom" in rule_against(moved(ipi, cell=wide), configure(**SLAB))
    assert not said_of_the_input(caplog)


@pytest.mark.parametrize(("side", "gap"), [(10, 6.1), (11.5, 7.6)])
def test_an_isolated_molecule_in_a_tight_cell_is_said(read, configure, caplog, side, gap):
    ipi = read()
    tight = moved(ipi, cell=ipi.systems[0].cell * side / 40)
    compare(tight, configure())
    (record,) = caplog.records
    assert f"the atoms come as near as {gap} angstrom to their images" in record.message
    assert "`system.periodic`" in record.message


@pytest.mark.parametrize("side", [12.5, 40])
def test_an_isolated_molecule_in_a_wide_cell_is_nothing_to_say(read, configure, caplog, side):
    ipi = read()
    compare(moved(ipi, cell=ipi.systems[0].cell * side / 40), configure())
    assert not caplog.records


BESIDE = (PHYSICS[0], PHYSICS[0] + PHYSICS[1])


@pytest.mark.parametrize(
    ("replacements", "kind", "rule"),
    [
        ((), NONE, "the driver has no potential: the atoms feel the bias alone"),
        (AS_BIAS, LJ, "so the lennard-jones potential of the driver's configuration is added"),
    ],
)
def test_physical_forces_that_come_never_or_twice_are_said(
    read, configure, caplog, replacements, kind, rule
):
    compare(read(*replacements), configure(kind=kind))
    (record,) = caplog.records
    assert rule in record.message


@pytest.mark.parametrize("kind", [LJ, NONE])
def test_a_driver_beside_another_one_may_have_a_potential_or_not(read, configure, caplog, kind):
    compare(read(BESIDE), configure(kind=kind))
    assert not caplog.records


TRAJECTORY = '<trajectory filename="e" extra_type="{}"> {} </trajectory> <checkpoint'


@pytest.mark.parametrize(
    ("replacements", "keys", "quantity"),
    [
        ((), "cv1, bias,potential", "extras"),
        ((), "raw", "extras"),
        (AS_BIAS, "cv1,bias", "extras_bias"),
        (AS_BIAS, "dipole", "extras"),  # those of the other driver
    ],
)
def test_extras_that_are_told_may_be_printed(read, configure, replacements, keys, quantity):
    printed = ("<checkpoint", TRAJECTORY.format(keys, quantity))
    compare(read(*replacements, printed), configure())


@pytest.mark.parametrize(("replacements", "quantity"), [((), "extras"), (AS_BIAS, "extras_bias")])
def test_extras_that_are_not_told_are_refused(read, configure, replacements, quantity):
    printed = ("<checkpoint", TRAJECTORY.format("phi,biass", quantity))
    assert rule_against(read(*replacements, printed), configure(cvs=("phi",))) == (
        'extra_type="phi,biass" of a <trajectory>: the driver tells bias, potential, phi, not '
        "'biass'; did you mean 'bias'?"
    )
