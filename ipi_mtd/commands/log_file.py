"""The log of a driver that was launched."""

LOG = "ipi-mtd.log"
"""Its name, in the run directory."""
