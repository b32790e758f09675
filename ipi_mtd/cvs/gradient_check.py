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

from ipi_mtd.cvs.cv import CV
from ipi_mtd.structure import FloatArray, Structure

N_DIRECTIONS = 5
"""The median of so many counts: a kink, such as a neighbor at a sharp cutoff, spoils one or two."""

TOLERANCE = 1e-3
"""Relative, beyond the uncertainty of the differences; with float32 five times as much."""

SHAKE = 0.15
"""Bohr; moves the atoms away from symmetric places, where a part of a gradient can vanish and
maxima tie."""

LONG_SHAKES = (0.2, 1.0)
"""Bohr; to see whether a CV without gradient changes at all."""


class Values(Protocol):
    """The CVs of a structure; see :class:`ipi_mtd.cvs.cv.CVValues`."""

    s: FloatArray

    def pull_back(self, dV_ds: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradients with respect to positions and strain of a function of the CVs."""


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What was found about the gradient of one CV.

    Parameters
    ----------
    name : of the CV
    deviation : float
        Of the slope along a random direction from that of central differences, relative to the
        larger of the two; the median over directions.
    fault : what is wrong with it, None if nothing is
    """

    name: str
    deviation: float
    fault: str | None


def check_gradients(
    evaluate: Callable[[Structure], Values],
    cvs: Sequence[CV],
    structure: Structure,
    *,
    eps: float = 2.2e-16,
    seconds: float = 1.0,
) -> list[GradientCheck]:
    """Compare the gradient of every CV with central differences along random directions.

    The atoms are moved a little first, and the difference is extrapolated from two step sizes.

    Parameters
    ----------
    evaluate : gives the CVs of a structure
    cvs : the CVs
    structure : where to look
    eps : float
        The rounding of the models, 1.2e-7 for float32.
    seconds : float
        After so long no further direction is tried.

    Raises
    ------
    UserError
        If a model fails, or a gradient is not finite.
    """
    rng = np.random.default_rng(1)
    deadline = time.monotonic() + seconds
    place = _moved(structure, SHAKE * rng.normal(size=structure.positions.shape))
    values = evaluate(place).s
    gradients = [evaluate(place).pull_back(row)[0] for row in np.eye(len(cvs))]
    # the step that balances the rounding of the values with the curvature
    step = 2e-3 if eps < 1e-10 else 3e-2
    deviations, excesses = [], []
    for _ in range(N_DIRECTIONS):
        direction = rng.normal(size=structure.positions.shape)
        slopes = np.array([np.vdot(gradient, direction) for gradient in gradients])
        found, uncertainty = _central_differences(evaluate, cvs, place, direction, step)
        uncertainty += 10.0 * eps * np.abs(values) / step
        scale = np.maximum(np.abs(slopes), np.abs(found))
        off = np.abs(slopes - found)
        deviations.append(_ratio(off, scale))
        excesses.append(_ratio(off - uncertainty, scale))
        if time.monotonic() > deadline:
            break
    tolerance = TOLERANCE if eps < 1e-10 else 5.0 * TOLERANCE
    medians = np.median(deviations, axis=0).tolist()
    results = []
    for cv, gradient, deviation, excess in zip(
        cvs, gradients, medians, np.median(excesses, axis=0).tolist(), strict=True
    ):
        fault = None
        if not gradient.any():
            fault = "is zero"
        elif excess > tolerance:
            fault = f"is off by {100 * deviation:.2g} %"
        results.append(GradientCheck(cv.name, deviation, fault))
    return _with_reasons(results, evaluate, place, rng)


def _with_reasons(
    results: list[GradientCheck],
    evaluate: Callable[[Structure], Values],
    place: Structure,
    rng: np.random.Generator,
) -> list[GradientCheck]:
    """Say what a fault means; of a gradient that is zero, whether the CV changes at all."""
    if not any(result.fault for result in results):
        return results
    here = evaluate(place).s
    far = [_moved(place, size * rng.normal(size=place.positions.shape)) for size in LONG_SHAKES]
    changes = np.any([evaluate(structure).s != here for structure in far], axis=0)
    explained = []
    for result, change in zip(results, changes.tolist(), strict=True):
        fault = result.fault
        if fault == "is zero" and change:
            fault += ", but its value changes: it is made of steps, or cut off from the positions"
        elif fault == "is zero":
            fault += ", and its value does not change either: nothing would be biased here"
        elif fault:
            fault += ": a part of it is cut off (detach, no_grad), or it jumps"
        explained.append(replace(result, fault=fault))
    return explained


def _central_differences(
    evaluate: Callable[[Structure], Values],
    cvs: Sequence[CV],
    place: Structure,
    direction: FloatArray,
    step: float,
) -> tuple[FloatArray, FloatArray]:
    """(n_cvs,) arrays: the slope of each CV along a direction, and how uncertain it is."""
    near, far = (
        _difference(
            cvs,
            evaluate(_moved(place, h * direction)).s,
            evaluate(_moved(place, -h * direction)).s,
        )
        / (2.0 * h)
        for h in (0.5 * step, step)
    )
    return near + (near - far) / 3.0, np.abs(near - far)


def _difference(cvs: Sequence[CV], plus: FloatArray, minus: FloatArray) -> FloatArray:
    """(n_cvs,) array: the shortest way, around the period of a periodic CV."""
    change: FloatArray = plus - minus
    for k, cv in enumerate(cvs):
        if cv.period is not None:
            length = cv.period[1] - cv.period[0]
            change[k] -= length * np.round(change[k] / length)
    return change


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)


def _moved(structure: Structure, by: FloatArray) -> Structure:
    return replace(structure, positions=structure.positions + by)
