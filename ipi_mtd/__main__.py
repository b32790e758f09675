"""``python -m ipi_mtd`` is the command ``ipi-mtd``."""

from ipi_mtd.cli import main

main()
