"""Is the gradient of a CV the derivative of its value?

A model may be exported with a part of its graph cut off (``detach``, ``torch.no_grad``), or be made
of steps (``round``, ``argmax``, comparisons). It then has a value but not the gradient that belongs
to it: the bias would push in the wrong direction, or not at all, and nothing else would tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.cv import CV
from ipi_mtd.errors import UserError
from ipi_mtd.structures.structure import Structure

N_DIRECTIONS = 5
"""The median of so many counts: a kink, such as a neighbor at a sharp cutoff, spoils one or two."""

STEPS = (2.5e-4, 1e-3, 4e-3, 1.6e-2, 6.4e-2)
"""Bohr, each four times the one before. Long steps see curvature and kinks of a CV, short ones the
rounding of its model, and how large either is only the differences themselves can tell."""

TOLERANCE = 1e-3
"""Relative, beyond the uncertainty of the differences."""

N_HALVINGS = 20
"""Of the way between two places: a millionth of it is as good as a step."""

WORST = 0.1
"""Relative; if the differences are more uncertain than this, they say nothing."""

SHAKES = (0.15, 0.5, 1.5, 4.0)
"""Bohr; how far the atoms are moved first. A little, away from symmetric places where a part of a
gradient can vanish and maxima tie; farther for a CV without a gradient here, such as a contact
between atoms that do not touch."""


class Values(Protocol):
    """The CVs of some structures; see :class:`ipi_mtd.cvs.cv.CVValues`."""

    s: FloatArray

    def pull_back(self, dV_ds: FloatArray) -> tuple[Sequence[FloatArray], Sequence[FloatArray]]:
        """The gradients with respect to positions and strain of a function of the CVs."""


Evaluate = Callable[[Sequence[Structure]], Values]


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What was found about the gradient of one CV.

    Parameters
    ----------
    cv : the CV
    deviation : float
        From central differences, relative; the median over directions. Zero if there is no
        gradient to compare.
    fault : what is wrong with it, None if nothing is
    note : what a user should know of it without its being wrong
    """

    cv: CV
    deviation: float = 0.0
    fault: str | None = None
    note: str | None = None


def check_gradients(
    evaluate: Evaluate, cvs: Sequence[CV], structure: Structure, *, seconds: float = 1.0
) -> list[GradientCheck]:
    """Compare the gradient of every CV with central differences along random directions.

    In a cell the derivative with respect to a strain is compared as well, as the virial needs it.

    Parameters
    ----------
    evaluate : gives the CVs of some structures
    cvs : the CVs
    structure : where to look
    seconds : float
        After so long nothing further is tried.

    Raises
    ------
    UserError
        If a model fails, or a gradient is not finite.
    """
    rng = np.random.default_rng(1)
    deadline = time.monotonic() + seconds
    found: dict[int, GradientCheck] = {}
    seen: list[_Place] = []
    for size in SHAKES:
        place = _moved(structure, size * rng.normal(size=structure.positions.shape))
        try:
            here = _Place(evaluate, cvs, place)
        except UserError:
            if size == SHAKES[0]:
                raise
            continue  # no model need know what becomes of a molecule that is blown apart
        seen.append(here)
        new = [k for k in range(len(cvs)) if k not in found and here.gradients[k].any()]
        if new:
            found |= _compare(here, new, rng, deadline)
        if len(found) == len(cvs) or time.monotonic() > deadline:
            break
    for k in range(len(cvs)):
        if k not in found:
            found |= _without_gradient(k, seen, rng, deadline)
    return [found[k] for k in range(len(cvs))]


def _without_gradient(
    k: int, seen: Sequence[_Place], rng: np.random.Generator, deadline: float
) -> dict[int, GradientCheck]:
    """A CV that has no gradient where we have looked: does it have one where its value changes?"""
    one, *others = seen
    cv = one.cvs[k]
    for other in others:
        if other.s[k] != one.s[k]:
            change = _where_it_changes(k, one, other)
            if change.gradients[k].any():
                return _compare(change, [k], rng, deadline)
            fault = (
                f"the gradient of {cv.name} is zero, but its value changes: it is made of steps "
                "(round, argmax, a comparison), or cut off from the positions (detach, no_grad)"
            )
            return {k: GradientCheck(cv, fault=fault)}
    note = "its gradient is zero and its value does not change: nothing is biased here"
    return {k: GradientCheck(cv, note=note)}


def _where_it_changes(k: int, one: _Place, other: _Place) -> _Place:
    """A place between two others where a CV has a gradient, or jumps."""
    for _ in range(N_HALVINGS):
        middle = _Place(
            one.evaluate,
            one.cvs,
            _moved(one.structure, 0.5 * (other.structure.positions - one.structure.positions)),
        )
        if middle.gradients[k].any():
            break
        if middle.s[k] == one.s[k]:
            one = middle
        else:
            other = middle
    return middle


class _Place:
    """The CVs of a structure and their derivatives."""

    def __init__(self, evaluate: Evaluate, cvs: Sequence[CV], structure: Structure) -> None:
        self.evaluate = evaluate
        self.cvs = cvs
        self.structure = structure
        gradients, strain_gradients = [], []
        for row in np.eye(len(cvs)):
            values = evaluate([structure])
            (gradient,), (strain_gradient,) = values.pull_back(row[None, :])
            gradients.append(gradient)
            strain_gradients.append(strain_gradient)
        self.s: FloatArray = values.s[0]
        # what a model rounded to single precision shows
        single = self.s == self.s.astype(np.float32)
        self.rounding = np.abs(self.s) * np.where(single, *(np.finfo(t).eps for t in "fd"))
        self.gradients = np.array(gradients)
        self.strain_gradients = np.array(strain_gradients)


def _compare(
    here: _Place, which: list[int], rng: np.random.Generator, deadline: float
) -> dict[int, GradientCheck]:
    """Compare at one place, where the CVs `which` have a gradient."""
    positions = here.structure.positions
    no_strain = np.zeros((3, 3))
    by_atoms = [(rng.normal(size=positions.shape), no_strain) for _ in range(N_DIRECTIONS)]
    deviations, excesses = _deviations(here, by_atoms, deadline)
    faults = {
        k: f"the gradient of {here.cvs[k].name} is off by {100 * deviations[k]:.2g} %: a part of "
        "it is cut off (detach, no_grad), or the value jumps"
        for k in which
        if excesses[k] > TOLERANCE
    }
    if here.structure.pbc.any():
        size = np.std(positions, axis=0).max() + 1.0  # bohr; the atoms move about as far as above
        by_strain = [
            (np.zeros_like(positions), rng.normal(size=(3, 3)) / size) for _ in range(N_DIRECTIONS)
        ]
        strain_deviations, excesses = _deviations(here, by_strain, deadline)
        deviations = np.maximum(deviations, strain_deviations)
        for k in which:
            if excesses[k] > TOLERANCE and k not in faults:
                faults[k] = (
                    f"the derivative of {here.cvs[k].name} with respect to the cell is off by "
                    f"{100 * strain_deviations[k]:.2g} %: a part of it is cut off (detach, "
                    "no_grad), so that the virial would be wrong"
                )
    hidden = "the rounding of its model hides its slope: its gradient cannot be compared"
    notes = {k: hidden for k in which if k not in faults and deviations[k] > WORST}
    return {
        k: GradientCheck(here.cvs[k], float(deviations[k]), faults.get(k), notes.get(k))
        for k in which
    }


def _deviations(
    here: _Place, directions: Sequence[tuple[FloatArray, FloatArray]], deadline: float
) -> tuple[FloatArray, FloatArray]:
    """(n_cvs,) arrays: deviations from central differences, and by how much they are too large.

    Relative to the slope along a direction, or to how large it usually is where it happens to be
    small; medians over the directions.
    """
    slopes, usual, differences = [], [], []
    centered = here.structure.positions - here.structure.positions.mean(axis=0)
    sizes = np.sqrt(np.einsum("kij,kij->k", here.gradients, here.gradients))
    for shift, strain in directions:
        slopes.append(
            np.einsum("kij,ij", here.gradients, shift)
            + np.einsum("kij,ij", here.strain_gradients, strain)
        )
        usual.append(sizes * np.sqrt(np.mean((shift + centered @ strain) ** 2)))
        differences.append([_difference(here, shift, strain, h) for h in STEPS])
        if time.monotonic() > deadline:
            break
    scale = np.maximum(np.abs(slopes), 0.1 * np.array(usual))
    found, uncertainty = _extrapolated(np.array(differences), scale, here.rounding)
    scale = np.maximum(scale, np.abs(found))
    off = np.abs(found - slopes)
    return (
        np.median(_ratio(off, scale), axis=0),
        np.median(_ratio(off - 3.0 * uncertainty, scale), axis=0),
    )


def _extrapolated(
    differences: FloatArray, scale: FloatArray, rounding: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Slopes from the shortest steps that are good enough, and how uncertain they are.

    Parameters
    ----------
    differences : (n_directions, n_steps, n_cvs) array
    scale : (n_directions, n_cvs) array
        What the uncertainty is to be small against.
    rounding : (n_cvs,) array
        Of the values, at least.

    Returns
    -------
    slopes, uncertainties : (n_directions, n_cvs) arrays
    """
    changes = np.abs(np.diff(differences, axis=1))
    usual = np.median(changes, axis=0)  # (n_steps - 1, n_cvs)
    # with the shortest steps it is the rounding of the values, if anything, that makes a difference
    rounding = np.maximum(rounding, usual[0] * STEPS[0]) / np.array(STEPS)[:-1, None]
    enough = 0.1 * TOLERANCE * np.median(scale, axis=0)
    best = np.maximum.reduce([usual, rounding, np.broadcast_to(enough, usual.shape)]).argmin(axis=0)
    cvs = np.arange(len(best))
    # the curvature, which is 16 times as much with the longer step, cancels
    slopes = (16.0 * differences[:, :-1] - differences[:, 1:]) / 15.0
    return slopes[:, best, cvs], np.maximum(changes, rounding)[:, best, cvs]


def _difference(here: _Place, shift: FloatArray, strain: FloatArray, h: float) -> FloatArray:
    """(n_cvs,) array: the central difference, the shortest way around a period."""
    plus, minus = here.evaluate(
        [_moved(here.structure, sign * h * shift, sign * h * strain) for sign in (1.0, -1.0)]
    ).s
    change: FloatArray = plus - minus
    for k, cv in enumerate(here.cvs):
        if cv.period is not None:
            length = cv.period[1] - cv.period[0]
            change[k] -= length * np.round(change[k] / length)
    return change / (2.0 * h)


def _moved(structure: Structure, by: FloatArray, strain: FloatArray | None = None) -> Structure:
    F = np.eye(3) if strain is None else np.eye(3) + strain
    return replace(structure, positions=structure.positions @ F + by, cell=structure.cell @ F)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)
