"""The commands; the only place that prints and exits.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ipi_mtd.errors import UserError

_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(stream=sys.stderr, format="ipi-mtd: %(message)s", level=logging.WARNING)
    logging.getLogger("ipi_mtd").setLevel(logging.INFO)
    try:
        cli(prog_name="ipi-mtd", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        click.echo(f"ipi-mtd: {error}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("ipi-mtd: interrupted", err=True)
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ipi-mtd")
def cli() -> None:
    """Metadynamics for i-PI with collective variables written in PyTorch."""


def override_options(command: Callable[..., None]) -> Callable[..., None]:
    """What overrides the configuration."""
    options = [
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="[NAME=]FILE",
            help="Take this exported model instead of the one in CONFIG.",
        ),
        click.option("--extensions", type=_PATH, help="Directory of the model's extensions."),
        click.option("--device", help="Where the models run: cpu, cuda, cuda:1, mps."),
        click.option("--address", help="Name of the unix socket, or host, of i-PI."),
        click.option("--port", type=click.IntRange(1, 65535), help="Port of i-PI; implies inet."),
    ]
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


def directory_options(command: Callable[..., None]) -> Callable[..., None]:
    """Where a run is and what to do with an earlier one there."""
    options = [
        click.option(
            "--output",
            type=_PATH,
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
            help="Go on with all hills even if i-PI's positions are not those of a known step.",
        ),
    ]
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@cli.command()
@click.argument("config", type=_FILE)
@override_options
@directory_options
@click.option("--progress-fd", type=int, hidden=True)
def run(config: Path, output: Path, progress_fd: int | None, **options: Any) -> None:
    """Connect to i-PI and serve forces and bias until it says EXIT.

    CONFIG is a TOML file; see inputs/lj38.toml.
    """
    from ipi_mtd.running import run as run_driver

    run_driver(_read(config, options), config, output, _start(options), progress_fd)


@cli.command()
@click.argument("config", type=_FILE)
@override_options
def check(config: Path, **options: Any) -> None:
    """Load everything that `run` would load, and say what it is and how fast."""
    from ipi_mtd.running import check as check_run

    for line in check_run(_read(config, options), config):
        click.echo(line)


@cli.command()
@click.argument("input_xml", metavar="INPUT.xml", type=_FILE)
@click.argument("config", type=_FILE)
@override_options
@directory_options
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Start a driver that died again, up to so many times.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def launch(
    input_xml: Path, config: Path, output: Path, retries: int, quiet: bool, **options: Any
) -> None:
    """Start i-PI and the driver, watch both, and end both.

    i-PI runs in the output directory. INPUT.xml may be the RESTART file of an earlier run there.
    """
    from ipi_mtd.launching import launch as launch_both

    launch_both(
        input_xml,
        config,
        _read(config, options),
        output,
        _run_arguments(options),
        retries=retries,
        quiet=quiet,
    )


def _read(path: Path, options: dict[str, Any]) -> Any:
    from ipi_mtd.config import read_config, with_overrides

    models = {}
    for text in options["models"]:
        name, separator, file = text.rpartition("=")
        models[name if separator else ""] = Path(file)
    return with_overrides(
        read_config(path),
        path,
        models=models,
        extensions=options["extensions"],
        device=options["device"],
        address=options["address"],
        port=options["port"],
    )


def _start(options: dict[str, Any]) -> Any:
    from ipi_mtd.history import Start

    if options["fresh"] and options["keep_hills"]:
        raise click.UsageError("--fresh and --keep-hills exclude each other")
    if options["fresh"]:
        return Start.FRESH
    return Start.KEEP_HILLS if options["keep_hills"] else Start.RESUME


def _run_arguments(options: dict[str, Any]) -> list[str]:
    """The options as `run` takes them."""
    arguments = []
    for text in options["models"]:
        arguments += ["--model", text]
    for name in ("extensions", "device", "address", "port"):
        if options[name] is not None:
            arguments += [f"--{name}", str(options[name])]
    for name in ("fresh", "keep_hills"):
        if options[name]:
            arguments.append(f"--{name.replace('_', '-')}")
    return arguments


if __name__ == "__main__":
    main()
