"""Biased energies for programs in the same process: Python, ASE."""
