"""Which structures i-PI asks a force of, and how often in a step.

The driver counts what it is asked. One structure a step, and each the next of one trajectory, is
what its clock needs; everything else is refused.
"""

from __future__ import annotations

import math

from ipi_mtd.server.ipi_input.elements import Motion, Use
from ipi_mtd.server.ipi_input.interpretation import Interpretation

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


def require_one_call_a_step(ipi: Interpretation, use: Use) -> None:
    """Refuse what would move the step clock without a step.

    Parameters
    ----------
    ipi : what i-PI makes of its input
    use : what the driver's forces are used for

    Raises
    ------
    UserError
        If the input has beads, motions or time step levels with which i-PI asks for forces more
        or less often than once a step; the message has the element and the reason.
    """
    _refuse_beads(ipi, use)
    _refuse_motions(ipi, use)
    for motion in use.system.motion.parts:
        _refuse_missing_levels(ipi, use, motion)
        _refuse_inner_levels(ipi, use, motion)
    if not use.is_bias:
        _refuse_displaced(ipi)


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


def _refuse_beads(ipi: Interpretation, use: Use) -> None:
    name, nbeads = use.force.forcefield, use.force.nbeads
    if nbeads > 1:
        raise ipi.error(f'nbeads of <force forcefield="{name}">', f"must be 1, got {nbeads}")
    if use.system.nbeads > 1 and nbeads != 1:
        element = "initialize" if ipi.step == 0 else "beads"
        raise ipi.error(
            f"<{element} nbeads>",
            f'is more than 1: put <force forcefield="{name}" nbeads="1"/> under '
            "<ensemble><bias>, then the bias acts on the centroid",
        )


def _refuse_motions(ipi: Interpretation, use: Use) -> None:
    movers = [motion for motion in use.system.motion.parts if motion.mode not in STILL]
    for motion in movers:
        if motion.mode not in ONE_CALL_A_STEP:
            raise ipi.error(
                f'<motion mode="{motion.mode}">',
                "asks for the forces of structures that are not steps of one trajectory",
            )
        if use.is_bias and (found := {motion.mode, motion.ensemble}.intersection(UNBIASED)):
            raise ipi.error(
                f'mode="{found.pop()}" of the motion',
                "does not feel <ensemble><bias>: i-PI does not add its forces",
            )
        if not use.is_bias and motion.ensemble in SUZUKI_CHIN:
            raise ipi.error(
                f'<{motion.mode} mode="{motion.ensemble}">',
                "asks for the forces of displaced beads: put the bias under <ensemble><bias>",
            )
    if len(movers) > 1:
        modes = ", ".join(motion.mode for motion in movers)
        raise ipi.error(
            '<motion mode="multi">',
            f"has {len(movers)} parts that move the atoms ({modes}): a step of i-PI would be "
            "several of the driver",
        )


def _refuse_missing_levels(ipi: Interpretation, use: Use, motion: Motion) -> None:
    """i-PI would say this without the name of the force, and after it has opened its files."""
    for force in use.system.forces if motion.mode.endswith("dynamics") else ():
        if len(force.mts_weights) != len(motion.nmts):
            raise ipi.error(
                f'<force forcefield="{force.forcefield}">',
                f"needs <mts_weights> with one number for each of the {len(motion.nmts)} levels of "
                f"<nmts> {list(motion.nmts)}, got {list(force.mts_weights)}",
            )


def _refuse_inner_levels(ipi: Interpretation, use: Use, motion: Motion) -> None:
    n_calls = calls_per_step(motion, use)
    if n_calls == 1:
        return
    name, nmts = use.force.forcefield, list(motion.nmts)
    outer = [1, *nmts] if nmts[0] != 1 else nmts
    if use.is_bias:
        raise ipi.error(
            "<nmts>",
            f'is {nmts}, so the bias "{name}" would be asked {n_calls} times a step: begin with 1, '
            f"as in {outer}, and give the other forces the <mts_weights> of the inner levels",
        )
    raise ipi.error(
        "<nmts>",
        f'asks the forces of "{name}" more than once a step: put the bias under <ensemble><bias>, '
        f"which is asked as often as the first number of <nmts> says, so let that be 1, as in "
        f"{outer}; found {nmts}, {n_calls} times",
    )


def _refuse_displaced(ipi: Interpretation) -> None:
    for quantity in ipi.quantities:
        if quantity.split("{")[0].split("(")[0].strip() in EXTRA_GEOMETRIES:
            raise ipi.error(
                f"the property {quantity}", "asks for the forces of displaced structures"
            )
