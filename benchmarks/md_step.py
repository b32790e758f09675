"""The MD step through i-PI: with the driver, and with a driver that answers zeros at once.

i-PI runs its input of the example as it is, but for the number of steps and the files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import timing
from benchmarks.lj38_run import INPUTS, make_run
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server import wire
from ipi_mtd.server.address import Address
from ipi_mtd.server.connecting import connect
from ipi_mtd.server.conversation import Conversation, serve
from ipi_mtd.server.wire import Wire
from ipi_mtd.structures.structure import Evaluation

STEPS, WARM_UP, ROUNDS = 1000, 100, 2
N_ATOMS = 38


def main() -> None:
    """Print the table."""
    timing.title(
        "An MD step of LJ38 through i-PI",
        "zeros: a driver that reads the positions and answers zeros, so what i-PI itself takes;",
        "histogram: the driver with Lennard-Jones, the histogram and metadynamics.",
    )
    servers = {"zeros": serve_zeros, "histogram": serve_histogram}
    times = timing.in_turns({name: _simulation(serve) for name, serve in servers.items()}, ROUNDS)
    timing.row("zeros", times["zeros"])
    timing.row("histogram", times["histogram"], timing.ratio(times["histogram"], times["zeros"]))


def serve_zeros(connection: Wire, stamps: list[float]) -> None:
    """The shortest loop that i-PI is content with; write down when each step was answered."""
    answer = wire.forceready(Evaluation(0.0, np.zeros((N_ATOMS, 3)), np.zeros((3, 3))), "{}")
    while (message := connection.read_header()) != "EXIT":
        if message == "STATUS":
            connection.send(wire.READY)
        elif message == "POSDATA":
            connection.read_posdata()
        elif message == "GETFORCE":
            connection.send(answer)
            stamps.append(time.perf_counter())


def serve_histogram(connection: Wire, stamps: list[float]) -> None:
    """The driver; write down when each step was committed."""
    run = make_run("histogram")
    with tempfile.TemporaryDirectory() as directory:
        record = run.open(Path(directory), Start.RESUME)
        conversation = Conversation(
            run.walker(record), run.cv_names, lambda _: stamps.append(time.perf_counter())
        )
        serve(connection, conversation, run.system)
        record.close()


def _simulation(serve: Callable[[Wire, list[float]], None]) -> timing.Measure:
    """Runs i-PI with a driver, and returns how long each step took."""

    def measure() -> list[float]:
        address = f"ipi-mtd-benchmark-{uuid.uuid4().hex[:12]}"
        stamps: list[float] = []
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "input.xml").write_text(_ipi_input(address))
            server = subprocess.Popen(
                [Path(sys.executable).with_name("i-pi"), "input.xml"],
                cwd=directory,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            try:
                connection = Wire(connect(Address(address), 60.0), N_ATOMS)
                serve(connection, stamps)
                connection.close()
                server.wait()
            finally:
                server.kill()
                server.wait()
        return np.diff(stamps[WARM_UP:]).tolist()

    return measure


def _ipi_input(address: str) -> str:
    """The input of the example, with an address and a length of its own and without files."""
    simulation = ET.parse(INPUTS / "input.xml").getroot()
    _set(simulation, "total_steps", str(STEPS))
    _set(simulation, "ffsocket/address", address)
    _set(simulation, "system/initialize/file", str(INPUTS.parent / "lj38/octahedron.xyz"))
    output = simulation.find("output")
    assert output is not None
    for extras in [file for file in output if "extra_type" in file.attrib]:
        output.remove(extras)  # zeros come without
    return ET.tostring(simulation, encoding="unicode")


def _set(simulation: ET.Element, path: str, text: str) -> None:
    element = simulation.find(path)
    assert element is not None
    element.text = text
