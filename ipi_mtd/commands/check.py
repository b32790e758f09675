"""The `check` command: does a configuration work, and how fast."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from ipi_mtd.assembly.agreement import compare_with_input
from ipi_mtd.assembly.describe import describe, describe_cell
from ipi_mtd.assembly.run import Run
from ipi_mtd.config import RunConfig
from ipi_mtd.cvs.gradient_check import check_gradients
from ipi_mtd.errors import UserError


def check(config: RunConfig) -> Iterator[str]:
    """Load everything, evaluate the structure of the configuration, and describe it.

    Raises
    ------
    UserError
        If anything is wrong that a user can mend, the gradient of a CV for instance.
    """
    torch.set_num_threads(config.threads)
    assembled = Run(config)
    missing_virial = assembled.system.potential.missing_virial(assembled.structure)
    found = compare_with_input(config, assembled.structure, missing_virial)
    yield describe(assembled)
    if found is not None:
        yield found
    for model in assembled.models.values():
        model.verify(assembled.structure)
    (evaluation,) = assembled.system.evaluate([assembled.structure])
    for name, value in zip(assembled.cv_names, evaluation.s.tolist(), strict=True):
        yield f"{name} = {value:.9g}"
    yield f"potential = {evaluation.potential:.9g} hartree"
    yield f"a force call takes {1e3 * time_of_a_force_call(assembled):.2f} ms"
    yield describe_cell(assembled.structure)
    yield from _check_gradients(assembled)


def time_of_a_force_call(assembled: Run, seconds: float = 1.0) -> float:
    """The median over some calls, in seconds.

    The atoms move from call to call: a calculator of ASE answers from memory where they do not.
    """
    rng = np.random.default_rng(0)
    times: list[float] = []
    while not times or (len(times) < 20 and sum(times) < seconds):
        shake = 0.01 * rng.normal(size=assembled.structure.positions.shape)
        moved = replace(assembled.structure, positions=assembled.structure.positions + shake)
        begin = time.perf_counter()
        assembled.system.evaluate([moved])
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _check_gradients(assembled: Run) -> Iterator[str]:
    cvs = assembled.system.cvs
    checks = check_gradients(cvs.evaluate, cvs.cvs, assembled.structure)
    wrong = [
        f"{assembled.models[check.cv.model].path}: {check.fault}" for check in checks if check.fault
    ]
    if wrong:
        raise UserError("; ".join(wrong))
    compared = [check for check in checks if not check.note]
    if compared:
        agreements = ", ".join(f"{check.cv.name} {check.deviation:.1g}" for check in compared)
        yield f"gradients agree with central differences: {agreements}"
    for check in checks:
        if check.note:
            yield f"{check.cv.name}: {check.note}"
