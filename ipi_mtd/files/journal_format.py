"""The journal: what has been answered, so that no crash can lose a hill or add one twice.

Before each answer the driver writes here what it is about to do (the *proposal*), and only when
i-PI has shown that it received the answer are the lines appended to HILLS and COLVAR. A driver that
was killed in between finds the proposal here and either repeats it or finishes it. A short record
of every earlier step (its *slot*) lets it recognize an i-PI that was restarted from a checkpoint.

All numbers are little-endian. The file is one header page or more, two places for proposals,
written in turn, and a ring of slots.

=============  ==================  ===============================================================
part           field               meaning
=============  ==================  ===============================================================
header         16 bytes            ``ipi-mtd journal`` and a newline
               u32 version         of this format, 2
               u32 header_size     bytes, a multiple of 4096
               u32 proposal_size   bytes of one place for a proposal
               u32 n_atoms
               u32 n_files         HILLS, COLVAR, ...: the files that the run appends to
               u32 capacity        number of slots; step k has slot k modulo capacity
               u32 length, text    JSON: ``files``, their names; ``identity``, what the run is;
                                   ``configuration``, the path of the file that says so;
                                   ``walker``, its name; ``own``, how many numbers the walker keeps
                                   for each bias that asks for some, M in all
               u32 crc             of all of the above
proposal       u32 crc             of the rest, up to ``length``
               u32 length          bytes after this field
               u64 serial          counts the proposals; the larger of the two places is the last
               i64 step
               f64 longest way     that an atom went since the step before, bohr
               u32 incarnation     how often the walker has been rolled back
               f64 x (9 + 3 N)     cell (lattice vectors as rows) and positions, bohr
               for each file       i64 offset before the step, u32 length, the bytes to append
               f64 x 2 M           what the walker keeps, before the step and after it
slot           i64 step
               u32 incarnation
               f64 x 4             random projections of the positions, bohr; in a periodic run of
                                   :func:`ipi_mtd.structures.images.wound`, the same for all
                                   their images
               i64 x n_files       size of each file before the step
               f64 x M             what the walker keeps, before the step
               u32 crc             of all of the above; the slot is padded to a power of two, so
                                   that it never spans two pages
=============  ==================  ===============================================================

A deposit, what a step teaches a bias, has a name: the bias (that of the file), the walker, the
incarnation and the step. After a roll-back a step that comes again is another one. Version 1 had
neither incarnation nor own numbers nor the walker's name; it is read, and written as version 2.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ipi_mtd.arrays import FloatArray
from ipi_mtd.errors import UserError

MAGIC = b"ipi-mtd journal\n"
VERSION = 2
PAGE = 4096
N_PROJECTIONS = 4

_HEADER = struct.Struct("<16s7I")
_CRC = struct.Struct("<I")
_FRAME = struct.Struct("<II")
_STEP = {1: struct.Struct("<Qqd"), 2: struct.Struct("<QqdI")}
_FILE = struct.Struct("<qI")

NO_NUMBERS: FloatArray = np.zeros(0)

Slots: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
"""A structured array with the fields step, incarnation, projections, offsets and own."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A step that has been answered, or was about to be.

    Parameters
    ----------
    step : int
    longest_way : float, bohr
        The longest that an atom went since the step before.
    cell : (3, 3) array, bohr
    positions : (n_atoms, 3) array, bohr
    offsets : for each file its size before the step, bytes
    lines : for each file the bytes that the step appends to it
    incarnation : how often the walker has been rolled back
    own_before, own_after : (n_own,) array
        What the walker keeps for its biases, before the step and after it.
    """

    step: int
    longest_way: float
    cell: FloatArray
    positions: FloatArray
    offsets: tuple[int, ...]
    lines: tuple[bytes, ...]
    incarnation: int = 0
    own_before: FloatArray = field(default_factory=lambda: NO_NUMBERS)
    own_after: FloatArray = field(default_factory=lambda: NO_NUMBERS)


@dataclass(frozen=True)
class Header:
    """The first pages of a journal; the fields are those of the table above."""

    header_size: int
    proposal_size: int
    n_atoms: int
    capacity: int
    files: tuple[str, ...]
    identity: dict[str, Any]
    configuration: str | None = None
    walker: str = "0"
    own: Mapping[str, int] = field(default_factory=dict)
    version: int = VERSION

    @classmethod
    def make(
        cls,
        n_atoms: int,
        files: tuple[str, ...],
        identity: dict[str, Any],
        capacity: int,
        configuration: str | None = None,
        own: Mapping[str, int] | None = None,
    ) -> Header:
        """The header of a new journal."""
        header = cls(0, 0, n_atoms, capacity, files, identity, configuration, own=own or {})
        # positions and cell, own numbers, and a page for the lines of each file: some hundred
        # columns
        proposal_size = 24 * n_atoms + 16 * header.n_own + PAGE * (1 + len(files))
        header_size = _HEADER.size + len(header.text) + _CRC.size
        return replace(
            header,
            header_size=_round_up(header_size, PAGE),
            proposal_size=_round_up(proposal_size, PAGE),
        )

    @property
    def n_own(self) -> int:
        """How many numbers the walker keeps for its biases."""
        return sum(self.own.values())

    @property
    def text(self) -> bytes:
        """The JSON of the header."""
        content: dict[str, Any] = {
            "files": self.files,
            "identity": self.identity,
            "walker": self.walker,
            "own": dict(self.own),
        }
        if self.configuration is not None:
            content["configuration"] = self.configuration
        return json.dumps(content).encode()

    def place(self, index: int) -> int:
        """Where a proposal is written."""
        return self.header_size + index * self.proposal_size

    @cached_property
    def slot(self) -> struct.Struct:
        """The fields of a slot, without the crc."""
        return struct.Struct(f"<qI{N_PROJECTIONS}d{len(self.files)}q{self.n_own}d")

    @cached_property
    def slot_fields(self) -> np.dtype[np.void]:
        """The same, for many slots at once."""
        fields: list[tuple[Any, ...]] = [("step", "<i8"), ("incarnation", "<u4")]
        if self.version == 1:
            fields.pop()
        fields += [("projections", "<f8", N_PROJECTIONS), ("offsets", "<i8", len(self.files))]
        if self.n_own:
            fields.append(("own", "<f8", self.n_own))
        return np.dtype(fields)

    @cached_property
    def slot_size(self) -> int:
        """Bytes from one slot to the next."""
        return 1 << (self.slot_fields.itemsize + _CRC.size - 1).bit_length()

    def slot_offset(self, step: int) -> int:
        """Where the slot of a step is."""
        return self.place(2) + step % self.capacity * self.slot_size

    def encode(self) -> bytes:
        """The bytes at the beginning of the file."""
        text = self.text
        sizes = (self.header_size, self.proposal_size, self.n_atoms, len(self.files))
        data = _HEADER.pack(MAGIC, VERSION, *sizes, self.capacity, len(text)) + text
        return data + _CRC.pack(zlib.crc32(data))


def read_header(path: Path) -> Header | None:
    """The header of a journal, None if the file ends before the header does.

    Raises
    ------
    UserError
        If the file is no journal, or one of another version, or damaged.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
        if len(start) < _HEADER.size and MAGIC.startswith(start[: len(MAGIC)]):
            return None
        if not start.startswith(MAGIC):
            raise UserError(f"{path}: this is no journal of ipi-mtd")
        _, version, header_size, proposal_size, n_atoms, _, capacity, length = _HEADER.unpack(start)
        if version not in _STEP:
            raise UserError(f"{path}: is a journal of version {version}, not {VERSION}")
        rest = file.read(length + _CRC.size)
    if len(rest) < length + _CRC.size:
        return None
    text, crc = rest[:length], rest[length:]
    if crc != _CRC.pack(zlib.crc32(start + text)):
        raise UserError(f"{path}: the journal is damaged; begin anew with --fresh")
    content = json.loads(text)
    return Header(
        header_size,
        proposal_size,
        n_atoms,
        capacity,
        tuple(content["files"]),
        content["identity"],
        content.get("configuration"),  # absent in older ones
        content.get("walker", "0"),
        content.get("own", {}),
        version,
    )


def encode_proposal(proposal: Proposal, serial: int) -> bytes:
    """The bytes of a proposal."""
    payload = b"".join(
        (
            _STEP[VERSION].pack(serial, proposal.step, proposal.longest_way, proposal.incarnation),
            proposal.cell.tobytes(),
            proposal.positions.tobytes(),
            *(
                _FILE.pack(offset, len(line)) + line
                for offset, line in zip(proposal.offsets, proposal.lines, strict=True)
            ),
            proposal.own_before.tobytes(),
            proposal.own_after.tobytes(),
        )
    )
    size = _CRC.pack(len(payload))
    return _CRC.pack(zlib.crc32(payload, zlib.crc32(size))) + size + payload


def read_last_proposal(fd: int, header: Header) -> tuple[int, Proposal | None]:
    """The serial number and the proposal itself; 0 and None if there is none."""
    found = [_decode(os.pread(fd, header.proposal_size, header.place(k)), header) for k in (0, 1)]
    return max((one for one in found if one), key=lambda one: one[0], default=(0, None))


def _decode(frame: bytes, header: Header) -> tuple[int, Proposal] | None:
    """A proposal with its serial number, None for bytes that are not a whole one."""
    if len(frame) < _FRAME.size:
        return None
    crc, length = _FRAME.unpack_from(frame)
    payload = frame[_FRAME.size : _FRAME.size + length]
    if len(payload) != length or zlib.crc32(payload, zlib.crc32(frame[4:8])) != crc:
        return None
    fields = _STEP[header.version]
    serial, step, longest_way, *incarnation = fields.unpack_from(payload)
    numbers = np.frombuffer(payload, "<f8", 9 + 3 * header.n_atoms, fields.size)
    cursor = fields.size + numbers.nbytes
    offsets, lines = [], []
    for _ in header.files:
        offset, n_bytes = _FILE.unpack_from(payload, cursor)
        cursor += _FILE.size
        offsets.append(offset)
        lines.append(payload[cursor : cursor + n_bytes])
        cursor += n_bytes
    own = np.frombuffer(payload, "<f8", 2 * header.n_own, cursor).reshape(2, -1)
    return serial, Proposal(
        step=step,
        longest_way=longest_way,
        cell=numbers[:9].reshape(3, 3),
        positions=numbers[9:].reshape(-1, 3),
        offsets=tuple(offsets),
        lines=tuple(lines),
        incarnation=incarnation[0] if incarnation else 0,
        own_before=own[0],
        own_after=own[1],
    )


def encode_slot(proposal: Proposal, projections: FloatArray, header: Header) -> bytes:
    """The bytes of the slot of a step."""
    own = proposal.own_before.tolist()
    numbers = (proposal.step, proposal.incarnation, *projections.tolist(), *proposal.offsets, *own)
    return _slot(header, numbers)


def encode_older_slot(slot: np.void, header: Header) -> bytes:
    """The bytes of a slot that was read from a journal of version 1."""
    numbers = (int(slot["step"]), 0, *slot["projections"].tolist(), *slot["offsets"].tolist())
    return _slot(header, numbers)


def _slot(header: Header, numbers: Sequence[float]) -> bytes:
    data = header.slot.pack(*numbers)
    return (data + _CRC.pack(zlib.crc32(data))).ljust(header.slot_size, b"\0")


def read_slots(path: Path, header: Header, last_step: int) -> Slots:
    """The slots of the steps up to the last one that are undamaged, in no particular order.

    A slot of a later step is left from before a roll-back.
    """
    body = header.slot_fields.itemsize
    raw = np.fromfile(path, dtype=np.uint8, offset=header.slot_offset(0))
    raw = raw[: len(raw) // header.slot_size * header.slot_size].reshape(-1, header.slot_size)
    slots = np.ascontiguousarray(raw[:, :body]).view(header.slot_fields).reshape(-1)
    recent = (slots["step"] <= last_step) & (slots["step"] > last_step - header.capacity)
    intact = [
        bool(ok)
        and _CRC.pack(zlib.crc32(row[:body].tobytes())) == row[body : body + _CRC.size].tobytes()
        for ok, row in zip(recent, raw, strict=True)
    ]
    valid: Slots = slots[np.array(intact, dtype=bool)]
    return valid


def _round_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
