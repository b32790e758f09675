"""The options that several commands share; each is declared here and nowhere else.

A decorator of a group of options hands the command what they mean together, one argument for all
of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

Function = Callable[..., Any]

PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

_OVERRIDES = (
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Take this exported model instead of the one in CONFIG.",
    ),
    click.option("--extensions", type=PATH, help="Directory of the model's extensions."),
    click.option("--device", help="Where the models run: cpu, cuda, cuda:1, mps."),
    click.option("--address", help="Name of the unix socket, or host, of i-PI."),
    click.option("--structure", type=PATH, help="With a plumed.dat: a file with the atoms."),
    click.option("--timestep", help="With a plumed.dat: i-PI's time step, such as '2.5 fs'."),
    click.option("--port", type=click.IntRange(1, 65535), help="Port of i-PI; implies inet."),
)

_DIRECTORY = (
    click.option(
        "--output",
        type=PATH,
        default=Path(),
        show_default="the current directory",
        help="Where HILLS, COLVAR and the journal go.",
    ),
    click.option(
        "--fresh", is_flag=True, help="Set the files of an earlier run aside and begin anew."
    ),
    click.option(
        "--keep-hills",
        is_flag=True,
        help="Go on with all hills, wherever i-PI starts: roll nothing back.",
    ),
)


def override_options(command: Function) -> Function:
    """Options on what overrides the configuration; the command gets them as `overrides`."""

    @functools.wraps(command)
    def with_overrides(**parameters: Any) -> None:
        from ipi_mtd.config import Overrides

        overrides = {name: parameters.pop(name) for name in Overrides.__annotations__}
        command(overrides=overrides, **parameters)

    return _with(_OVERRIDES, with_overrides)


def directory_options(command: Function) -> Function:
    """Options on where a run is, and what to do with an earlier one there.

    The command gets the directory as `output` and the rest as `start`.
    """

    @functools.wraps(command)
    def with_start(*, fresh: bool, keep_hills: bool, **parameters: Any) -> None:
        from ipi_mtd.record.run_directory import Start

        if fresh and keep_hills:
            raise click.UsageError("--fresh and --keep-hills exclude each other")
        start = Start.FRESH if fresh else Start.KEEP_HILLS if keep_hills else Start.RESUME
        command(start=start, **parameters)

    return _with(_DIRECTORY, with_start)


def words_for(command: click.Command, *, without: Sequence[str] = ()) -> list[str]:
    """What the running command was given, as options of another command.

    Parameters
    ----------
    command : the other one; what it has no option for is left out
    without : names of parameters that are not wanted

    Returns
    -------
    list of str
        Words of a command line, such as ``["--device", "cuda", "--fresh"]``.
    """
    context = click.get_current_context()
    words: list[str] = []
    for option in command.params:
        name = str(option.name)
        if (
            not isinstance(option, click.Option)
            or name in without
            or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE
        ):
            continue
        value = context.params[name]
        if option.is_flag:
            words += [option.opts[0]]
        else:
            for item in value if option.multiple else (value,):
                words += [option.opts[0], str(item)]
    return words


def _with(options: Sequence[Callable[[Function], Function]], command: Function) -> Function:
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)
