"""The journal, byte by byte and through every kind of damage."""

import json
import struct

import numpy as np
import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.files.journal_format import Proposal
from ipi_mtd.record.journal import Journal, describe, text_precision

FILES = ("HILLS", "COLVAR")
CELL = np.diag([1.0, 2.0, 3.0])


def open_journal(path, n_atoms=2, capacity=16):
    journal = Journal(path, n_atoms, FILES, {"pace": 30}, capacity)
    journal.begin()
    return journal


def proposal(step, n_atoms=2):
    rng = np.random.default_rng(step)
    return Proposal(
        step=step,
        longest_way=0.25,
        cell=CELL,
        positions=rng.normal(size=(n_atoms, 3)),
        offsets=(100 + step, 200 + 2 * step),
        lines=(b"a hill\n" * (step % 3), f"row {step}\n".encode()),
    )


def same(one, other):
    return (
        (one.step, one.longest_way, one.offsets, one.lines)
        == (other.step, other.longest_way, other.offsets, other.lines)
        and np.array_equal(one.cell, other.cell)
        and np.array_equal(one.positions, other.positions)
    )


def test_the_last_proposal_is_read_back(tmp_path):
    journal = open_journal(tmp_path / "j")
    for step in range(5):
        journal.record(proposal(step))
    journal.close()
    assert same(open_journal(tmp_path / "j").proposal, proposal(4))


def test_after_a_roll_back_the_last_proposal_is_the_newest_not_the_highest(tmp_path):
    journal = open_journal(tmp_path / "j")
    for step in (0, 1, 2, 3, 4, 1):
        journal.record(proposal(step))
    journal.close()
    assert same(open_journal(tmp_path / "j").proposal, proposal(1))


def test_every_torn_proposal_leaves_the_one_before(tmp_path):
    path = tmp_path / "j"
    journal = open_journal(path)
    journal.record(proposal(0))
    journal.record(proposal(1))
    journal.close()
    old = path.read_bytes()
    journal = open_journal(path)
    journal.record(proposal(2))
    journal.close()
    new = path.read_bytes()
    start = journal.header.place(1)
    end = start + 8 + struct.unpack_from("<I", new, start + 4)[0]
    for cut in range(start, end):
        path.write_bytes(new[:cut] + old[cut:])
        journal = open_journal(path)
        assert journal.proposal.step in (1, 2)
        assert same(journal.proposal, proposal(journal.proposal.step))
        journal.close()


def test_a_header_cut_short_is_a_new_journal(tmp_path):
    path = tmp_path / "j"
    open_journal(path).close()
    header = path.read_bytes()
    for size in range(0, len(header), 7):
        path.write_bytes(header[:size])
        journal = open_journal(path)
        assert journal.proposal is None
        assert journal.identity == {"pace": 30}
        journal.close()


def test_positions_are_found_to_the_precision_of_text(tmp_path):
    journal = open_journal(tmp_path / "j")
    for step in range(11):
        journal.record(proposal(step))
    rng = np.random.default_rng(0)
    for step in range(10):
        positions = proposal(step).positions + rng.uniform(-4e-10, 4e-10, size=(2, 3))
        found = journal.find(positions, CELL)
        assert found.step == step
        assert found.before == proposal(step).offsets
        assert found.after == proposal(step + 1).offsets
        assert journal.find(positions + 1e-5, CELL) is None


def test_the_ring_forgets_only_the_oldest(tmp_path):
    journal = open_journal(tmp_path / "j", capacity=8)
    for step in range(20):
        journal.record(proposal(step))
    found = [journal.find(proposal(step).positions, CELL) for step in range(19)]
    assert found[:12] == [None] * 12
    assert [one.step for one in found[12:]] == list(range(12, 19))


def test_it_stays_bounded(tmp_path):
    journal = open_journal(tmp_path / "j", capacity=8)
    sizes = []
    for step in range(40):
        journal.record(proposal(step))
        sizes.append((tmp_path / "j").stat().st_size)
    assert sizes[7:] == [sizes[7]] * 33


def test_a_damaged_slot_is_not_believed(tmp_path):
    path = tmp_path / "j"
    journal = open_journal(path)
    for step in range(6):
        journal.record(proposal(step))
    journal.close()
    data = bytearray(path.read_bytes())
    data[journal.header.slot_offset(2) + 50] ^= 1
    path.write_bytes(data)
    journal = open_journal(path)
    found = [journal.find(proposal(step).positions, CELL) for step in range(5)]
    # without the slot of step 2 it is not known where the rows of step 1 end
    assert [one and one.step for one in found] == [0, None, None, 3, 4]


def test_the_bytes_are_those_of_the_table(tmp_path):
    path = tmp_path / "j"
    journal = open_journal(path)
    journal.record(proposal(0))
    journal.record(proposal(1))
    journal.close()
    data = path.read_bytes()
    magic, version, header_size, size, n_atoms, n_files, capacity, length = struct.unpack_from(
        "<16s7I", data
    )
    assert (magic, version, n_atoms, n_files, capacity) == (b"ipi-mtd journal\n", 2, 2, 2, 16)
    assert json.loads(data[44 : 44 + length]) == {
        "files": list(FILES),
        "identity": {"pace": 30},
        "walker": "0",
        "own": {},
    }
    payload = data[header_size + size + 8 :]  # the first proposal is in the second place
    serial, step, longest_way, incarnation = struct.unpack_from("<QqdI", payload)
    assert (serial, step, longest_way, incarnation) == (1, 0, 0.25, 0)
    numbers = np.frombuffer(payload, "<f8", 15, 28)
    assert np.array_equal(numbers[9:].reshape(2, 3), proposal(0).positions)
    slot = data[header_size + 2 * size + 64 :]
    assert struct.unpack_from("<qI4d2q", slot)[:2] == (1, 0)
    assert struct.unpack_from("<qI4d2q", slot)[6:] == (101, 202)


def test_a_step_that_does_not_fit_is_refused(tmp_path):
    journal = open_journal(tmp_path / "j")
    step = proposal(0)
    long = Proposal(0, 0.1, step.cell, step.positions, step.offsets, (b"x" * 99999, b""))
    with pytest.raises(UserError, match="does not fit"):
        journal.record(long)


def test_the_precision_of_text_grows_with_the_coordinates():
    assert text_precision(np.array([[3.0, -200.0, 1.0]])) == 200 * text_precision(np.zeros((1, 3)))


def test_it_can_be_printed_while_a_driver_uses_it(tmp_path):
    journal = open_journal(tmp_path / "j")
    for step in range(5):
        journal.record(proposal(step))
    assert list(describe(tmp_path / "j", 2)) == [
        "2 atoms; writes HILLS, COLVAR",
        "pace: 30",
        "steps 0 to 4 can be recognized",
        "before step 3: HILLS has 103 bytes, COLVAR has 206 bytes",
        "before step 4: HILLS has 104 bytes, COLVAR has 208 bytes",
        "step 4 adds to HILLS: a hill",
        "step 4 adds to COLVAR: row 4",
    ]


def test_a_damaged_header_is_not_taken_for_a_new_journal(tmp_path):
    path = tmp_path / "j"
    journal = open_journal(path)
    journal.record(proposal(0))
    journal.close()
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        open_journal(path)
