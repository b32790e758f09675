"""``python -m ipi_mtd`` is the command ``ipi-mtd``."""

import sys

from ipi_mtd.commands.cli import main

if not sys.flags.safe_path:
    del sys.path[0]  # the working directory, where the command does not look for modules either

main()
