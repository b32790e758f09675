"""Finding an ASE calculator by its name."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ipi_mtd.errors import UserError


def load_calculator(name: str, arguments: Mapping[str, Any], source: Path) -> Any:
    """Import a class or function and call it.

    A module beside the configuration comes before one that is installed, from wherever the command
    is started.

    Parameters
    ----------
    name : module and class, such as ``ase.calculators.emt:EMT``
    arguments : what it is called with
    source : the configuration

    Raises
    ------
    UserError
        If there is no such module, it has no such name, or importing or calling it raises.
    """
    where = f"{source}: `potential.calculator` {name}"
    module_name, _, attribute = name.partition(":")
    beside = Path(os.path.abspath(source)).parent  # noqa: PTH100 - symbolic links are kept
    try:
        module = _import(module_name, beside)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise UserError(f"{where}: {_say(error)}") from error
        raise UserError(
            f"{where}: there is no module '{error.name}', neither beside the configuration, in "
            f"{beside}, nor installed"
        ) from error
    except Exception as error:
        raise UserError(f"{where}: cannot be imported: {_say(error)}") from error
    if not hasattr(module, attribute):
        guess = difflib.get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean {module_name}:{guess[0]}?" if guess else ""
        raise UserError(f"{where}: {module.__file__} has no '{attribute}'{hint}")
    try:
        return getattr(module, attribute)(**arguments)
    except Exception as error:
        raise UserError(f"{where}: cannot be made: {_say(error)}") from error


def _import(name: str, beside: Path) -> ModuleType:
    top = name.partition(".")[0]
    ours = (beside / f"{top}.py", beside / top / "__init__.py")
    if any(file.is_file() for file in ours):
        loaded = sys.modules.get(top)
        if loaded is not None and Path(loaded.__file__ or "") not in ours:
            del sys.modules[top]  # that of another configuration
    sys.path[:] = [str(beside), *(path for path in sys.path if path != str(beside))]
    importlib.invalidate_caches()  # the file may have been written a moment ago
    return importlib.import_module(name)


def _say(error: Exception) -> str:
    """The error in one line, with where it happened."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({place.filename}, line {place.lineno})"
