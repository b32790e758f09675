"""How the output of a model is counted: a scalar, a vector or a matrix, as in PLUMED.

======= ========== ============= ===================================
samples properties PLUMED's word elements
======= ========== ============= ===================================
1       1          scalar        the output itself
1       several    vector        ``1``, ``2``: the properties
several 1          vector        ``1``, ``2``: the samples
several several    matrix        ``2.1``: sample 2, property 1
======= ========== ============= ===================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Shape: TypeAlias = tuple[int, int]
"""The numbers of samples and of properties."""


def element_names(label: str, shape: Shape) -> list[str]:
    """What PLUMED calls the elements of an output in the header of a file, sample by sample."""
    n_samples, n_properties = shape
    if n_samples == n_properties == 1:
        return [label]
    if n_samples == 1 or n_properties == 1:
        return [f"{label}.{k + 1}" for k in range(n_samples * n_properties)]
    return [f"{label}.{i + 1}.{j + 1}" for i in range(n_samples) for j in range(n_properties)]


def element_indices(elements: Sequence[str], shape: Shape) -> list[int]:
    """Where elements such as ``"3"`` or ``"2.1"`` are in the output, flattened.

    Raises
    ------
    ValueError
        If the output has no such element.
    """
    places = {name: k for k, name in enumerate(element_names("", shape))}
    for element in elements:
        if f".{element}" not in places:
            raise ValueError(f"there is no element {element} in {describe(shape)}")
    return [places[f".{element}"] for element in elements]


def describe(shape: Shape) -> str:
    """A shape in words."""
    n_samples, n_properties = shape
    if n_samples == n_properties == 1:
        return "a scalar"
    if n_samples == 1 or n_properties == 1:
        of = "property" if n_samples == 1 else "sample"
        return f"a vector of {n_samples * n_properties} elements, one for each {of}"
    return f"a matrix of {n_samples} samples by {n_properties} properties"
