"""Export both collective variables as metatomic models: ``python -m lj38.export``.

This writes, next to this module or into the directory given with ``--output``,

``histo-cv.pt``
    :class:`lj38.coordination_histogram.CoordinationHistogram`
``soap-cv.pt`` and ``extensions/``
    :class:`lj38.soap_cv.SoapCV`, and the compiled libraries of featomic that it needs. ipi-mtd
    has featomic anyway; PLUMED and LAMMPS have to be told where ``extensions/`` is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from metatomic.torch import AtomisticModel, ModelCapabilities, ModelMetadata, ModelOutput

from lj38 import ATOMIC_NUMBER
from lj38.coordination_histogram import CoordinationHistogram

HERE = Path(__file__).parent
CUTOFF = 5.5  # angstrom, between the second and the third shell of neighbors


def capabilities(devices: list[str], sample_kind: str = "system") -> ModelCapabilities:
    """What our models can do.

    Parameters
    ----------
    devices : list of str
        The devices a model runs on, the best one first.
    sample_kind : str
        ``"system"``: one value of each collective variable for the whole system. A model that
        has values for each atom may say ``"atom"`` here; engines then take those.
    """
    return ModelCapabilities(
        length_unit="angstrom",
        outputs={"feature": ModelOutput(sample_kind=sample_kind)},
        atomic_types=[ATOMIC_NUMBER],
        interaction_range=CUTOFF,
        supported_devices=devices,
        dtype="float64",  # a bias is a small difference of large numbers, its force even more so
    )


def histogram_model() -> AtomisticModel:
    """The histogram of coordination numbers, ready to be saved."""
    metadata = ModelMetadata(
        name="Coordination histogram",
        description="How many atoms have about 6, and about 8, neighbors",
        references={"model": ["https://doi.org/10.1021/ct3010563"]},
    )
    # The CPU comes first: for 38 atoms a GPU takes longer to start than the CPU to finish.
    # PyTorch has no float64 on "mps", Apple's GPUs; in float32 that would be a third device.
    module = CoordinationHistogram(CUTOFF, bins=[6, 8]).eval()
    return AtomisticModel(module, metadata, capabilities(["cpu", "cuda"]))


def soap_model(sample_kind: str = "system") -> AtomisticModel:
    """The SOAP collective variables, ready to be saved."""
    # Not at the top: a model's file lists all the extensions that are loaded when it is saved,
    # and the histogram's is to load without featomic.
    from lj38.soap_cv import SoapCV

    metadata = ModelMetadata(
        name="SOAP bond order",
        description="Average power of l = 4 and l = 6 in the SOAP expansion of the neighbors",
        references={
            "model": ["https://doi.org/10.1103/PhysRevB.28.784"],
            "architecture": ["https://doi.org/10.1103/PhysRevB.87.184115"],
        },
    )
    module = SoapCV(CUTOFF, angular=[4, 6]).eval()
    return AtomisticModel(module, metadata, capabilities(["cpu"], sample_kind))


def export(directory: Path) -> None:
    """Write both models, and the extensions they need, into a directory.

    A folder ``extensions`` that is there already is replaced.

    Parameters
    ----------
    directory : Path
    """
    directory.mkdir(parents=True, exist_ok=True)
    histogram_model().save(directory / "histo-cv.pt")
    soap_model().save(directory / "soap-cv.pt", collect_extensions=str(directory / "extensions"))


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(
        prog="python -m lj38.export", description="Write histo-cv.pt, soap-cv.pt and extensions/."
    )
    parser.add_argument(
        "--output", type=Path, default=HERE, metavar="DIR", help="default: where this module is"
    )
    export(parser.parse_args().output)


if __name__ == "__main__":
    main()
