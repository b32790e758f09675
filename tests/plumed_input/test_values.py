"""Numbers and atoms are read as PLUMED reads them."""

from __future__ import annotations

import pytest

from ipi_mtd.plumed_input import values


@pytest.mark.parametrize(("text", "value"), [("30", 30), ("1e3", 1000), ("4.0", 4), ("6/2", 3)])
def test_a_count_may_be_written_as_any_number(text: str, value: int) -> None:
    assert values.count(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e12", "many"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        values.count(text)


@pytest.mark.parametrize(
    ("words", "atoms"),
    [
        (["1-4"], [1, 2, 3, 4]),
        (["1-10:3"], [1, 4, 7, 10]),
        (["9-1:-4"], [9, 5, 1]),
        (["1", "3", "5-7"], [1, 3, 5, 6, 7]),
        (["5-5"], [5]),
    ],
)
def test_atoms_are_ranges_with_strides(words: list[str], atoms: list[int]) -> None:
    assert values.atoms(words) == atoms


@pytest.mark.parametrize("word", ["0", "0-3", "3-1", "1-3:0", "1-3:-1", "@mdatoms", "1-", "a"])
def test_what_is_no_atoms_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="must be atoms counted from 1"):
        values.atoms([word])


def test_more_atoms_than_any_computer_holds_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="more than"):
        values.atoms(["1-999999999"])
