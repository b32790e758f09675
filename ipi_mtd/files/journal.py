"""The journal: what has been answered, so that no crash can lose a hill or add one twice.

Before each answer the driver writes here what it is about to do (the *proposal*), and only when
i-PI has shown that it received the answer are the lines appended to HILLS and COLVAR. A driver that
was killed in between finds the proposal here and either repeats it or finishes it. A short record
of every earlier step (its *slot*) lets it recognise an i-PI that was restarted from a checkpoint.

All numbers are little-endian. The file is one header page or more, two places for proposals,
written in turn, and a ring of slots.

=============  ==================  ===============================================================
part           field               meaning
=============  ==================  ===============================================================
header         16 bytes            ``ipi-mtd journal`` and a newline
               u32 version         of this format, 1
               u32 header_size     bytes, a multiple of 4096
               u32 proposal_size   bytes of one place for a proposal
               u32 n_atoms
               u32 n_files         HILLS, COLVAR, ...: the files that the run appends to
               u32 capacity        number of slots; step k has slot k modulo capacity
               u32 length, text    JSON: ``files``, their names, and ``identity``, what the run is
               u32 crc             of all of the above
proposal       u32 crc             of the rest, up to ``length``
               u32 length          bytes after this field
               u64 serial          counts the proposals; the larger of the two places is the last
               i64 step
               f64 stride          the longest way an atom went since the step before, bohr
               f64 x (9 + 3 N)     cell (lattice vectors as rows) and positions, bohr
               for each file       i64 offset before the step, u32 length, the bytes to append
slot           i64 step
               f64 x 4             random projections of the positions, bohr
               i64 x n_files       size of each file before the step
               u32 crc             of all of the above; the slot is padded to a power of two, so
                                   that it never spans two pages
=============  ==================  ===============================================================
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ipi_mtd.errors import UserError
from ipi_mtd.files.writing import write_all
from ipi_mtd.structure import FloatArray

MAGIC = b"ipi-mtd journal\n"
VERSION = 1
PAGE = 4096
N_PROJECTIONS = 4

_HEADER = struct.Struct("<16s7I")
_FRAME = struct.Struct("<II")
_STEP = struct.Struct("<Qqd")
_FILE = struct.Struct("<qI")


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A step that has been answered, or was about to be.

    Parameters
    ----------
    step : int
    stride : float, bohr
        The longest way an atom went since the step before.
    cell : (3, 3) array, bohr
    positions : (n_atoms, 3) array, bohr
    offsets : for each file its size before the step, bytes
    lines : for each file the bytes that the step appends to it
    """

    step: int
    stride: float
    cell: FloatArray
    positions: FloatArray
    offsets: tuple[int, ...]
    lines: tuple[bytes, ...]


class Journal:
    """The journal of one run directory, held under an exclusive lock while it is open.

    Parameters
    ----------
    path : where the journal is or will be
    n_atoms : int
    files : names of the files that the run appends to
    identity : what the run is, as JSON can hold it
    capacity : int
        How many steps back an i-PI checkpoint can be recognised.

    Attributes
    ----------
    identity : what the journal on disk says the run is
    proposal : the last proposal, None in a run without steps

    Raises
    ------
    UserError
        If another driver holds the journal, or the file is something else.
    """

    def __init__(
        self,
        path: Path,
        n_atoms: int,
        files: tuple[str, ...],
        identity: dict[str, Any],
        capacity: int = 2**20,
    ) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise UserError(f"{path}: another driver is using this run directory") from error
        self.proposal: Proposal | None = None
        header = read_header(path)
        if header is None:
            header = Header.make(n_atoms, files, identity, capacity)
            self._write(header.encode(), 0)
        self.header = header
        self.identity = header.identity
        if (header.n_atoms, header.files) != (n_atoms, files):
            self.close()
            raise UserError(
                f"{path}: belongs to a run of {header.n_atoms} atoms that writes "
                f"{', '.join(header.files)}; this one has {n_atoms} atoms and writes "
                f"{', '.join(files)}"
            )
        self._slot = struct.Struct(f"<q{N_PROJECTIONS}d{len(files)}q")
        self._projection = _projection_matrix(n_atoms)
        self._serial = 0
        for place in (0, 1):
            self._load_proposal(place)

    def close(self) -> None:
        """Give the journal and its lock back."""
        os.close(self._fd)

    def record(self, proposal: Proposal) -> None:
        """Write down what is about to be answered.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        payload = b"".join(
            (
                _STEP.pack(self._serial + 1, proposal.step, proposal.stride),
                proposal.cell.tobytes(),
                proposal.positions.tobytes(),
                *(
                    _FILE.pack(offset, len(line)) + line
                    for offset, line in zip(proposal.offsets, proposal.lines, strict=True)
                ),
            )
        )
        size = struct.pack("<I", len(payload))
        frame = struct.pack("<I", zlib.crc32(payload, zlib.crc32(size))) + size + payload
        if len(frame) > self.header.proposal_size:
            raise UserError(f"{self.path}: a step of {len(frame)} bytes does not fit")
        self._serial += 1
        self._write(frame, self.header.place(self._serial % 2))
        slot = self._slot.pack(
            proposal.step, *self._projection @ proposal.positions.ravel(), *proposal.offsets
        )
        slot += struct.pack("<I", zlib.crc32(slot))
        self._write(
            slot.ljust(self.header.slot_size, b"\0"), self.header.slot_offset(proposal.step)
        )
        self.proposal = proposal

    def find(self, positions: FloatArray) -> int | None:
        """The last step that had these positions, to the precision of i-PI's text files.

        Parameters
        ----------
        positions : (n_atoms, 3) array, bohr
        """
        if self.proposal is None:
            return None
        slots = self.slots()
        wanted = self._projection @ positions.ravel()
        tolerance = text_precision(positions) * np.sqrt(positions.size)
        same = (np.abs(slots["projections"] - wanted) < tolerance).all(axis=1)
        return int(slots["step"][same].max()) if same.any() else None

    def offsets(self, step: int) -> tuple[int, ...]:
        """The size of each file before a step that `find` has found."""
        slots = self.slots()
        (row,) = np.flatnonzero(slots["step"] == step)
        return tuple(slots["offsets"][row].tolist())

    def slots(self) -> np.ndarray[Any, np.dtype[np.void]]:
        """The valid slots up to the last proposal, a structured array in no particular order."""
        size = self.header.slot_size
        body = self._slot.size
        start = self.header.slot_offset(0)
        raw = np.fromfile(self.path, dtype=np.uint8, offset=start)
        raw = raw[: len(raw) // size * size].reshape(-1, size)
        n_files = len(self.header.files)
        dtype = np.dtype(
            [("step", "<i8"), ("projections", "<f8", N_PROJECTIONS), ("offsets", "<i8", n_files)]
        )
        slots = np.ascontiguousarray(raw[:, :body]).view(dtype).reshape(-1)
        crc = np.ascontiguousarray(raw[:, body : body + 4]).view("<u4").reshape(-1)
        last = -1 if self.proposal is None else self.proposal.step
        # what lies ahead of the last proposal is left from before a roll-back
        recent = (slots["step"] <= last) & (slots["step"] > last - self.header.capacity)
        intact = [
            bool(ok) and zlib.crc32(row[:body].tobytes()) == int(check)
            for ok, row, check in zip(recent, raw, crc, strict=True)
        ]
        valid: np.ndarray[Any, np.dtype[np.void]] = slots[np.array(intact, dtype=bool)]
        return valid

    def _write(self, data: bytes, offset: int) -> None:
        write_all(self._fd, data, offset, self.path)

    def _load_proposal(self, place: int) -> None:
        offset = self.header.place(place)
        frame = os.pread(self._fd, self.header.proposal_size, offset)
        if len(frame) < _FRAME.size:
            return
        crc, length = _FRAME.unpack_from(frame)
        payload = frame[_FRAME.size : _FRAME.size + length]
        if len(payload) != length or zlib.crc32(payload, zlib.crc32(frame[4:8])) != crc:
            return  # never written, or cut short
        serial, step, stride = _STEP.unpack_from(payload)
        if serial < self._serial:
            return
        numbers = np.frombuffer(payload, "<f8", 9 + 3 * self.header.n_atoms, _STEP.size)
        cursor = _STEP.size + numbers.nbytes
        offsets, lines = [], []
        for _ in self.header.files:
            size_before, n_bytes = _FILE.unpack_from(payload, cursor)
            cursor += _FILE.size
            offsets.append(size_before)
            lines.append(payload[cursor : cursor + n_bytes])
            cursor += n_bytes
        self._serial = serial
        self.proposal = Proposal(
            step=step,
            stride=stride,
            cell=numbers[:9].reshape(3, 3),
            positions=numbers[9:].reshape(-1, 3),
            offsets=tuple(offsets),
            lines=tuple(lines),
        )


@dataclass(frozen=True, slots=True)
class Header:
    """The first pages of a journal; the fields are those of the table above."""

    header_size: int
    proposal_size: int
    n_atoms: int
    capacity: int
    files: tuple[str, ...]
    identity: dict[str, Any]

    @classmethod
    def make(
        cls, n_atoms: int, files: tuple[str, ...], identity: dict[str, Any], capacity: int
    ) -> Header:
        text = _json(files, identity)
        # a page for the lines of the step, some hundred columns; positions and cell
        proposal_size = _round_up(24 * n_atoms + 128 + PAGE * (1 + len(files)), PAGE)
        header_size = _round_up(_HEADER.size + len(text) + 4, PAGE)
        return cls(header_size, proposal_size, n_atoms, capacity, files, identity)

    @property
    def slot_size(self) -> int:
        body = 8 + 8 * N_PROJECTIONS + 8 * len(self.files) + 4
        return 1 << (body - 1).bit_length()

    def place(self, index: int) -> int:
        """Where a proposal is written."""
        return self.header_size + index * self.proposal_size

    def slot_offset(self, step: int) -> int:
        """Where the slot of a step is."""
        return self.place(2) + step % self.capacity * self.slot_size

    def encode(self) -> bytes:
        text = _json(self.files, self.identity)
        data = (
            _HEADER.pack(
                MAGIC,
                VERSION,
                self.header_size,
                self.proposal_size,
                self.n_atoms,
                len(self.files),
                self.capacity,
                len(text),
            )
            + text
        )
        return data + struct.pack("<I", zlib.crc32(data))


def read_header(path: Path) -> Header | None:
    """The header of a journal, None for a file that is empty or whose header was cut short.

    Raises
    ------
    UserError
        If the file is no journal, or one of another version.
    """
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
        if len(start) < _HEADER.size:
            return None
        magic, version, header_size, proposal_size, n_atoms, _, capacity, length = _HEADER.unpack(
            start
        )
        if magic != MAGIC or version != VERSION:
            raise UserError(f"{path}: this is no journal of this version of ipi-mtd")
        text = file.read(length)
        crc = file.read(4)
    if crc != struct.pack("<I", zlib.crc32(start + text)):
        return None
    content = json.loads(text)
    return Header(
        header_size, proposal_size, n_atoms, capacity, tuple(content["files"]), content["identity"]
    )


def text_precision(positions: FloatArray) -> float:
    """How far a coordinate may be off after it went through a text file of i-PI, bohr.

    i-PI writes some nine significant digits, about 4e-10 bohr in a small cluster; a step of
    dynamics moves the atoms a million times farther.
    """
    return 1e-8 * max(1.0, float(np.abs(positions).max(initial=0.0)))


def _projection_matrix(n_atoms: int) -> FloatArray:
    """(4, 3 n_atoms) signs, the same in every run: they tell any two configurations apart."""
    signs = np.random.default_rng(20020823).integers(0, 2, size=(N_PROJECTIONS, 3 * n_atoms))
    return (2 * signs - 1).astype(np.float64)


def _json(files: tuple[str, ...], identity: dict[str, Any]) -> bytes:
    return json.dumps({"files": files, "identity": identity}).encode()


def _round_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
