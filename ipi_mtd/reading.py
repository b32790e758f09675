"""Reading what a run is told, whether it is TOML or PLUMED's input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ipi_mtd.config import Config, read_config, validate
from ipi_mtd.errors import UserError

_KEY = re.compile(r"\s*(\[.*|[A-Za-z0-9_.\"'-]+\s*=.*)")


def is_plumed_input(path: Path) -> bool:
    """Whether a file is PLUMED's input rather than TOML.

    A file called ``.toml`` is TOML and one called ``.dat`` is not; of any other the first line
    tells that is neither empty nor a comment: in TOML it begins with ``[`` or with ``key =``.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    if path.suffix in (".toml", ".dat"):
        return path.suffix == ".dat"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    first = next((line for line in lines if line.partition("#")[0].strip()), "")
    return not _KEY.match(first)


def read_input(
    path: Path,
    *,
    structure: Path | None = None,
    timestep: str | None = None,
    periodic: bool | None = None,
    address: str | None = None,
    port: int | None = None,
) -> Config:
    """Read and check the input of a run.

    TOML says everything. PLUMED's input does not say what is simulated and where i-PI listens, so
    this has to be given with it; the run is then the bias alone.

    Parameters
    ----------
    path : a TOML file, or PLUMED's input
    structure : a file that ASE reads, relative to the working directory
    timestep : such as "2.5 fs"
    periodic : whether the cell that i-PI sends is periodic; by default as in the structure file
    address : name of the unix socket, or host, of i-PI
    port : of i-PI; implies inet

    Raises
    ------
    UserError
        If anything is missing or wrong.
    """
    if not is_plumed_input(path):
        for option, value in (("structure", structure), ("timestep", timestep)):
            if value is not None:
                raise UserError(
                    f"{path}: --{option} is for PLUMED's input; TOML says it as `system.{option}`"
                )
        return read_config(path)
    options = {"--structure": structure, "--timestep": timestep, "--address": address}
    missing = [option for option, value in options.items() if value is None]
    if missing:
        raise UserError(
            f"{path}: PLUMED's input does not say the structure, the time step and where i-PI "
            f"listens: {', '.join(missing)} missing; or give a TOML file with these and "
            f'`plumed.file = "{path.name}"`'
        )
    assert structure is not None
    system: dict[str, Any] = {"structure": structure.absolute(), "timestep": timestep}
    system["periodic"] = bool(read_atoms(structure).pbc.any()) if periodic is None else periodic
    socket: dict[str, Any] = {"address": address}
    if port is not None:
        socket |= {"mode": "inet", "port": port}
    content = {
        "system": system,
        "socket": socket,
        "potential": {"kind": "none"},
        "plumed": {"file": path.name},
    }
    return validate(content, path)


def read_atoms(path: Path) -> Any:
    """The first structure of a file, as ASE's Atoms.

    Raises
    ------
    UserError
        If there is no such file, or ASE cannot read it.
    """
    import ase.io

    try:
        return ase.io.read(path, index=0)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such structure file") from error
    except Exception as error:
        raise UserError(f"{path}: ASE cannot read the structure: {error}") from error
