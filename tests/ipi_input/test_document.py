"""What of i-PI's input can be served, and what is refused."""

from pathlib import Path

import pytest

from ipi_mtd.address import Address
from ipi_mtd.errors import UserError
from ipi_mtd.ipi_input import read_ipi_input

ROOT = Path(__file__).parents[2]
HERE = Address("lj38")

INPUT = """
<simulation verbosity="low">
  <total_steps> 2000 </total_steps>
  <ffsocket name="physics" mode="inet">
    <address> localhost </address> <port> 31415 </port>
  </ffsocket>
  <ffsocket name="driver" mode="unix" pbc="False"> <address> lj38 </address> </ffsocket>
  <system>
    <initialize nbeads="1">
      <file mode="xyz" units="angstrom"> octahedron.xyz </file>
      <velocities mode="thermal" units="kelvin"> 19.3 </velocities>
    </initialize>
    <forces> <force forcefield="driver"/> </forces>
    <ensemble> <temperature units="kelvin"> 19.3 </temperature> </ensemble>
    <motion mode="dynamics">
      <dynamics mode="nvt"> <timestep units="femtosecond"> 2.5 </timestep> </dynamics>
    </motion>
  </system>
  <output prefix="lj38">
    <properties stride="10"> [ step, time{picosecond}, potential{electronvolt} ] </properties>
  </output>
</simulation>
"""
BIAS = '<ensemble> <bias> <force forcefield="driver" nbeads="1"/> </bias>'
PHYSICS = ('<force forcefield="driver"/>', '<force forcefield="physics"/>')
ON_THE_CENTROID = (PHYSICS, ("<ensemble>", BIAS))


@pytest.fixture
def read(tmp_path):
    """Reads INPUT with some of its words replaced."""

    def read(*replacements):
        text = INPUT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "input.xml"
        path.write_text(text)
        return read_ipi_input(path)

    return read


def complaint(path, check, *arguments):
    """What a check says, without the name of the file."""
    with pytest.raises(UserError) as raised:
        check(*arguments)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


def test_the_example_is_accepted():
    ours = read_ipi_input(ROOT / "inputs/input.xml")
    ours.require_served(HERE)
    ours.require_timestep(2.5e-3)


@pytest.mark.parametrize(
    "replacements",
    [
        (),
        (("<dynamics mode", "<dynamics  mode"), ("<timestep", "<nmts> [ 1 ] </nmts><timestep")),
        (("<address> lj38", "<batch_size> 1 </batch_size><address> lj38"),),
        (('mode="dynamics"', 'mode="replay"'),),
        ON_THE_CENTROID,
        (*ON_THE_CENTROID, ('<initialize nbeads="1">', '<initialize nbeads="32">')),
        (*ON_THE_CENTROID, ("<timestep", "<nmts> [ 1, 4 ] </nmts><timestep")),
        (("lj38 </address>", "lj38 </address> <parameters> {a: b} </parameters>"),),
        (("time{picosecond}", "time{picosecond}, kinetic_md, atom_x{angstrom}(3;0)"),),
    ],
)
def test_what_asks_one_trajectory_is_accepted(read, replacements):
    read(*replacements).require_served(HERE)


@pytest.mark.parametrize(
    ("replacements", "rule"),
    [
        (
            (('mode="unix"', 'mode="shm"'),),
            'mode="shm" of the ffsocket is not served: take mode="unix"',
        ),
        (
            (("<address> lj38", "<batch_size> 8 </batch_size><address> lj38"),),
            "<batch_size> is not served: leave it out",
        ),
        (
            (('<initialize nbeads="1">', '<initialize nbeads="8">'),),
            '<initialize nbeads> is more than 1: put <force forcefield="driver" nbeads="1"/> under',
        ),
        (
            (*ON_THE_CENTROID, (' nbeads="1"/> </bias>', ' nbeads="8"/> </bias>')),
            'nbeads of <force forcefield="driver"> must be 1',
        ),
        (
            (
                PHYSICS,
                ("<ensemble>", BIAS.replace(' nbeads="1"', "")),
                ('nbeads="1"', 'nbeads="4"'),
            ),
            "<initialize nbeads> is more than 1",
        ),
        (
            (("<timestep", "<nmts> [ 1, 4 ] </nmts><timestep"),),
            '<nmts> asks the forces of "driver" more than once a step: put the bias under',
        ),
        (
            (("time{picosecond}", "kinetic_td{electronvolt}"),),
            "the property kinetic_td{electronvolt} asks for the forces of displaced structures",
        ),
        (
            (("time{picosecond}", "scaledcoords(fd_delta=1e-3)"),),
            "the property scaledcoords(fd_delta=1e-3) asks for",
        ),
        (
            (('motion mode="dynamics"', 'motion mode="minimize"'),),
            '<motion mode="minimize"> asks for the forces of structures that are not steps',
        ),
        (
            (("<dynamics ", '<motion mode="atomswap"/> <dynamics '),),
            '<motion mode="atomswap"> asks',
        ),
        (
            (
                (
                    "</system>",
                    '</system> <system> <forces> <force forcefield="driver"/> </forces> </system>',
                ),
            ),
            'forcefield="driver" serves several systems',
        ),
        (
            (
                ("<system>", "<system_template> <instance/> <instance/> <template> <system>"),
                ("</system>", "</system> </template> </system_template>"),
            ),
            'forcefield="driver" serves several systems',
        ),
        ((("31415", "x"),), "<port> must be a whole number, got 'x'"),
        ((('<initialize nbeads="1"', '<initialize nbeads=" "'),), "nbeads of <initialize> must be"),
    ],
)
def test_what_asks_for_more_is_refused_with_the_element_and_the_reason(read, replacements, rule):
    ours = read(*replacements)
    assert complaint(ours.path, ours.require_served, HERE).startswith(rule)


@pytest.mark.parametrize(
    ("address", "replacements"),
    [
        (Address("localhost", 31415), ()),
        (
            Address("lj38", prefix="/scratch/"),
            (("<simulation", '<simulation sockets_prefix="/scratch/"'),),
        ),
        (Address("localhost", 65535), ((" <port> 31415 </port>", ""),)),
        (Address("localhost", 31415), (('mode="inet"', ""),)),
    ],
)
def test_a_socket_is_found_by_its_address_with_i_pis_defaults(read, address, replacements):
    assert read(*replacements).socket_at(address).tag == "ffsocket"


@pytest.mark.parametrize(
    "address", [Address("lj39"), Address("localhost", 31416), Address("lj38", prefix="/scratch/")]
)
def test_an_address_where_nobody_listens_is_refused_with_those_where_somebody_does(read, address):
    ours = read()
    assert complaint(ours.path, ours.require_served, address) == (
        f"no ffsocket listens at {address}, where the driver connects, "
        "only at localhost:31415, /tmp/ipi_lj38"
    )


@pytest.mark.parametrize(
    ("text", "timestep"),
    [
        ('<timestep units="femtosecond"> 2.5 </timestep>', 2.5e-3),
        ('<timestep units="picosecond"> 0.002 </timestep>', 2e-3),
        ('<timestep units="atomic_unit"> 20 </timestep>', 20 * 2.4188843265864e-5),
        ("<timestep>  1.03353433e+02</timestep>", 2.5e-3),  # as in RESTART
        ("", 1.0),
    ],
)
def test_the_time_step_of_both_is_the_same(read, text, timestep):
    read(('<timestep units="femtosecond"> 2.5 </timestep>', text)).require_timestep(timestep)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            '<timestep units="femtosecond"> 0.5 </timestep>',
            "<timestep> is 0.5 femtosecond, but `system.timestep` of the driver's configuration is "
            "2.5 fs",
        ),
        ("<timestep> 2.5 </timestep>", "<timestep> is 2.5 atomic_unit, but `system.timestep`"),
        ('<timestep units="fs"> 2.5 </timestep>', "<timestep> is in fs: take femtosecond"),
        ("<timestep> fast </timestep>", "<timestep> must be a number, got ' fast '"),
    ],
)
def test_another_time_step_is_refused_with_both(read, text, rule):
    ours = read(('<timestep units="femtosecond"> 2.5 </timestep>', text))
    assert complaint(ours.path, ours.require_timestep, 2.5e-3).startswith(rule)


def test_the_number_of_steps_has_i_pis_default(read):
    assert read().total_steps == 2000
    assert read(("<total_steps> 2000 </total_steps>", "")).total_steps == 1000


@pytest.mark.parametrize("where", ["from", "beside", "above"])
def test_files_are_found_from_here_beside_the_input_and_above_it(tmp_path, where):
    places = {"from": tmp_path / "from", "above": tmp_path, "beside": tmp_path / "inputs"}
    for place in places.values():
        place.mkdir(exist_ok=True)
    (places[where] / "octahedron.xyz").touch()
    path = tmp_path / "inputs/input.xml"
    path.write_text(INPUT)
    tree = read_ipi_input(path).with_absolute_paths(tmp_path / "from")
    assert tree.find(".//file").text == str(places[where] / "octahedron.xyz")


def test_arrays_and_modes_that_are_no_files_stay_as_they_are(read, tmp_path):
    (tmp_path / "octahedron.xyz").touch()
    tree = read(
        ("<velocities", '<masses mode="manual"> [ 1, 2 ] </masses> <velocities')
    ).with_absolute_paths(tmp_path)
    assert tree.find(".//masses").text == " [ 1, 2 ] "
    assert tree.find(".//velocities").text == " 19.3 "


def test_a_file_that_is_nowhere_is_named(read, tmp_path):
    ours = read(("octahedron.xyz", "no-such-structure.xyz"))
    assert complaint(ours.path, ours.with_absolute_paths, tmp_path) == (
        "<file> no-such-structure.xyz: there is no such file"
    )


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is not XML"),
        (b"<simulation>", "is not XML"),
        (b"\xff\xfe\x00", "is not XML"),
        (b"<html/>", "an i-PI input is a <simulation>, this is a <html>"),
    ],
)
def test_a_file_that_is_no_input_is_refused(tmp_path, content, rule):
    path = tmp_path / "input.xml"
    path.write_bytes(content)
    assert complaint(path, read_ipi_input, path).startswith(rule)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    assert complaint(tmp_path, read_ipi_input, tmp_path) == "Is a directory"
