"""What of an i-PI input one driver can serve, and what is refused.

The driver sees positions and nothing else: not the step, nor what a force call is for. Where i-PI
would ask for forces that are not those of the next step of one trajectory, the clock of the
metadynamics would go wrong unnoticed; and where i-PI would use a part of what it gets, the bias
would not be the one in the files. Such inputs are refused.
"""

from __future__ import annotations

import difflib
import math
from typing import NoReturn

from ipi_mtd.address import Address
from ipi_mtd.errors import UserError
from ipi_mtd.ipi_input.interpretation import ForceField, Interpretation, Motion, Use

EXTRA_GEOMETRIES = (
    *("scaledcoords", "sc_scaledcoords", "sc_op_scaledcoords", "kinetic_td", "kinetic_tdsc"),
    *("isotope_scfep", "isotope_zetasc", "isotope_zetasc_4th", "displacedpath"),
)
"""Quantities for which i-PI asks the physical forces of displaced structures."""

STILL = ("t_ramp", "p_ramp", "dummy")
"""Modes of <motion> that move no atom."""

ONE_CALL_A_STEP = ("dynamics", "driven_dynamics", "constrained_dynamics", "replay", *STILL)
"""Modes of <motion> that ask one structure after the other; the others try some and go back."""

UNBIASED = ("nvt-cc", "constrained_dynamics")
"""Ensembles and motions in which i-PI does not add the forces under <ensemble><bias>."""

SUZUKI_CHIN = ("sc", "scnpt")
"""Ensembles in which i-PI asks the physical forces of displaced beads."""


WRAPPERS = {
    "ffrotations": "sends rotated copies of each structure, which are not steps",
    "ffcommittee": "weights the forces with those of other models, and the bias with them",
}
"""What forcefields do that are made of others."""


def require_served(ipi: Interpretation, address: Address) -> None:
    """Refuse what would move the step clock without a step, or change the bias on its way.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    address : where the driver connects

    Raises
    ------
    UserError
        Which names the element and says why.
    """
    socket = ipi.socket_at(address)
    _refuse_wrong_names(ipi)
    _refuse_other_messages(ipi, socket)
    use = _only_use(ipi, socket)
    _refuse_beads(ipi, use)
    _refuse_motions(ipi, use)
    for motion in use.system.motion.parts:
        _refuse_inner_levels(ipi, use, motion)
    _refuse_weights(ipi, use)
    _refuse_swaps(ipi)
    if not use.is_bias:
        _refuse_displaced(ipi)
    if ipi.step >= ipi.total_steps:
        _refuse(
            ipi,
            "<total_steps>",
            f"is {ipi.total_steps}, and step {ipi.step} is done: raise it to go on",
        )


def calls_per_step(motion: Motion, use: Use) -> int:
    """How often i-PI asks a force or a bias in a step.

    With multiple time stepping, a level has as many substeps as all the levels up to it together. A
    force is asked in each substep of the innermost level that it acts on, a bias in those of the
    outermost level.
    """
    if use.is_bias:
        return motion.nmts[0]
    acting = [level for level, weight in enumerate(use.force.mts_weights) if weight != 0]
    return math.prod(motion.nmts[: max(acting, default=0) + 1])


def _refuse_wrong_names(ipi: Interpretation) -> None:
    names = [ff.name for ff in ipi.forcefields if ff.wrapped_by is None]
    for ff in ipi.forcefields:
        if names.count(ff.name) > 1:
            _refuse(ipi, f'<{ff.kind} name="{ff.name}">', "has the name of another forcefield")
    for system in ipi.systems:
        for force in (*system.forces, *system.biases):
            if force.forcefield not in names:
                guesses = difflib.get_close_matches(force.forcefield, names, n=1)
                meant = f"; did you mean '{guesses[0]}'?" if guesses else ""
                element = f'<force forcefield="{force.forcefield}">'
                _refuse(ipi, element, f"names no forcefield{meant}")


def _refuse_other_messages(ipi: Interpretation, socket: ForceField) -> None:
    """What looks different on the wire, or is not what i-PI's atoms feel."""
    if socket.wrapped_by is not None:
        wrapper = next(ff for ff in ipi.forcefields if ff.name == socket.wrapped_by)
        _refuse(
            ipi,
            f'<{wrapper.kind} name="{wrapper.name}">',
            f"{WRAPPERS.get(wrapper.kind, 'changes what is sent or used')}: put the "
            f'<{socket.kind} name="{socket.name}"> outside of it',
        )
    if socket.kind != "ffsocket":
        _refuse(ipi, f"<{socket.kind}>", "is not served: take <ffsocket>")
    if socket.mode == "shm":
        _refuse(ipi, 'mode="shm" of the ffsocket', 'is not served: take mode="unix"')
    if socket.batch_size > 1:
        _refuse(ipi, "<batch_size>", "is not served: leave it out")


def _only_use(ipi: Interpretation, socket: ForceField) -> Use:
    uses = ipi.uses_of(socket)
    where = f'forcefield="{socket.name}"'
    if len({id(use.system) for use in uses}) > 1:
        _refuse(ipi, where, "serves several systems: give each its own socket and driver")
    if len(uses) > 1:
        places = " and ".join("<ensemble><bias>" if u.is_bias else "<forces>" for u in uses)
        _refuse(ipi, where, f"stands in {places}: each would be asked, once is possible")
    (use,) = uses
    every = tuple(range(len(use.system.names)))
    # i-PI puts the forces of some atoms where they belong, those of all as they come
    if len(socket.active) == len(every) and socket.active not in (every, (-1,)):
        _refuse(ipi, "<activelist>", "has all atoms, but not in their order: leave it out")
    return use


def _refuse_beads(ipi: Interpretation, use: Use) -> None:
    name, nbeads = use.force.forcefield, use.force.nbeads
    if nbeads > 1:
        _refuse(ipi, f'nbeads of <force forcefield="{name}">', f"must be 1, got {nbeads}")
    if use.system.nbeads > 1 and nbeads != 1:
        element = "initialize" if ipi.step == 0 else "beads"
        _refuse(
            ipi,
            f"<{element} nbeads>",
            f'is more than 1: put <force forcefield="{name}" nbeads="1"/> under '
            "<ensemble><bias>, then the bias acts on the centroid",
        )


def _refuse_motions(ipi: Interpretation, use: Use) -> None:
    movers = [motion for motion in use.system.motion.parts if motion.mode not in STILL]
    for motion in movers:
        if motion.mode not in ONE_CALL_A_STEP:
            _refuse(
                ipi,
                f'<motion mode="{motion.mode}">',
                "asks for the forces of structures that are not steps of one trajectory",
            )
        if use.is_bias and (found := {motion.mode, motion.ensemble}.intersection(UNBIASED)):
            _refuse(
                ipi,
                f'mode="{found.pop()}" of the motion',
                "does not feel <ensemble><bias>: i-PI does not add its forces",
            )
        if not use.is_bias and motion.ensemble in SUZUKI_CHIN:
            _refuse(
                ipi,
                f'<{motion.mode} mode="{motion.ensemble}">',
                "asks for the forces of displaced beads: put the bias under <ensemble><bias>",
            )
    if len(movers) > 1:
        modes = ", ".join(motion.mode for motion in movers)
        _refuse(
            ipi,
            '<motion mode="multi">',
            f"has {len(movers)} parts that move the atoms ({modes}): a step of i-PI would be "
            "several of the driver",
        )


def _refuse_inner_levels(ipi: Interpretation, use: Use, motion: Motion) -> None:
    n_calls = calls_per_step(motion, use)
    if n_calls == 1:
        return
    name, nmts = use.force.forcefield, list(motion.nmts)
    outer = [1, *nmts] if nmts[0] != 1 else nmts
    if use.is_bias:
        _refuse(
            ipi,
            "<nmts>",
            f'is {nmts}, so the bias "{name}" would be asked {n_calls} times a step: begin with 1, '
            f"as in {outer}, and give the other forces the <mts_weights> of the inner levels",
        )
    _refuse(
        ipi,
        "<nmts>",
        f'asks the forces of "{name}" more than once a step: put the bias under <ensemble><bias>, '
        f"which is asked as often as the first number of <nmts> says, so let that be 1, as in "
        f"{outer}; found {nmts}, {n_calls} times",
    )


def _refuse_weights(ipi: Interpretation, use: Use) -> None:
    force, scales = use.force, use.system.hamiltonian_weights
    what = f'<force forcefield="{force.forcefield}">'
    if any(scale != 1 for scale in scales):
        _refuse(ipi, "<hamiltonian_weights>", f"must be 1, got {list(scales)}: they scale the bias")
    if use.is_bias and force.weight != 1:
        _refuse(ipi, f"weight of {what}", f"is {force.weight:g}, which i-PI ignores: leave it out")
    if not math.isclose(use.weight, 1.0, rel_tol=1e-9):
        weights = f"its mts_weights are {list(force.mts_weights)}"
        if not use.is_bias:
            weights += f", its weight is {force.weight:g}"
        _refuse(
            ipi,
            what,
            f"counts {use.weight:g} times, with all weights: the bias would not be the one in the "
            f"files; {weights}" + (", see also <bias_weights>" if use.is_bias else ""),
        )


def _refuse_swaps(ipi: Interpretation) -> None:
    if "remd" in ipi.super_motions:
        _refuse(
            ipi,
            '<smotion mode="remd">',
            "exchanges temperatures between systems, of which no driver is told",
        )


def _refuse_displaced(ipi: Interpretation) -> None:
    for quantity in ipi.quantities:
        if quantity.split("{")[0].split("(")[0].strip() in EXTRA_GEOMETRIES:
            _refuse(ipi, f"the property {quantity}", "asks for the forces of displaced structures")


def _refuse(ipi: Interpretation, what: str, why: str) -> NoReturn:
    raise UserError(f"{ipi.path}: {what} {why}")
