"""Trajectories that feel one bias, and what each of them has become."""

from ipi_mtd.walker.biases import SharedBiases
from ipi_mtd.walker.walker import Question, Walker

__all__ = ["Question", "SharedBiases", "Walker"]
