"""Rows that sort themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.bias.sorted_rows import SortedRows

Rows = list[tuple[float, ...]]
few_numbers = st.sampled_from([-1.5, 0.0, 0.1, 2.0])  # so that many rows begin alike
rows = st.lists(st.tuples(few_numbers, few_numbers, few_numbers), max_size=40)


def as_list(kept: SortedRows) -> Rows:
    return [tuple(row) for row in kept.columns.T.tolist()]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(first=rows, in_bulk=rows, last=rows)
def test_rows_are_sorted_as_tuples_are(first: Rows, in_bulk: Rows, last: Rows) -> None:
    kept = SortedRows(3)
    for row in first:
        kept.insert(row)
    kept.extend(np.array(in_bulk).reshape(-1, 3))
    for row in last:
        kept.insert(row)
    assert as_list(kept) == sorted(first + in_bulk + last)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(stays=rows, goes=rows)
def test_what_is_removed_is_gone_once(stays: Rows, goes: Rows) -> None:
    kept = SortedRows(3)
    for row in stays + goes:
        kept.insert(row)
    for row in goes:
        assert row in kept
        kept.remove(row)
    assert as_list(kept) == sorted(stays)
    assert all((row in kept) == (row in stays) for row in goes)


def test_a_row_between_others_is_not_there() -> None:
    kept = SortedRows(2)
    kept.extend(np.array([[0.0, 1.0], [2.0, 1.0]]))
    assert (0.0, 1.0) in kept
    assert (0.0, 0.5) not in kept
    assert (1.0, 1.0) not in kept
    assert (3.0, 1.0) not in kept
