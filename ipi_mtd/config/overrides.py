"""What the command line says instead of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipi_mtd.config.schema import Config
from ipi_mtd.config.sections import MetatomicSection
from ipi_mtd.errors import UserError


def with_overrides(
    config: Config,
    source: Path,
    *,
    models: Mapping[str, Path],
    extensions: Path | None,
    device: str | None,
    address: str | None,
    port: int | None,
) -> Config:
    """The configuration with what the command line says instead of the file.

    Parameters
    ----------
    models : name of a model and the file to take for it; the name "" stands for the only model
    extensions : of the models of the CVs
    device : of the models of the CVs, and of a metatomic potential
    address, port : where i-PI listens; with a port, at an inet socket

    Raises
    ------
    UserError
        If a model is named that the configuration does not have.
    """
    changed = dict(config.models)
    for name, file in models.items():
        if not name and len(changed) > 1:
            raise UserError(
                f"{source}: has several models ({', '.join(changed)}); say --model NAME={file}"
            )
        key = name or next(iter(changed))
        if key not in changed:
            raise UserError(f"{source}: has no model '{key}', only {', '.join(changed)}")
        changed[key] = changed[key].model_copy(update={"file": file, "extensions": extensions})
    update: dict[str, Any] = {}
    if extensions is not None:
        update["extensions"] = extensions
    if device is not None:
        update["device"] = device
    changed = {name: model.model_copy(update=update) for name, model in changed.items()}
    socket: dict[str, Any] = {}
    if address is not None:
        socket["address"] = address
    if port is not None:
        socket.update(port=port, mode="inet")
    potential = config.potential
    if device is not None and isinstance(potential, MetatomicSection):
        potential = potential.model_copy(update={"device": device})
    return config.model_copy(
        update={
            "models": changed,
            "potential": potential,
            "socket": config.socket.model_copy(update=socket),
        }
    )
