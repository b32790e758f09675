"""The commands; the only place that prints and exits.

What a command does is in the module of its name. What it is called with stands here, not there:
those modules load torch when they are imported, and ``--help`` answers without it.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ipi_mtd.commands.options import (
    FILE,
    PATH,
    directory_options,
    override_options,
    words_for,
)
from ipi_mtd.errors import UserError

if TYPE_CHECKING:
    from ipi_mtd.config import Overrides
    from ipi_mtd.record.run_directory import Start

PICTURES = (".png", ".pdf", ".svg")


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


@cli.command()
@click.argument("config", type=FILE)
@override_options
@directory_options
@click.option("--progress-fd", type=int, hidden=True)
@click.option("--barostat", hidden=True)
def run(
    config: Path,
    output: Path,
    overrides: Overrides,
    start: Start,
    progress_fd: int | None,
    barostat: str | None,
) -> None:
    """Connect to i-PI and serve forces and bias until it says EXIT.

    CONFIG is a TOML file, see inputs/lj38.toml; or a plumed.dat, with --structure, --timestep and
    --address.
    """
    from ipi_mtd.commands.progress import Launcher
    from ipi_mtd.commands.run import run as run_driver
    from ipi_mtd.config import read_input

    launcher = None if progress_fd is None else Launcher(progress_fd)
    run_driver(read_input(config, **overrides), output, start, launcher, barostat)


@cli.command()
@click.argument("config", type=FILE)
@override_options
def check(config: Path, overrides: Overrides) -> None:
    """Load everything that `run` would load, and say what it is and how fast."""
    from ipi_mtd.commands.check import check as check_run
    from ipi_mtd.config import read_input

    for line in check_run(read_input(config, **overrides)):
        click.echo(line)


@cli.command()
@click.argument("input_xml", metavar="INPUT.xml", type=FILE)
@click.argument("config", type=FILE)
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
    input_xml: Path,
    config: Path,
    output: Path,
    overrides: Overrides,
    start: Start,  # noqa: ARG001 - for `run`
    retries: int,
    quiet: bool,
) -> None:
    """Start i-PI and the driver, watch both, and end both.

    i-PI runs in the output directory. INPUT.xml may be the RESTART file of an earlier run there.
    """
    from ipi_mtd.commands.launch import launch as launch_both
    from ipi_mtd.config import read_input

    if quiet:
        logging.getLogger("ipi_mtd").setLevel(logging.WARNING)
    launch_both(
        input_xml,
        config,
        read_input(config, **overrides),
        output,
        words_for(run, without=["output"]),
        retries=retries,
        quiet=quiet,
    )


@cli.command()
@click.argument("hills", type=FILE, default="HILLS")
@click.option("--config", type=FILE, help="The run's configuration: labels, CVs of --mark.")
@click.option("--output", type=PATH, default="fes.dat", show_default=True, help="The table.")
@click.option("--picture", type=PATH, default="fes.png", show_default=True, help="The picture.")
@click.option(
    "--temperature", type=float, help="Temperature in kelvin; for error bar and projection."
)
@click.option("--energy-unit", help="Energy unit of HILLS, if the file does not say it.")
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
@click.option("--colvar", type=FILE, help="Show where this COLVAR has been, not the hills.")
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
@click.argument("file", type=FILE, default="ipi-mtd.journal")
@click.option(
    "--steps", type=click.IntRange(0), default=5, show_default=True, help="How many of the steps."
)
def journal(file: Path, steps: int) -> None:
    """Show what the journal of a run holds: its settings and its last steps."""
    from ipi_mtd.record.journal import describe

    for line in describe(file, steps):
        click.echo(line)


if __name__ == "__main__":
    main()
