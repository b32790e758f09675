"""The driver's whole force call against the CV model alone.

The driver's share is all that it does for a step: STATUS, POSDATA and GETFORCE are read from a
socket, potential, CVs and bias evaluated, the journal written, the answer sent, and the step
committed with its rows of HILLS and COLVAR. The messages lie in the socket before the clock starts,
so that nobody is waited for.
"""

from __future__ import annotations

import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from metatomic.torch import ModelOutput, System
from vesin.metatomic import NeighborList

from benchmarks import timing
from benchmarks.lj38_run import make_run, trajectory
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server.conversation import serve
from ipi_mtd.server.wire import Wire, header
from ipi_mtd.structures.structure import Structure
from lj38.export import histogram_model, soap_model

BATCH = 10  # short turns, so that both see the same of the machine
ROUNDS = {"histogram": 160, "SOAP": 40}
WARM_UP = 10


def main() -> None:
    """Print the table."""
    timing.title(
        "The driver's force call for LJ38, against the CV model alone",
        "model: forward and backward of the PyTorch module, its neighbor list ready;",
        "driver: all of a step, from the message that comes to the answer and the files.",
    )
    for cvs, rounds in ROUNDS.items():
        run = make_run(cvs)
        frames = trajectory(run.structure, BATCH * (rounds + WARM_UP))
        with tempfile.TemporaryDirectory() as directory:
            history = run.open_history(Path(directory), Start.RESUME)
            driver = DriverBatches(run, frames)
            model = ModelBatches(cvs, run.structure, frames)
            timing.in_turns({"model": model.measure, "driver": driver.measure}, WARM_UP)
            times = timing.in_turns({"model": model.measure, "driver": driver.measure}, rounds)
            history.close()
        timing.row(f"{cvs}: model", times["model"])
        timing.row(f"{cvs}: driver", times["driver"], timing.ratio(times["driver"], times["model"]))


class DriverBatches:
    """The driver, asked for a batch of steps at a time."""

    def __init__(self, run: Run, frames: list[FloatArray]) -> None:
        self._run = run
        self._frames = iter(frames)

    def measure(self) -> list[float]:
        """Answer a batch, and return the time from one commit to the next."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        theirs.sendall(b"".join(self._messages()))
        wire = Wire(ours, len(self._run.structure.types))
        stamps: list[float] = []
        serve(
            wire,
            self._run.system,
            self._run.structure,
            self._run.cv_names,
            lambda _: stamps.append(time.perf_counter()),
        )
        wire.close()
        theirs.close()
        return np.diff(stamps).tolist()

    def _messages(self) -> Iterator[bytes]:
        """What i-PI sends."""
        cell = np.diag([200.0] * 3)
        status = header("STATUS")
        yield status + header("INIT") + struct.pack("=ii", 0, 1) + b" "
        for _ in range(BATCH):
            R = next(self._frames)
            yield status + header("POSDATA") + cell.tobytes() + np.linalg.inv(cell).tobytes()
            yield struct.pack("=i", len(R)) + R.tobytes() + header("GETFORCE")
        yield status + header("EXIT")


class ModelBatches:
    """A module as a user writes it, evaluated for a batch of structures at a time."""

    def __init__(self, cvs: str, template: Structure, frames: list[FloatArray]) -> None:
        model = {"histogram": histogram_model, "SOAP": soap_model}[cvs]()
        self._module = model.module  # not compiled
        self._requests = model.requested_neighbor_lists()
        self._lists = [NeighborList(request, "angstrom") for request in self._requests]
        self._types = torch.from_numpy(template.types)
        self._frames = iter(frames)
        self._outputs = {"feature": ModelOutput(sample_kind="system")}

    def measure(self) -> list[float]:
        """Evaluate values and gradient, and return the time of each structure."""
        systems = [self._system(next(self._frames)) for _ in range(BATCH)]
        times = []
        for system in systems:
            begin = time.perf_counter()
            values = self._module([system], self._outputs, None)["feature"].block().values
            torch.autograd.grad(values, [system.positions], torch.ones_like(values))
            times.append(time.perf_counter() - begin)
        return times[1:]

    def _system(self, positions: FloatArray) -> System:
        system = System(
            self._types,
            torch.from_numpy(positions * 0.529177).requires_grad_(True),
            torch.zeros((3, 3), dtype=torch.float64),
            torch.zeros(3, dtype=torch.bool),
        )
        for request, neighbor_list in zip(self._requests, self._lists, strict=True):
            system.add_neighbor_list(request, neighbor_list.compute(system))
        return system
