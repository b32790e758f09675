"""Measuring in turns, and printing what came out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

Measure = Callable[[], Sequence[float]]
"""Does something several times and returns how long each time took, in seconds."""


def in_turns(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """The times of each of several things, measured one after the other again and again."""
    times: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            times[name].extend(measure())
    return times


def row(name: str, times: Sequence[float], *remarks: str) -> None:
    """Print the median of some times, and how far they spread."""
    low, median, high = statistics.quantiles(times, n=4)
    spread = f"({duration(low)} to {duration(high)})"
    print(f"  {name:<44}{duration(median):>9}  {spread:<22}{'  '.join(remarks)}".rstrip())


def ratio(times: Sequence[float], others: Sequence[float]) -> str:
    """How many times longer, of the medians."""
    return f"{statistics.median(times) / statistics.median(others):.2f} x"


def duration(seconds: float) -> str:
    """A time as text."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def title(text: str, *sentences: str) -> None:
    """Print the title of a table, and what it means."""
    print(f"\n{text}")
    for sentence in sentences:
        print(f"  {sentence}")
