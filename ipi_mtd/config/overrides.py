"""What is said beside the file, on the command line or in Python, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from ipi_mtd.config.schema import RunConfig
from ipi_mtd.config.sections import MetatomicSection, ModelSection
from ipi_mtd.errors import UserError


class Overrides(TypedDict, total=False):
    """What is said beside the file; what is absent or None is as the file says.

    The command line has an option for each of them, declared in `commands/options.py`. Paths are
    relative to the working directory.
    """

    models: Sequence[str]
    """Models to take instead, as ``NAME=FILE``, or ``FILE`` for the only one."""
    extensions: Path | None
    """The directory of the models' TorchScript extensions."""
    device: str | None
    """Where the models of the CVs and a metatomic potential run."""
    address: str | None
    """The name of the unix socket, or the host, of i-PI."""
    structure: Path | None
    """With PLUMED's input: a structure file."""
    timestep: str | None
    """With PLUMED's input: i-PI's time step, such as "2.5 fs"."""
    port: int | None
    """The port of i-PI; implies inet."""


def with_overrides(config: RunConfig, overrides: Overrides) -> RunConfig:
    """The configuration with what is said instead of the file.

    Raises
    ------
    UserError
        If the configuration does not have a model that is to be replaced, or has several and it is
        not said which.
    """
    update = _told(overrides, "extensions", "device")
    socket = _told(overrides, "address", "port")
    if "port" in socket:
        socket["mode"] = "inet"
    replaced = _with_models(config.models, config.source, overrides.get("models", ()))
    models = {name: model.model_copy(update=update) for name, model in replaced.items()}
    potential = config.potential
    if "device" in update and isinstance(potential, MetatomicSection):
        potential = potential.model_copy(update={"device": update["device"]})
    return config.model_copy(
        update={
            "models": models,
            "potential": potential,
            "socket": config.socket.model_copy(update=socket),
        }
    )


def _told(overrides: Overrides, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in overrides.items() if key in keys and value is not None}


def _with_models(
    models: dict[str, ModelSection], source: Path, texts: Sequence[str]
) -> dict[str, ModelSection]:
    """The models with other files; the extensions of a file that is replaced go with it."""
    changed = dict(models)
    for text in texts:
        name, _, file = text.rpartition("=")
        if not name and len(changed) > 1:
            raise UserError(
                f"{source}: has several models ({', '.join(changed)}); say --model NAME={file}"
            )
        key = name or next(iter(changed))
        if key not in changed:
            raise UserError(f"{source}: has no model '{key}', only {', '.join(changed)}")
        update = {"file": Path(file), "extensions": None}
        changed[key] = changed[key].model_copy(update=update)
    return changed
