"""What i-PI makes of its input: its defaults, its units, its files."""

import sys
from pathlib import Path

import numpy as np
import pytest
from square_input import AS_BIAS, INPUT, SQUARE

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import interpret
from ipi_mtd.server.ipi_input.elements import Checkpoint
from tests.harness.ipi import finish

HERE = Address("square")
BOHR = 1 / 0.52917721
TIMESTEP = '<timestep units="femtosecond"> 2 </timestep>'
TEMPERATURE = '<temperature units="kelvin"> 40 </temperature>'
POSITIONS = np.array([line.split()[1:] for line in SQUARE.splitlines()[2:]], dtype=float) * BOHR


def test_a_new_process_says_what_an_input_means(write):
    path = write()
    ipi = interpret(path, path.parent)
    (system,) = ipi.systems
    assert (ipi.path, ipi.step, ipi.total_steps, ipi.prefix) == (path, 0, 2000, "sq")
    assert system.names == ("Ar", "Ar", "Ne", "Ar")
    np.testing.assert_allclose(system.positions, POSITIONS, rtol=1e-7)
    np.testing.assert_allclose(system.cell, 40 * BOHR * np.eye(3), atol=1e-5)
    assert system.temperature == pytest.approx(40, rel=1e-9)
    assert system.motion.timestep == pytest.approx(2e-3, rel=1e-9)
    assert ipi.quantities == ("step", "time{picosecond}", "potential{electronvolt}")
    assert ipi.checkpoints == (Checkpoint("sq.chk", 50, False),)
    assert [str(socket.address) for socket in ipi.sockets] == [
        "localhost:31415",
        "/tmp/ipi_square",
    ]


def test_what_i_pi_refuses_is_said_in_its_words_and_nothing_is_left_behind(write):
    path = write(("<thermostat", "<thermostatt"), ("</thermostat", "</thermostatt"))
    before = sorted(path.parent.iterdir())
    with pytest.raises(UserError) as raised:
        interpret(path, path.parent)
    assert str(raised.value) == (
        f"{path}: i-PI says: Tag name 'thermostatt' is not a recognized property of "
        "'dynamics' objects"
    )
    assert sorted(path.parent.iterdir()) == before


def test_an_i_pi_that_is_not_installed_is_a_clear_error(write, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2])])
    path = write()
    with pytest.raises(UserError, match=r"input\.xml: i-PI cannot be asked: .*No module named"):
        interpret(path, path.parent)


def test_a_restart_says_its_step_and_its_positions(site, tmp_path):
    (tmp_path / "square.xyz").write_text(SQUARE)
    text = INPUT.replace('mode="inet"', 'mode="unix"').replace("> 2000 <", "> 7 <")
    text = text.replace('forcefield="driver"', 'forcefield="lj"').replace(
        "<system>",
        '<fflj name="lj"> <parameters> {eps: 3e-4, sigma: 6.4} </parameters> </fflj> <system>',
    )
    (tmp_path / "input.xml").write_text(text)
    assert finish(site.ipi()) == [0]
    restart = interpret(tmp_path / "RESTART", tmp_path)
    assert (restart.step, restart.total_steps) == (7, 7)
    assert restart.prefix == "sq"
    assert restart.systems[0].names == ("Ar", "Ar", "Ne", "Ar")
    moved = np.abs(restart.systems[0].positions - POSITIONS).max()
    assert 1e-4 < moved < 0.5
    assert restart.systems[0].temperature == pytest.approx(40, rel=1e-7)


@pytest.mark.parametrize(
    ("written", "kelvin"),
    [
        ('<temperature units="kelvin"> 40 </temperature>', 40),
        ("<temperature units='atomic_unit'>0.001</temperature>", 315.77464),
        ("<temperature> 9.50043399e-04 </temperature>", 300),  # as in RESTART
        ('<temperature units="millikelvin"> 25e3 </temperature>', 25),
        ('<pressure units="bar"> 1 </pressure> <temperature units="kelvin"> 7 </temperature>', 7),
    ],
)
def test_the_temperature_is_in_the_unit_that_is_written(read, written, kelvin):
    assert read((TEMPERATURE, written)).systems[0].temperature == pytest.approx(kelvin, rel=1e-5)


def test_a_temperature_that_is_not_written_is_none(read):
    assert read((TEMPERATURE, "")).systems[0].temperature is None


@pytest.mark.parametrize(
    ("written", "picoseconds"),
    [
        ("<timestep units='picosecond'> 0.002 </timestep>", 2e-3),
        ("<timestep>  1.03353433e+02</timestep>", 2.5e-3),  # as in RESTART
        ("<!-- fs --> <timestep units='attosecond'> 500 </timestep>", 5e-4),
        ("", 2.418884e-5),
    ],
)
def test_the_time_step_is_in_the_unit_that_is_written(read, written, picoseconds):
    found = read((TIMESTEP, written)).systems[0].motion.timestep
    assert found == pytest.approx(picoseconds, rel=1e-6)


def test_total_steps_has_i_pis_default(read):
    assert read(("<total_steps> 2000 </total_steps>", "")).total_steps == 1000


@pytest.mark.parametrize(
    ("written", "nmts"),
    [("", (1,)), ("<nmts>[ 1,4 ]</nmts>", (1, 4)), ("<nmts>[3]</nmts>", (3,))],
)
def test_levels_of_the_time_step_are_read(read, written, nmts):
    assert read((TIMESTEP, TIMESTEP + written)).systems[0].motion.nmts == nmts


def test_the_parts_of_a_multi_motion_are_read(read):
    ramp = '<motion mode="t_ramp"> <t_ramp> <t_end units="kelvin"> 9 </t_end> </t_ramp> </motion>'
    ipi = read(
        ('<motion mode="dynamics">', f'<motion mode="multi"> {ramp} <motion mode="dynamics">'),
        ("</motion>\n  </system>", "</motion> </motion> </system>"),
    )
    assert [part.mode for part in ipi.systems[0].motion.parts] == ["t_ramp", "dynamics"]


def test_a_bias_and_its_weights_are_read(read):
    ipi = read(*AS_BIAS, ("</bias>", "</bias> <bias_weights> [ 0.5 ] </bias_weights>"))
    (use,) = ipi.uses_of(ipi.socket_at(HERE))
    assert (use.is_bias, use.weight, use.force.nbeads) == (True, 0.5, 1)


def test_a_template_is_expanded_as_i_pi_does_it(read):
    template = "<system_template> <labels> [TEMP] </labels> <instance> [40] </instance>"
    ipi = read(
        ("<system>", template + "<instance> [ 80 ] </instance> <template> <system>"),
        ("</system>", "</system> </template> </system_template>"),
        ("> 40 </temperature>", "> TEMP </temperature>"),
    )
    assert [system.temperature for system in ipi.systems] == pytest.approx([40, 80])


def test_positions_of_beads_are_sent_as_their_centroid(read):
    beads = SQUARE + SQUARE.replace("3.9 0.0", "4.1 0.2")
    moved = read(*AS_BIAS, ('<initialize nbeads="1">', '<initialize nbeads="2">'))
    assert moved.systems[0].nbeads == 2
    (moved.path.parent / "two.xyz").write_text(beads)
    ipi = read(
        *AS_BIAS, ('<initialize nbeads="1">', '<initialize nbeads="2">'), ("square.xyz", "two.xyz")
    )
    found = ipi.sent_to(HERE).positions
    np.testing.assert_allclose(found[2], [3.8 * BOHR, 4.0 * BOHR, 0.1 * BOHR], rtol=1e-6)


def test_atoms_are_sent_folded_where_the_socket_says_so(read):
    far = SQUARE.replace("Ne 3.8", "Ne 33.8")
    read().path.with_name("far.xyz").write_text(far)
    here = read(("square.xyz", "far.xyz")).sent_to(HERE)
    folded = read(("square.xyz", "far.xyz"), ('pbc="False"', 'pbc="True"')).sent_to(HERE)
    assert here.positions[2, 0] == pytest.approx(33.8 * BOHR)
    assert folded.positions[2, 0] == pytest.approx(-6.2 * BOHR)
    assert (here.folded, folded.folded) == (False, True)


def test_some_atoms_are_sent_if_the_socket_takes_some(read):
    ipi = read(("square </address>", "square </address> <activelist> [ 2, 0 ] </activelist>"))
    assert ipi.sent_to(HERE).names == ("Ne", "Ar")
    np.testing.assert_allclose(ipi.sent_to(HERE).positions, POSITIONS[[2, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("address", "replacements"),
    [
        (Address("localhost", 31415), ()),
        (Address("127.0.0.1", 31415), ()),
        (Address("127.0.0.3", 31415), (("localhost", "0.0.0.0"),)),
        (Address("localhost", 65535), ((" <port> 31415 </port>", ""),)),
        (Address("localhost", 31415), (('mode="inet"', ""),)),
        (
            Address("square", prefix="/scratch/"),
            (("<simulation", '<simulation sockets_prefix="/scratch/"'),),
        ),
        (
            Address("square", prefix="/scratch/a/../"),
            (("<simulation", '<simulation sockets_prefix="/scratch/./"'),),
        ),
    ],
)
def test_a_socket_is_found_by_its_address_with_i_pis_defaults(read, address, replacements):
    assert read(*replacements).socket_at(address).kind == "ffsocket"


def test_a_relative_prefix_of_both_is_relative_to_the_same_directory(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ipi = read(("<simulation", '<simulation sockets_prefix="./s_"'))
    assert ipi.socket_at(Address("square", prefix="s_")).name == "driver"


@pytest.mark.parametrize(
    "address",
    [
        Address("circle"),
        Address("localhost", 31416),
        Address("square", 31415),
        Address("square", prefix="/scratch/"),
    ],
)
def test_an_address_where_nobody_listens_is_refused_with_those_where_somebody_does(read, address):
    with pytest.raises(UserError) as raised:
        read().socket_at(address)
    assert str(raised.value).endswith(
        f"input.xml: no ffsocket listens at {address}, where the driver connects, "
        "only at localhost:31415, /tmp/ipi_square"
    )


@pytest.mark.parametrize(
    ("replacements", "rule"),
    [
        ((("potential{", "potentail{"),), "<properties>: i-PI has no 'potentail'; did you mean"),
        ((("{electronvolt}", "{electronvlt}"),), "<properties>: potential{electronvlt}: i-PI says"),
        (
            (("<checkpoint", '<trajectory filename="x"> position </trajectory> <checkpoint'),),
            "<trajectory>: i-PI has no 'position'; did you mean 'positions'?",
        ),
    ],
)
def test_a_misspelled_output_is_said_before_anything_starts(read, replacements, rule):
    with pytest.raises(UserError) as raised:
        read(*replacements)
    assert str(raised.value).startswith(rule)


@pytest.mark.parametrize(
    "outputs",
    [
        '<trajectory filename="x" format="ase"> positions{angstrom} </trajectory>',
        '<trajectory filename="v"> velocities </trajectory>',
        '<properties filename="w"> [ hweights_component(0), ensemble_bias{} ] </properties>',
        "<properties> [ atom_x{angstrom}(3;0), kinetic_md(), volume{angstrom3} ] </properties>",
        '<trajectory filename="e" extra_type="cv1,bias"> extras </trajectory>',
    ],
)
def test_outputs_with_units_and_arguments_are_known(read, outputs):
    assert read(("<checkpoint", outputs + "<checkpoint")).quantities


def test_an_element_of_which_i_pi_knows_no_mass_is_named(read):
    read().path.with_name("odd.xyz").write_text(SQUARE.replace("Ne", "Qq"))
    with pytest.raises(UserError, match="i-PI knows no mass of 'Qq': give <masses>"):
        read(("square.xyz", "odd.xyz"))
    masses = '<masses mode="manual" units="dalton"> [ 40, 40, 20, 40 ] </masses> <velocities'
    assert read(("square.xyz", "odd.xyz"), ("<velocities", masses)).systems[0].masses[2] > 3e4


def test_a_mass_that_is_no_number_is_refused(read):
    masses = '<masses mode="manual" units="dalton"> [ 40, 40, nan, 40 ] </masses> <velocities'
    with pytest.raises(UserError, match="<masses>: that of Ne is nan"):
        read(("<velocities", masses))
