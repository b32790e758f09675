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
PICTURES = (".png", ".pdf", ".svg")
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
        click.echo(f"ipi-mtd: {' '.join(str(error).splitlines())}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"ipi-mtd: {error.filename}: {error.strerror}", err=True)
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
        click.option("--device", help="Where all models run: cpu, cuda, cuda:1, mps."),
        click.option("--address", help="Name of the unix socket, or host, of i-PI."),
        click.option("--structure", type=_PATH, help="With a plumed.dat: a file with the atoms."),
        click.option("--timestep", help="With a plumed.dat: i-PI's time step, such as '2.5 fs'."),
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
            help="Go on with all hills, wherever i-PI starts: roll nothing back.",
        ),
    ]
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@cli.command()
@click.argument("config", type=_FILE)
@override_options
@directory_options
@click.option("--progress-fd", type=int, hidden=True)
@click.option("--barostat", hidden=True)
def run(
    config: Path, output: Path, progress_fd: int | None, barostat: str | None, **options: Any
) -> None:
    """Connect to i-PI and serve forces and bias until it says EXIT.

    CONFIG is a TOML file, see inputs/lj38.toml; or a plumed.dat, with --structure, --timestep and
    --address.
    """
    from ipi_mtd.commands.progress import Launcher
    from ipi_mtd.commands.run import run as run_driver

    launcher = None if progress_fd is None else Launcher(progress_fd)
    run_driver(_read(config, options), config, output, _start(options), launcher, barostat)


@cli.command()
@click.argument("config", type=_FILE)
@override_options
def check(config: Path, **options: Any) -> None:
    """Load everything that `run` would load, and say what it is and how fast."""
    from ipi_mtd.commands.check import check as check_run

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
@click.option("--quiet", is_flag=True, help="Say nothing but warnings and errors.")
def launch(
    input_xml: Path, config: Path, output: Path, retries: int, quiet: bool, **options: Any
) -> None:
    """Start i-PI and the driver, watch both, and end both.

    i-PI runs in the output directory. INPUT.xml may be the RESTART file of an earlier run there.
    """
    from ipi_mtd.commands.launch import launch as launch_both

    if quiet:
        logging.getLogger("ipi_mtd").setLevel(logging.WARNING)
    launch_both(
        input_xml,
        config,
        _read(config, options),
        output,
        _run_arguments(options),
        retries=retries,
        quiet=quiet,
    )


@cli.command()
@click.argument("hills", type=_FILE, default="HILLS")
@click.option("--config", type=_FILE, help="The run's configuration: labels, CVs of --mark.")
@click.option("--output", type=_PATH, default="fes.dat", show_default=True, help="The table.")
@click.option("--picture", type=_PATH, default="fes.png", show_default=True, help="The picture.")
@click.option("--temperature", type=float, help="In kelvin; for error bar and projection.")
@click.option("--energy-unit", help="Of HILLS, if the file does not say it.")
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="CV=MIN:MAX[:BINS]",
    help="The axis of a CV; by default as far as the hills reach.",
)
@click.option("--onto", multiple=True, metavar="CV", help="Project on this CV, or on several.")
@click.option(
    "--mark",
    "marks",
    multiple=True,
    metavar="FILE|NAME:CV=VALUE,...",
    help="A known structure to mark: a structure file, or its CVs.",
)
@click.option(
    "--max",
    "highest",
    type=float,
    metavar="ENERGY",
    help="The top of the picture's energy scale, in the unit of HILLS.",
)
@click.option("--colvar", type=_FILE, help="Show where this COLVAR has been, not the hills.")
def fes(hills: Path, output: Path, picture: Path, **options: Any) -> None:
    """Sum HILLS to the free energy, as a table and as a picture.

    The table has PLUMED's layout, with the standard error as a further column if the temperature is
    known. What neither an option nor --config says is taken from the journal beside HILLS:
    temperature and energy unit, and the configuration of the run, for labels and --mark FILE.
    Numbers are written as in PLUMED: 0.5, 2pi, -pi/2. The range of a periodic CV can only be its
    period, with a number of bins.
    """
    from ipi_mtd.analysis.recorded import read_recorded
    from ipi_mtd.analysis.report import report
    from ipi_mtd.commands.fes import make_settings

    if picture.suffix not in PICTURES:
        raise UserError(f"--picture must end with {', '.join(PICTURES)}, got '{picture}'")
    recorded = read_recorded(hills)
    told = options["config"] or (recorded and recorded.configuration)
    if told is None and any(Path(text).is_file() for text in options["marks"]):
        raise click.UsageError(
            "--mark of a structure file needs --config: it says from which model its CVs come"
        )
    click.echo(report(hills, output, picture, make_settings(hills, **options)))


@cli.command()
@click.argument("file", type=_FILE, default="ipi-mtd.journal")
@click.option("--steps", type=click.IntRange(0), default=5, show_default=True, help="How many.")
def journal(file: Path, steps: int) -> None:
    """Show what the journal of a run holds: its settings and its last steps."""
    from ipi_mtd.record.journal import describe

    for line in describe(file, steps):
        click.echo(line)


def _read(path: Path, options: dict[str, Any]) -> Any:
    from ipi_mtd.config import read_input, with_overrides

    models = {}
    for text in options["models"]:
        name, separator, file = text.rpartition("=")
        models[name if separator else ""] = Path(file)
    return with_overrides(
        read_input(
            path,
            structure=options["structure"],
            timestep=options["timestep"],
            address=options["address"],
            port=options["port"],
        ),
        path,
        models=models,
        extensions=options["extensions"],
        device=options["device"],
        address=options["address"],
        port=options["port"],
    )


def _start(options: dict[str, Any]) -> Any:
    from ipi_mtd.record.run_directory import Start

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
    for name in ("extensions", "device", "structure", "timestep", "address", "port"):
        if options[name] is not None:
            arguments += [f"--{name}", str(options[name])]
    for name in ("fresh", "keep_hills"):
        if options[name]:
            arguments.append(f"--{name.replace('_', '-')}")
    return arguments


if __name__ == "__main__":
    main()
