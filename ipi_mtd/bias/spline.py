"""PLUMED's interpolation of a function known with its first derivatives at the nodes of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Weights: TypeAlias = tuple[float, float, float, float]
"""The weights p and q of the value and the slope of one node, and their derivatives."""

Node: TypeAlias = Sequence[float]
"""V and its d derivatives, each times the spacing of its CV."""


def hermite(t: float, h: float) -> tuple[Weights, Weights]:
    """The cubic Hermite polynomials of the node below and of the node above.

    Parameters
    ----------
    t : float
        The distance from the node below in spacings, from 0 to 1.
    h : float, units of the CV
        The spacing.
    """
    u = 1.0 - t
    dp = -6.0 * t * u / h
    return (
        (u * u * (1.0 + 2.0 * t), t * u * u, dp, u * (1.0 - 3.0 * t) / h),
        (t * t * (1.0 + 2.0 * u), -u * t * t, -dp, t * (1.0 - 3.0 * u) / h),
    )


# One function for each number of CVs: this runs at every step of the dynamics, and general loops
# would take three times as long.


def interpolate_1(
    nodes: Sequence[Node], tiny: float, x: tuple[Weights, Weights]
) -> tuple[float, list[float]]:
    """V and its derivative from the two ends of an interval."""
    V = V_x = 0.0
    for (v, v_x), (p_x, q_x, dp_x, dq_x) in zip(nodes, x, strict=True):
        v_x = v_x if abs(v) >= tiny else 0.0
        V += v * p_x + v_x * q_x
        V_x += v * dp_x + v_x * dq_x
    return V, [V_x]


def interpolate_2(
    nodes: Sequence[Node], tiny: float, x: tuple[Weights, Weights], y: tuple[Weights, Weights]
) -> tuple[float, list[float]]:
    """V and its gradient from the four corners of a rectangle, the last CV fastest."""
    V = V_x = V_y = 0.0
    corners = iter(nodes)
    for p_x, q_x, dp_x, dq_x in x:
        for p_y, q_y, dp_y, dq_y in y:
            v, v_x, v_y = next(corners)
            inverse = 1.0 / v if abs(v) >= tiny else 0.0
            r_x, r_y = v_x * inverse, v_y * inverse
            f_x, f_y = v * (p_x + r_x * q_x), p_y + r_y * q_y
            V += f_x * f_y
            V_x += v * (dp_x + r_x * dq_x) * f_y
            V_y += f_x * (dp_y + r_y * dq_y)
    return V, [V_x, V_y]


def interpolate_3(
    nodes: Sequence[Node],
    tiny: float,
    x: tuple[Weights, Weights],
    y: tuple[Weights, Weights],
    z: tuple[Weights, Weights],
) -> tuple[float, list[float]]:
    """V and its gradient from the eight corners of a box, the last CV fastest."""
    V = V_x = V_y = V_z = 0.0
    corners = iter(nodes)
    for p_x, q_x, dp_x, dq_x in x:
        for p_y, q_y, dp_y, dq_y in y:
            for p_z, q_z, dp_z, dq_z in z:
                v, v_x, v_y, v_z = next(corners)
                inverse = 1.0 / v if abs(v) >= tiny else 0.0
                r_x, r_y, r_z = v_x * inverse, v_y * inverse, v_z * inverse
                f_x, f_y, f_z = v * (p_x + r_x * q_x), p_y + r_y * q_y, p_z + r_z * q_z
                V += f_x * f_y * f_z
                V_x += v * (dp_x + r_x * dq_x) * f_y * f_z
                V_y += f_x * (dp_y + r_y * dq_y) * f_z
                V_z += f_x * f_y * (dp_z + r_z * dq_z)
    return V, [V_x, V_y, V_z]
