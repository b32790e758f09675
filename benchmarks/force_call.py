"""The driver's whole force call against the CV model alone, and against PLUMED's call.

The driver's share is all that it does for a step: STATUS, POSDATA and GETFORCE are read from a
socket, potential, CVs and bias evaluated, the journal written, the answer sent, and the step
committed with its rows of HILLS and COLVAR. The messages lie in the socket before the clock starts,
so that nobody is waited for.

PLUMED is measured where the environment variable PLUMED_KERNEL names a kernel that has METATOMIC:
METATOMIC and METAD on the same structures, without a potential and without a socket.
"""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from metatomic.torch import ModelOutput, System, load_atomistic_model
from vesin.metatomic import NeighborList

from benchmarks import timing
from benchmarks.lj38_run import KT, make_run, trajectory
from ipi_mtd import units
from ipi_mtd.arrays import FloatArray
from ipi_mtd.assembly.run import Run
from ipi_mtd.record.run_directory import Start
from ipi_mtd.server.conversation import Conversation, serve
from ipi_mtd.server.wire import Wire, header
from ipi_mtd.walker import Walker

BATCH = 10  # short turns, so that all see the same of the machine
ROUNDS = {"histogram": 160, "SOAP": 40}
WARM_UP = 10


def main() -> None:
    """Print the table."""
    timing.title(
        "The driver's force call for LJ38, against the CV model alone",
        "model: forward and backward of the exported, scripted module, its neighbor list ready;",
        "driver: all of a step, from the message that comes to the answer and the files.",
    )
    for cvs, rounds in ROUNDS.items():
        run = make_run(cvs)
        frames = trajectory(run.structure, BATCH * (rounds + WARM_UP))
        with tempfile.TemporaryDirectory() as directory:
            record = run.open(Path(directory), Start.RESUME)
            measures: dict[str, timing.Measure] = {
                "model": ModelBatches(run, frames).measure,
                "driver": DriverBatches(run, run.walker(record), frames).measure,
            }
            plumed = PlumedBatches.of(run, frames, Path(directory))
            if plumed is not None:
                measures["PLUMED"] = plumed.measure
            timing.in_turns(measures, WARM_UP)
            times = timing.in_turns(measures, rounds)
            record.close()
        for name, found in times.items():
            timing.row(f"{cvs}: {name}", found, timing.ratio(found, times["model"]))


class DriverBatches:
    """The driver, asked for a batch of steps at a time."""

    def __init__(self, run: Run, walker: Walker, frames: list[FloatArray]) -> None:
        self._run = run
        self._walker = walker
        self._frames = iter(frames)

    def measure(self) -> list[float]:
        """Answer a batch, and return the time from one commit to the next."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        theirs.sendall(b"".join(self._messages()))
        wire = Wire(ours, len(self._run.structure.types))
        stamps: list[float] = []
        conversation = Conversation(
            self._walker, self._run.cv_names, lambda _: stamps.append(time.perf_counter())
        )
        serve(wire, conversation, self._run.system)
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
    """The module of an exported model, evaluated for a batch of structures at a time."""

    def __init__(self, run: Run, frames: list[FloatArray]) -> None:
        (section,) = run.config.models.values()
        model = load_atomistic_model(section.file, section.extensions)
        self._module = model.module
        self._requests = model.requested_neighbor_lists()
        self._lists = [NeighborList(request, "angstrom") for request in self._requests]
        self._types = torch.from_numpy(run.structure.types)
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


class PlumedBatches:
    """PLUMED's METATOMIC and METAD, called for a batch of structures at a time."""

    def __init__(self, kernel: Any, frames: list[FloatArray]) -> None:
        self._kernel = kernel
        self._frames = (R * units.factor("bohr", "nm") for R in frames)
        n_atoms = len(frames[0])
        self._step = 0
        self._masses, self._charges = np.ones(n_atoms), np.zeros(n_atoms)
        self._forces, self._virial = np.zeros((n_atoms, 3)), np.zeros((3, 3))
        self._box, self._bias = np.zeros((3, 3)), np.zeros(1)

    @classmethod
    def of(cls, run: Run, frames: list[FloatArray], directory: Path) -> PlumedBatches | None:
        """PLUMED with the model and the hills of a run, if there is a kernel that can do it."""
        if "PLUMED_KERNEL" not in os.environ:
            return None
        import plumed

        ((name, section),) = run.config.models.items()
        (metad,) = run.config.metad
        sigma = ",".join(map(str, metad.sigma))
        kernel = plumed.Plumed()
        for command, value in (
            ("setRealPrecision", 8),
            ("setMDEngine", "benchmark"),
            ("setNatoms", len(run.structure.types)),
            ("setTimestep", 0.0025),
            ("setKbT", KT * units.factor("hartree", "kJ/mol")),
            ("setLogFile", str(directory / "plumed.log")),
            ("init", None),
        ):
            kernel.cmd(command, value)
        lines = (
            f"{name}: METATOMIC MODEL={section.file} SPECIES1=1-38 SPECIES_TO_TYPES=18",
            f"cvs: SELECT_COMPONENTS ARG={name} COMPONENTS=1,2",
            f"METAD ARG=cvs.* SIGMA={sigma} HEIGHT=0.17 PACE={metad.pace} BIASFACTOR=40 "
            f"GRID_MIN=-10,-10 GRID_MAX=40,40 GRID_SPACING=0.1,0.1 FILE={directory / 'H'}",
        )
        try:
            for line in lines:
                kernel.cmd("readInputLine", line)
        except Exception as error:  # the wrappers of PLUMED raise each their own kinds
            print(f"  PLUMED cannot be compared with: {str(error).strip().splitlines()[0]}")
            return None
        return cls(kernel, frames)

    def measure(self) -> list[float]:
        """Call PLUMED for each structure, and return the time of each."""
        times = []
        for _ in range(BATCH):
            x = np.ascontiguousarray(next(self._frames))
            begin = time.perf_counter()
            self._kernel.cmd("setStep", self._step)
            self._kernel.cmd("setPositions", x)
            self._kernel.cmd("setBox", self._box)
            self._kernel.cmd("setMasses", self._masses)
            self._kernel.cmd("setCharges", self._charges)
            self._kernel.cmd("setForces", self._forces)
            self._kernel.cmd("setVirial", self._virial)
            self._kernel.cmd("calc")
            self._kernel.cmd("getBias", self._bias)
            times.append(time.perf_counter() - begin)
            self._step += 1
        return times[1:]
