"""A metatomic model with an energy as a potential."""

from __future__ import annotations

from pathlib import Path

from ipi_mtd.errors import UserError
from ipi_mtd.models.torchscript import torchscript
from ipi_mtd.potentials.ase_calculator import AsePotential


class MetatomicPotential(AsePotential):
    """The energy of a metatomic model, with forces and virial by differentiating it.

    Parameters
    ----------
    path : path
        An exported model with an ``energy`` output.
    extensions_directory : path, optional
        Where the TorchScript extensions that the model needs are kept.
    device : str, optional
        Such as "cpu" or "cuda"; by default the first of the model's devices that this machine has.
    variant : str, optional
        The part after the slash, for a model that offers ``energy/<variant>``.

    Raises
    ------
    UserError
        If the file is missing, or the model has no energy.
    """

    def __init__(
        self,
        path: str | Path,
        extensions_directory: str | Path | None = None,
        device: str | None = None,
        variant: str | None = None,
    ) -> None:
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; it should be an exported metatomic model")
        with torchscript():
            from metatomic.torch import load_atomistic_model
            from metatomic_ase import MetatomicCalculator

            model = load_atomistic_model(str(path), extensions_directory=extensions_directory)
        outputs = list(model.capabilities().outputs)
        name = "energy" if variant is None else f"energy/{variant}"
        if not any(output == name or output.startswith(f"{name}/") for output in outputs):
            raise UserError(
                f"{path}: a potential needs a model with the output `{name}`, this one has "
                + ", ".join(f"`{output}`" for output in outputs)
            )
        super().__init__(
            MetatomicCalculator(
                model,
                device=device,
                variants=None if variant is None else {"energy": variant},
                # a skin would make the order of pairs, and with it the last bits of the energy,
                # depend on what was evaluated before
                neighbor_skin=0.0,
            )
        )
