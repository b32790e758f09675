"""The page of the command line, from what its options and commands say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from docs.markdown import MADE, paragraphs, table
from ipi_mtd.commands.cli import cli

HEAD = ("option", "value", "default", "meaning")


def command_line() -> str:
    """The page."""
    blocks = [
        MADE.format(source="`ipi_mtd/commands/cli.py` and `ipi_mtd/commands/options.py`"),
        "# The command line",
        "Every command has `--help`, which says the same. The exit status is 0 if all went well, 1 "
        "if something is wrong, which one line on standard error says, 2 if the command cannot be "
        "understood, and 130 after an interrupt.",
    ]
    for name, command in cli.commands.items():
        blocks += _described(name, command)
    return "\n\n".join(blocks) + "\n"


def _described(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f"## `ipi-mtd {name}`"
    yield f"    ipi-mtd {name} {' '.join(command.collect_usage_pieces(context))}"
    yield "\n\n".join(paragraphs(command.help))
    options = [option for option in command.params if isinstance(option, click.Option)]
    yield table(HEAD, [_row(option) for option in options if not option.hidden])


def _row(option: click.Option) -> tuple[str, str, str, str]:
    if not option.help:
        raise ValueError(f"{option.opts[0]} needs a help text")
    times = "; may be given several times" if option.multiple else ""
    return (f"`{option.opts[0]}`", _value(option) + times, _default(option), option.help)


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if option.metavar:
        return f"`{option.metavar}`"
    match option.type:
        case click.IntRange(min=low, max=None):
            return f"whole number from {low} up"
        case click.IntRange(min=low, max=high):
            return f"whole number from {low} to {high}"
        case click.Path(exists=True):
            return "a file that exists"
        case click.Path():
            return "path"
    return {"float": "number", "text": "string"}[option.type.name]


def _default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    return f"`{option.default}`" if option.show_default else ""
