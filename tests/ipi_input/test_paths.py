"""What i-PI's input names as a file is the same file from any directory."""

from xml.etree import ElementTree

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.server.ipi_input.paths import expand_templates, make_absolute


@pytest.fixture
def absolute(tmp_path):
    """The content of a <simulation> after its paths were made absolute."""

    def absolute(content, *, files=(), attributes="", start=tmp_path):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        root = ElementTree.fromstring(f"<simulation {attributes}>{content}</simulation>")
        make_absolute(root, tmp_path / "inputs/input.xml", start)
        return root

    return absolute


@pytest.mark.parametrize("where", ["from/a.xyz", "inputs/a.xyz", "a.xyz"])
def test_a_file_is_found_from_here_beside_the_input_and_above_it(absolute, tmp_path, where):
    (tmp_path / "from").mkdir()
    root = absolute('<file mode="xyz"> a.xyz </file>', files=[where], start=tmp_path / "from")
    assert root.findtext("file") == str(tmp_path / where)


def test_a_file_where_i_pi_is_started_comes_before_one_beside_the_input(absolute, tmp_path):
    files = ["from/a.xyz", "inputs/a.xyz"]
    root = absolute("<file> a.xyz </file>", files=files, start=tmp_path / "from")
    assert root.findtext("file") == str(tmp_path / "from/a.xyz")


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('<file mode="ase" bead="0">f</file>', "file"),
        ("<file> f </file>", "file"),  # mode="chk" by default
        ('<initialize><positions mode="pdb"> f </positions></initialize>', ".//positions"),
        ("<initialize><momenta> f </momenta></initialize>", ".//momenta"),
        ('<initialize><cell mode="chk"> f </cell></initialize>', ".//cell"),
        ("<ffdirect><pes>custom</pes><pes_path> f </pes_path></ffdirect>", ".//pes_path"),
        ('<ffplumed name="p"><plumed_dat> f </plumed_dat></ffplumed>', ".//plumed_dat"),
        ("<ffsgdml><sGDML_model> f </sGDML_model></ffsgdml>", ".//sGDML_model"),
        ("<ffcommittee><ffdirect><pes_path>f</pes_path></ffdirect></ffcommittee>", ".//pes_path"),
        ('<driven_dynamics><bec mode="file"> f </bec></driven_dynamics>', ".//bec"),
    ],
)
def test_every_element_that_names_a_file_is_known(absolute, tmp_path, content, where):
    assert absolute(content, files=["f"]).findtext(where) == str(tmp_path / "f")


@pytest.mark.parametrize(
    ("forcefield", "tag", "file"),
    [
        ("ffplumed", "plumed_dat", "plumed.dat"),
        ("ffyaff", "yaffsys", "system.chk"),
    ],
)
def test_a_file_that_i_pi_opens_unasked_is_named(absolute, tmp_path, forcefield, tag, file):
    files = ["plumed.dat", "system.chk", "parameters.txt"]
    root = absolute(f"<{forcefield}/>", files=files)
    assert root.findtext(f".//{tag}") == str(tmp_path / file)


@pytest.mark.parametrize(
    "content",
    [
        '<initialize><masses mode="manual"> [ 1, 2 ] </masses></initialize>',
        '<initialize><velocities mode="thermal" units="kelvin"> 19.3 </velocities></initialize>',
        '<initialize><cell mode="abc"> [ 9, 9, 9 ] </cell></initialize>',
        "<beads><positions> f </positions></beads>",
        '<output prefix="f"><properties filename="f"> [ f ] </properties></output>',
        "<ffsocket><parameters> {f: 1.0, kind: g} </parameters></ffsocket>",
        "<ffdirect><pes_path> </pes_path></ffdirect>",
    ],
)
def test_what_is_no_file_that_is_read_stays_as_it_is(absolute, content):
    root = absolute(content, files=["f"])
    assert ElementTree.tostring(root, encoding="unicode") == f"<simulation>{content}</simulation>"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{template: a.xyz, model: models/m.pt}", "{template: @/a.xyz, model: @/models/m.pt}"),
        ("{ template : a.xyz }", "{ template : @/a.xyz }"),
        ("{template:a.xyz,device:cpu}", "{template:@/a.xyz,device:cpu}"),
        ("{device: cpu, extensions: models/}", "{device: cpu, extensions: @/models}"),
        ("{model: models, eps: 0.5, list: [1, 2]}", "{model: models, eps: 0.5, list: [1, 2]}"),
        ("{}", "{}"),
    ],
)
def test_files_among_parameters_are_found(absolute, tmp_path, written, expected):
    root = absolute(f"<parameters>{written}</parameters>", files=["a.xyz", "models/m.pt"])
    assert root.findtext("parameters") == expected.replace("@", str(tmp_path))


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("./s_", "@/./s_"), ("sockets/", "@/sockets/"), ("/run/x-", "/run/x-")],
)
def test_the_prefix_of_sockets_is_relative_to_where_i_pi_is_started(
    absolute, tmp_path, prefix, expected
):
    root = absolute("", attributes=f'sockets_prefix="{prefix}"')
    assert root.get("sockets_prefix") == expected.replace("@", str(tmp_path))


def test_a_path_too_long_for_a_socket_is_refused(absolute):
    socket = '<ffsocket mode="unix"> <address> a </address> </ffsocket>'
    absolute(socket, attributes=f'sockets_prefix="/{105 * "x"}"')
    with pytest.raises(UserError, match=r"<address> a: .* of 108 bytes, and 107 are possible"):
        absolute(socket, attributes=f'sockets_prefix="/{106 * "x"}"')
    absolute(socket.replace('mode="unix"', ""), attributes=f'sockets_prefix="/{106 * "x"}"')


def test_a_file_that_is_nowhere_is_named(absolute):
    with pytest.raises(UserError, match=r"input\.xml: <pes_path> x\.py: there is no such file"):
        absolute("<ffdirect><pes_path> x.py </pes_path></ffdirect>")


TEMPLATE = """
<system_template>
  <labels> [ FILE, FILE2, T ] </labels>
  <instance> [ a.xyz, b.xyz, 300 ] </instance>
  <instance> [ c.xyz, d.xyz, 400 ] </instance>
  <template>
    <system prefix="T_"> <file mode="xyz"> FILE </file> <file mode="xyz"> FILE2 </file>
      <temperature> T </temperature> </system>
  </template>
</system_template>
"""


def test_files_of_a_template_are_found(absolute, tmp_path):
    files = ["a.xyz", "b.xyz", "c.xyz", "d.xyz"]
    root = absolute(TEMPLATE, files=files)
    found = [file.text for file in root.iter("file")]
    assert found == [str(tmp_path / file) for file in files]
    assert [system.get("prefix") for system in root.findall("system")] == ["300_", "400_"]


def test_a_template_that_i_pi_refuses_is_left_to_i_pi():
    root = ElementTree.fromstring(f"<simulation>{TEMPLATE.replace(', 400', '')}</simulation>")
    expand_templates(root)
    assert root.find("system") is None
    assert root.find("system_template") is not None
