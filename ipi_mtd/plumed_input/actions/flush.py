"""FLUSH: nothing to do, as a line is in its file as soon as i-PI has the answer of its step."""

from __future__ import annotations

from ipi_mtd.plumed_input import values
from ipi_mtd.plumed_input.definition import Definition
from ipi_mtd.plumed_input.keywords import one, required

FLUSH = Definition("FLUSH", {"STRIDE": required(one(values.count))}, lambda *_: None)
