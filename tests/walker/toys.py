"""Two biases that the package does not know: they touch nothing outside this file."""

from __future__ import annotations

import numpy as np

from ipi_mtd.bias import Bias, Learned

EVERY = 4


class MovingRestraint(Bias):
    """A spring whose center moves with the walker's step, and the work that this has done."""

    def __init__(self, kappa=2.0, start=10.0, speed=0.02):
        self.kappa, self.start, self.speed = kappa, start, speed

    def center(self, step):
        return self.start + self.speed * step

    def evaluate(self, s, step=0, own=None):  # noqa: ARG002
        away = s - self.center(step)
        return 0.5 * self.kappa * float(away @ away), self.kappa * away

    def first_own(self):
        return np.zeros(1)

    def propose(self, seen):
        moved, _ = self.evaluate(seen.s, seen.step + 1)
        return Learned(seen.own + (moved - seen.V))

    def columns(self):
        return {
            **super().columns(),
            "center": lambda seen, _: self.center(seen.step),
            "work": lambda _, learned: learned.own.item(0),
        }


class RunningVariance(Bias):
    """No force; each walker keeps the variance of its CV, and now and then tells it to all."""

    class File:
        file = "VARIANCE"
        header = b"#! FIELDS time variance\n"

        def encode(self, step, deposit):
            return f"{step} {deposit!r}\n".encode()

        def decode(self, data):
            return [float(row.split()[1]) for row in data.splitlines() if row[:1] != b"#"]

        def read(self, data, path, *, of_any_cv):  # noqa: ARG002
            return self.decode(data), b""

    def __init__(self):
        self.file = self.File()
        self.told = []

    @property
    def n_deposits(self):
        return len(self.told)

    def evaluate(self, s, step=0, own=None):  # noqa: ARG002
        return 0.0, np.zeros(len(s))

    def first_own(self):
        return np.zeros(3)  # number, mean, sum of squared deviations

    def propose(self, seen):
        n, mean, M2 = seen.own
        (x,) = seen.s
        step = x - mean
        mean = mean + step / (n + 1)
        own = np.array([n + 1, mean, M2 + step * (x - mean)])
        return Learned(own, float(own[2] / own[0]) if seen.step % EVERY == EVERY - 1 else None)

    def learn(self, deposits):
        self.told.extend(deposits)

    def forget(self, deposits):
        for deposit in deposits:
            self.told.remove(deposit)

    def columns(self):
        return {"variance": lambda _, learned: learned.own[2] / learned.own[0]}
