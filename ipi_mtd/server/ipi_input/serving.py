"""What of an i-PI input one driver can serve, and what is refused.

The driver sees positions and nothing else: not the step, nor what a force call is for. Where i-PI
would ask for forces that are not those of the next step of one trajectory, the clock of the
metadynamics would go wrong unnoticed; and where i-PI would use a part of what it gets, the bias
would not be the one in the files. Such inputs are refused.
"""

from __future__ import annotations

import difflib
import math

from ipi_mtd.server.address import Address
from ipi_mtd.server.ipi_input.elements import ForceField, Use
from ipi_mtd.server.ipi_input.force_calls import require_one_call_a_step
from ipi_mtd.server.ipi_input.interpretation import Interpretation

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
        If i-PI does not listen there or has no step left to do, a name in the input leads nowhere,
        or i-PI would ask more or less often than once a step, send what the driver does not
        understand, scale the bias or exchange systems; the message has the element and the reason.
    """
    socket = ipi.socket_at(address)
    _refuse_wrong_names(ipi)
    _refuse_other_messages(ipi, socket)
    use = _only_use(ipi, socket)
    require_one_call_a_step(ipi, use)
    _refuse_weights(ipi, use)
    _refuse_swaps(ipi)
    if ipi.step >= ipi.total_steps:
        raise ipi.error(
            "<total_steps>",
            f"is {ipi.total_steps}, and step {ipi.step} is done: raise it to go on",
        )


def _refuse_wrong_names(ipi: Interpretation) -> None:
    names = [ff.name for ff in ipi.forcefields if ff.wrapped_by is None]
    for ff in ipi.forcefields:
        if names.count(ff.name) > 1:
            raise ipi.error(f'<{ff.kind} name="{ff.name}">', "has the name of another forcefield")
    for system in ipi.systems:
        for force in (*system.forces, *system.biases):
            if force.forcefield not in names:
                guesses = difflib.get_close_matches(force.forcefield, names, n=1)
                meant = f"; did you mean '{guesses[0]}'?" if guesses else ""
                element = f'<force forcefield="{force.forcefield}">'
                raise ipi.error(element, f"names no forcefield{meant}")


def _refuse_other_messages(ipi: Interpretation, socket: ForceField) -> None:
    """What looks different on the wire, or is not what i-PI's atoms feel."""
    if socket.wrapped_by is not None:
        wrapper = next(ff for ff in ipi.forcefields if ff.name == socket.wrapped_by)
        raise ipi.error(
            f'<{wrapper.kind} name="{wrapper.name}">',
            f"{WRAPPERS.get(wrapper.kind, 'changes what is sent or used')}: put the "
            f'<{socket.kind} name="{socket.name}"> outside of it',
        )
    if socket.kind != "ffsocket":
        raise ipi.error(f"<{socket.kind}>", "is not served: take <ffsocket>")
    if socket.mode == "shm":
        raise ipi.error('mode="shm" of the ffsocket', 'is not served: take mode="unix"')
    if socket.batch_size > 1:
        raise ipi.error("<batch_size>", "is not served: leave it out")


def _only_use(ipi: Interpretation, socket: ForceField) -> Use:
    uses = ipi.uses_of(socket)
    where = f'forcefield="{socket.name}"'
    if len({id(use.system) for use in uses}) > 1:
        raise ipi.error(where, "serves several systems: give each its own socket and driver")
    if len(uses) > 1:
        places = " and ".join("<ensemble><bias>" if u.is_bias else "<forces>" for u in uses)
        raise ipi.error(where, f"stands in {places}: each would be asked, once is possible")
    (use,) = uses
    every = tuple(range(len(use.system.names)))
    # i-PI puts the forces of some atoms where they belong, those of all as they come
    if len(socket.active) == len(every) and socket.active not in (every, (-1,)):
        raise ipi.error("<activelist>", "has all atoms, but not in their order: leave it out")
    return use


def _refuse_weights(ipi: Interpretation, use: Use) -> None:
    force, scales = use.force, use.system.hamiltonian_weights
    what = f'<force forcefield="{force.forcefield}">'
    if any(scale != 1 for scale in scales):
        raise ipi.error(
            "<hamiltonian_weights>", f"must be 1, got {list(scales)}: they scale the bias"
        )
    if use.is_bias and force.weight != 1:
        raise ipi.error(
            f"weight of {what}", f"is {force.weight:g}, which i-PI ignores: leave it out"
        )
    if not math.isclose(use.weight, 1.0, rel_tol=1e-9):
        weights = f"its mts_weights are {list(force.mts_weights)}"
        if not use.is_bias:
            weights += f", its weight is {force.weight:g}"
        raise ipi.error(
            what,
            f"counts {use.weight:g} times, with all weights: the bias would not be the one in the "
            f"files; {weights}" + (", see also <bias_weights>" if use.is_bias else ""),
        )


def _refuse_swaps(ipi: Interpretation) -> None:
    if "remd" in ipi.super_motions:
        raise ipi.error(
            '<smotion mode="remd">',
            "exchanges temperatures between systems, of which no driver is told",
        )
