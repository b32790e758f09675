"""FLUSH: nothing to do, as a line is in its file as soon as i-PI has the answer of its step."""

from __future__ import annotations

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.action import Action
from ipi_mtd.plumed_input.definition import Definition, Given, required
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.readings import one


def _nothing(_draft: Draft, _action: Action, _given: Given) -> None:
    pass


FLUSH = Definition("FLUSH", {"STRIDE": required(one(values.count))}, _nothing)
