"""What is asked of a biased system, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ipi_mtd.arrays import FloatArray
from ipi_mtd.bias import Seen
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Evaluation, Structure


@dataclass(frozen=True, slots=True, eq=False)
class Occasion:
    """When a structure is evaluated, and what is wanted beside forces.

    Parameters
    ----------
    step : of the trajectory
    own : what the walker keeps for each bias that asks for it
    neighborhood : the neighbor lists of the trajectory; None to make new ones
    quantities : names of quantities that are due to be printed
    models : names of models whose features are
    """

    step: int = 0
    own: Mapping[str, FloatArray] = field(default_factory=dict)
    neighborhood: Neighborhood | None = None
    quantities: Sequence[str] = ()
    models: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BiasedEvaluation:
    """What is known about one structure; a record, which evaluates nothing.

    Parameters
    ----------
    structure : the structure
    total : energy, forces and virial of potential and bias together
    potential : float, hartree
        The physical energy.
    of_biases : energy, forces and virial of all biases
    s : (n_cvs,) array, units of the CVs
    seen : name of each bias and what it saw, in the energy unit of the biases
    quantities : name and value of each that was wanted
    features : (n_samples, n_properties) array of each model that was wanted
    """

    structure: Structure
    total: Evaluation
    potential: float
    of_biases: Evaluation
    s: FloatArray
    seen: Mapping[str, Seen]
    quantities: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def bias(self) -> float:
        """The energy of all biases, hartree."""
        return self.of_biases.energy

    @property
    def biases(self) -> dict[str, float]:
        """The energy of each bias, in the energy unit of the biases."""
        return {name: seen.V for name, seen in self.seen.items()}
