"""Measure what a run costs and print tables; a minute or two."""

from __future__ import annotations

import argparse
import os

import torch

from benchmarks import batches, force_call, many_hills, md_step, system_size


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--long", action="store_true", help="10^6 hills, two minutes more")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load, _, _ = os.getloadavg()
    print(f"{os.cpu_count()} cores, load {load:.1f} before we begin; torch {torch.__version__}")
    print("Medians, in brackets the quartiles.")
    force_call.main()
    batches.main()
    md_step.main()
    many_hills.main(arguments.long)
    system_size.main()


if __name__ == "__main__":
    main()
