"""A batch of one structure."""

from __future__ import annotations

from ipi_mtd.arrays import FloatArray
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure


class Alone:
    """The features of one structure.

    Attributes
    ----------
    values : (n_samples, n_properties) array
    """

    def __init__(
        self, model: FeatureModel, structure: Structure, neighborhood: Neighborhood | None = None
    ) -> None:
        self._features = model.evaluate([structure], neighborhood and [neighborhood])
        self.values: FloatArray = self._features.values[0]

    def pull_back(self, seed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradients with respect to positions and strain of a function of the features."""
        (gradient,), (strain_gradient,) = self._features.pull_back(
            self._features.outputs, seed.reshape(1, -1), retain_graph=True
        )
        return gradient, strain_gradient
