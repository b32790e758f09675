"""RESTART: whether the run goes on with what is in its files."""

from __future__ import annotations

from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.keywords import Flag


def _restart(draft: Draft, _action: Action, given: Given) -> None:
    draft.files.restart = not given["NO"]


RESTART = Definition("RESTART", {"NO": Flag()}, _restart, first=True)
