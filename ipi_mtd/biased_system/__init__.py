"""Structures in, energies and forces of potential and bias out."""

from ipi_mtd.biased_system.bias_term import BiasTerm
from ipi_mtd.biased_system.evaluation import BiasedEvaluation, Occasion
from ipi_mtd.biased_system.system import BiasedSystem

__all__ = ["BiasTerm", "BiasedEvaluation", "BiasedSystem", "Occasion"]
