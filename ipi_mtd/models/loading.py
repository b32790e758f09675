"""Loading an exported metatomic model, and saying clearly why it cannot be used.

An exported model and its extensions are code that runs with the user's rights. Only the files that
are named are loaded; nothing is looked for in the working directory.
"""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from ipi_mtd.errors import UserError
from ipi_mtd.models.torchscript import torchscript


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal: the identity of a model."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_model(path: Path, extensions: Path | None) -> Any:
    """Load a model that was exported with ``metatomic.torch.AtomisticModel.save``.

    Parameters
    ----------
    path : path of the exported model
    extensions : path, optional
        The directory given as ``collect_extensions`` at export. Models that need featomic alone
        load without it, from the installed featomic.

    Raises
    ------
    UserError
        If a file is missing or is no exported model, or if an extension cannot be found.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such model file")
    if extensions is not None and not extensions.is_dir():
        raise UserError(f"{extensions}: there is no such extensions directory (needed by {path})")
    _require_extensions(path, extensions)
    try:
        with torchscript():
            import metatomic.torch

            # we take the old name as well, and the user cannot change the model
            warnings.filterwarnings("ignore", ".*output name is deprecated")
            return metatomic.torch.load_atomistic_model(path, extensions)
    except Exception as error:
        reason = first_line(error.__cause__ or error)
        raise UserError(f"{path}: cannot be loaded: {reason}") from error


def _require_extensions(path: Path, directory: Path | None) -> None:
    """Make sure that every TorchScript extension of a model is there before it is loaded.

    Raises
    ------
    UserError
        If one is missing, or the file is not an exported metatomic model.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.partition("/")[2]: name for name in archive.namelist()}
            extensions = json.loads(archive.read(members["extra/extensions"]))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserError(
            f"{path}: this is not a model exported with metatomic "
            "(metatomic.torch.AtomisticModel.save)"
        ) from error
    for extension in extensions:
        name = extension["name"]
        if directory is not None and (directory / extension["path"]).is_file():
            continue
        if name == "featomic_torch" and _load_featomic():
            continue
        where = "none was named" if directory is None else f"{directory} does not have it"
        raise UserError(
            f"{path}: the model needs the TorchScript extension {name}; {where}: give the "
            "directory that `save(..., collect_extensions=...)` filled, as `extensions` in the "
            "configuration or with --extensions"
        )


def _load_featomic() -> bool:
    """Load the installed featomic, if there is one and no model has brought its own.

    To load a second copy of the library would kill the process.
    """
    try:
        torch.classes.featomic.CalculatorHolder  # noqa: B018  (there if the library is)
    except RuntimeError:
        try:
            with torchscript():
                import featomic.torch  # noqa: F401
        except ImportError:
            return False
    return True


def pick_device(name: str, supported: list[str], path: Path) -> torch.device:
    """The device to run a model on.

    Raises
    ------
    UserError
        If the name is none of torch's, the model does not support it or it is not there.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device '{name}': torch knows no such device") from error
    if device.type not in supported:
        raise UserError(
            f"{path}: the model does not support the device '{name}', only {', '.join(supported)}"
        )
    if device.type == "cuda":
        n_devices = torch.cuda.device_count()
        if (device.index or 0) >= n_devices:
            raise UserError(f"device '{name}': torch finds {n_devices} CUDA devices here")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError(f"device '{name}': torch finds no MPS device here")
    return device


def pick_dtype(name: str, device: torch.device, path: Path) -> torch.dtype:
    """The precision of the model.

    Raises
    ------
    UserError
        If the device does not have it.
    """
    dtype = {"float32": torch.float32, "float64": torch.float64}[name]
    if device.type == "mps" and dtype == torch.float64:
        raise UserError(f"{path}: the model is float64, which the device 'mps' does not have")
    return dtype


def pick_output(outputs: dict[str, Any], variant: str | None, path: Path) -> str:
    """The name of the model's CV output: ``feature``, older ``features``, or a variant of it.

    A model that has a single variant and no plain ``feature`` need not be told which.

    Raises
    ------
    UserError
        If the model has no such output.
    """
    found = {}  # variant -> name; metatomic gives each output its new and its old name
    for name in sorted(outputs, reverse=True):
        base, _, of = name.partition("/")
        if base in ("feature", "features"):
            found[of] = name
    if variant is None and "" not in found and len(found) == 1:
        (variant,) = found
    if (variant or "") in found:
        return found[variant or ""]
    wanted = f"feature/{variant}" if variant else "feature"
    if found:
        names = ", ".join(sorted(found.values()))
        raise UserError(f"{path}: the model has no output '{wanted}', but {names}: name a variant")
    names = ", ".join(sorted(outputs)) or "none"
    raise UserError(f"{path}: the model has no output '{wanted}' to bias, only: {names}")


def declared_name(outputs: dict[str, Any], name: str) -> str:
    """What the module itself calls an output that metatomic gives both its old and its new name.

    metatomic lists the name that was declared before the one that it adds.
    """
    base, slash, variant = name.partition("/")
    other = {"feature": "features", "features": "feature"}[base] + slash + variant
    return next(listed for listed in outputs if listed in (name, other))


def first_line(error: BaseException) -> str:
    """The first line of an error message, without torch's traceback."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def last_line(error: BaseException) -> str:
    """What a model's own error says, without TorchScript's traceback in front of it."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
