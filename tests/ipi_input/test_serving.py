"""What of i-PI's input can be served, and what is refused."""

from pathlib import Path

import pytest
from square_input import AS_BIAS, BIAS, PHYSICS

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input import interpret
from ipi_mtd.server.ipi_input.serving import require_served

ROOT = Path(__file__).parents[2]
HERE = Address("square")

DRIVER = '<ffsocket name="driver" mode="unix" pbc="False"> <address> square </address> </ffsocket>'
FORCE = '<force forcefield="driver"/>'
SYSTEM_END = "</motion>\n  </system>"
TIMESTEP = '<timestep units="femtosecond"> 2 </timestep>'
DYNAMICS = '<motion mode="dynamics">'
BEADS = ('<initialize nbeads="1">', '<initialize nbeads="4">')


def nmts(levels, *, physics, driver=None):
    """A time step with levels, and the weights of the forces on them."""
    inner = f"<mts_weights> {physics} </mts_weights>"
    own = f"<mts_weights> {driver} </mts_weights>"
    forces = f'<force forcefield="physics"> {inner} </force>'
    if driver is not None:
        forces += f'<force forcefield="driver"> {own} </force>'
    return ((FORCE, forces), (TIMESTEP, f"{TIMESTEP} <nmts> {levels} </nmts>"))


def nmts_bias(levels, *, physics):
    """The same with the driver under <ensemble><bias>."""
    return (*nmts(levels, physics=physics), ("<ensemble>", BIAS))


def multi(*modes):
    """More motions beside the dynamics."""
    others = "".join(f'<motion mode="{mode}"> </motion>' for mode in modes)
    return (
        (DYNAMICS, f'<motion mode="multi"> {others} {DYNAMICS}'),
        (SYSTEM_END, f"</motion> {SYSTEM_END}"),
    )


def wrapped(tag, more=""):
    """The driver's socket as a part of another forcefield, which gives the forces."""
    return (
        (DRIVER, f'<{tag} name="whole"> {DRIVER} {more} </{tag}>'),
        (FORCE, '<force forcefield="whole"/>'),
    )


@pytest.mark.usefixtures("asked_here")
def test_the_example_is_accepted():
    require_served(interpret(ROOT / "inputs/input.xml", ROOT), Address("lj38"))


@pytest.mark.parametrize(
    "replacements",
    [
        (),
        AS_BIAS,
        (*AS_BIAS, BEADS),
        ((FORCE, PHYSICS[1] + '<force forcefield="driver" nbeads="1"/>'), BEADS),
        nmts("[ 1 ]", physics="[1]", driver="[1]"),
        nmts("[1, 4]", physics="[0, 1]", driver="[1, 0]"),
        nmts("[1, 1]", physics="[1, 0]", driver="[0.5, 0.5]"),
        nmts("[1,1,6]", physics="[0,0,1]", driver="[0,1,0]"),
        nmts_bias("[ 1, 4 ]", physics="[0, 1]"),
        nmts_bias("[ 1, 2, 3 ]", physics="[0, 0.5, 0.5]"),
        multi("t_ramp"),
        multi("p_ramp", "dummy"),
        ((DYNAMICS, '<motion mode="replay"> <file mode="xyz"> square.xyz </file>'),),
        (("<address> square", "<batch_size> 1 </batch_size> <address> square"),),
        (("square </address>", "square </address> <parameters> {a: b} </parameters>"),),
        (('pbc="False"', 'pbc="False" matching="lock"'),),
        (("square </address>", "square </address> <activelist> [ 0, 1, 2, 3 ] </activelist>"),),
        (("square </address>", "square </address> <activelist> [ 2, 1 ] </activelist>"),),
        (("</ensemble>", "<bias_weights> [ ] </bias_weights> </ensemble>"),),
        (("</ensemble>", "<hamiltonian_weights> [ 1 ] </hamiltonian_weights> </ensemble>"),),
        ((FORCE, '<force forcefield="driver" weight="1.0"/>'),),
        (("time{picosecond}", "time{picosecond}, kinetic_md, atom_x{angstrom}(3;0)"),),
        # displaced structures are asked of the physical forces alone
        (*AS_BIAS, ("time{picosecond}", "scaledcoords")),
        # a second system with its own driver
        (
            (
                "</system>",
                '</system> <system> <initialize nbeads="1"> <file mode="xyz"> square.xyz </file> '
                '</initialize> <forces> <force forcefield="physics"/> </forces> </system>',
            ),
        ),
    ],
)
def test_what_asks_one_trajectory_is_accepted(read, replacements):
    require_served(read(*replacements), HERE)


@pytest.mark.parametrize(
    ("replacements", "rule"),
    [
        (
            (('"driver" mode="unix"', '"driver" mode="shm"'),),
            'mode="shm" of the ffsocket is not served: take mode="unix"',
        ),
        (
            (("<address> square", "<batch_size> 8 </batch_size> <address> square"),),
            "<batch_size> is not served: leave it out",
        ),
        (wrapped("ffrotations"), '<ffrotations name="whole"> sends rotated copies of each struc'),
        (
            wrapped("ffcommittee", '<fflj name="lj"> <parameters> {} </parameters> </fflj>'),
            '<ffcommittee name="whole"> weights the forces with those of other models',
        ),
        (
            (
                (DRIVER, DRIVER.replace("ffsocket", "ffcavphsocket")),
                ("<ensemble>", "<ensemble>  "),
            ),
            "<ffcavphsocket> is not served: take <ffsocket>",
        ),
        (
            (("square </address>", "square </address> <activelist> [ 1, 0, 2, 3 ] </activelist>"),),
            "<activelist> has all atoms, but not in their order",
        ),
        (((FORCE, PHYSICS[1]),), 'no <force> has forcefield="driver": the driver at /tmp/ipi_squ'),
        (
            ((FORCE, '<force forcefield="drvier"/>'),),
            "<force forcefield=\"drvier\"> names no forcefield; did you mean 'driver'?",
        ),
        (
            (('"physics"', '"driver"'),),
            '<ffsocket name="driver"> has the name of another forcefield',
        ),
        (
            (BEADS,),
            '<initialize nbeads> is more than 1: put <force forcefield="driver" nbeads="1"/> under',
        ),
        (
            (*AS_BIAS, (' nbeads="1"/> </bias>', ' nbeads="8"/> </bias>')),
            'nbeads of <force forcefield="driver"> must be 1, got 8',
        ),
        (
            (PHYSICS, ("<ensemble>", BIAS.replace(' nbeads="1"', "")), BEADS),
            "<initialize nbeads> is more than 1",
        ),
        (
            nmts("[ 1, 4 ]", physics="[1, 0]", driver="[0, 1]"),
            '<nmts> asks the forces of "driver" more than once a step: put the bias under '
            "<ensemble><bias>, which is asked as often as the first number of <nmts> says, so let "
            "that be 1, as in [1, 4]; found [1, 4], 4 times",
        ),
        (
            nmts("[3]", physics="[1]", driver="[1]"),
            '<nmts> asks the forces of "driver" more than once a step',
        ),
        (
            nmts("[2,3]", physics="[1,0]", driver="[1,0]"),
            '<nmts> asks the forces of "driver" more than once a step',
        ),
        (
            nmts_bias("[5]", physics="[1]"),
            '<nmts> is [5], so the bias "driver" would be asked 5 times a step: begin with 1, as '
            "in [1, 5], and give the other forces",
        ),
        (nmts_bias("[ 3, 1 ]", physics="[0, 1]"), "<nmts> is [3, 1], so the bias"),
        (
            nmts_bias("[ 1, 3 ]", physics="[1]"),
            '<force forcefield="physics"> needs <mts_weights> with one number for each of the 2 '
            "levels of <nmts> [1, 3], got [1.0]",
        ),
        (
            (("time{picosecond}", "kinetic_td{electronvolt}"),),
            "the property kinetic_td{electronvolt} asks for the forces of displaced structures",
        ),
        ((("step,", "step, scaledcoords(fd_delta=1e-3),"),), "the property scaledcoords(fd_delta="),
        ((("step,", "step, displacedpath(1e-3;0;0;0),"),), "the property displacedpath(1e-3;0;0;0"),
        ((("step,", "step, isotope_scfep(1.1;0),"),), "the property isotope_scfep(1.1;0) asks"),
        (
            ((DYNAMICS, '<motion mode="minimize"> <optimizer/>'),),
            '<motion mode="minimize"> asks for the forces of structures that are not steps',
        ),
        (multi("atomswap"), '<motion mode="atomswap"> asks'),
        (
            multi("dynamics"),
            '<motion mode="multi"> has 2 parts that move the atoms (dynamics, dynamics): a step of',
        ),
        (
            (*AS_BIAS, ('<dynamics mode="nvt">', '<dynamics mode="nvt-cc">')),
            'mode="nvt-cc" of the motion does not feel <ensemble><bias>',
        ),
        (
            (
                (FORCE, PHYSICS[1] + '<force forcefield="driver" nbeads="1"/>'),
                BEADS,
                ('<dynamics mode="nvt">', '<dynamics mode="sc">'),
            ),
            '<dynamics mode="sc"> asks for the forces of displaced beads',
        ),
        (
            ((FORCE, '<force forcefield="driver" weight="0.5"/>'),),
            '<force forcefield="driver"> counts 0.5 times, with all weights: the bias would not be',
        ),
        (
            nmts("[1, 1]", physics="[1, 0]", driver="[1, 1]"),
            '<force forcefield="driver"> counts 2 times, with all weights',
        ),
        (
            (*AS_BIAS, ('nbeads="1"/> </bias>', 'weight="2"/> </bias>')),
            'weight of <force forcefield="driver"> is 2, which i-PI ignores: leave it out',
        ),
        (
            (*AS_BIAS, ("</bias>", "</bias> <bias_weights> [0] </bias_weights>")),
            '<force forcefield="driver"> counts 0 times',
        ),
        (
            (
                *AS_BIAS,
                ("</bias>", "</bias> <hamiltonian_weights> [0.5] </hamiltonian_weights>"),
            ),
            "<hamiltonian_weights> must be 1, got [0.5]: they scale the bias",
        ),
        (
            ((FORCE, FORCE), ("<ensemble>", BIAS)),
            'forcefield="driver" stands in <forces> and <ensemble><bias>: each would be asked',
        ),
        (((FORCE, 2 * FORCE),), 'forcefield="driver" stands in <forces> and <forces>'),
        (
            (
                (
                    "</system>",
                    '</system> <system> <initialize nbeads="1"> <file mode="xyz"> square.xyz '
                    f"</file> </initialize> <forces> {FORCE} </forces> </system>",
                ),
            ),
            'forcefield="driver" serves several systems',
        ),
        (
            (
                ("<system>", "<system_template> <labels> [L] </labels> <instance> [ a ] </instance>"
                 "<instance> [ b ] </instance> <template> <system>"),
                ("</system>", "</system> </template> </system_template>"),
            ),
            'forcefield="driver" serves several systems',
        ),
        (
            (("<output", '<smotion mode="remd"> <remd> <stride> 2 </stride> </remd> </smotion> <out'
              "put"),),
            '<smotion mode="remd"> exchanges temperatures between systems',
        ),
        (
            (("<total_steps>", "<step> 2000 </step> <total_steps>"),),
            "<total_steps> is 2000, and step 2000 is done: raise it to go on",
        ),
    ],
)  # fmt: skip
def test_what_asks_for_more_is_refused_with_the_element_and_the_reason(read, replacements, rule):
    ipi = read(*replacements)
    with pytest.raises(UserError) as raised:
        require_served(ipi, HERE)
    message = str(raised.value)
    assert message.startswith(f"{ipi.path}: {rule}")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("replacements", "rule"),
    [
        ((("31415", "x"),), "invalid literal for int"),
        ((('<initialize nbeads="1"', '<initialize nbeads=" "'),), "invalid literal for int"),
        (((" 2 </timestep>", " fast </timestep>"),), "could not convert string to float"),
        (((TIMESTEP, TIMESTEP.replace("femtosecond", "fs")),), "s is an undefined unit"),
    ],
)
def test_what_i_pi_cannot_read_is_refused_by_i_pi(read, replacements, rule):
    with pytest.raises((ValueError, TypeError), match=rule):
        read(*replacements)
