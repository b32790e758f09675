"""i-PI's protocol byte by byte, over a pair of connected sockets."""

import socket
import struct
import threading

import numpy as np
import pytest

from ipi_mtd.server import wire
from ipi_mtd.server.wire import ProtocolError, Wire
from ipi_mtd.structures.structure import Evaluation

N_ATOMS = 3
CELL = np.array([[10.0, 1.0, 2.0], [0.0, 11.0, 3.0], [0.5, 0.0, 12.0]])
"""Lattice vectors as rows, no two of them alike."""
POSITIONS = np.random.default_rng(3).normal(size=(N_ATOMS, 3))


def posdata(positions=POSITIONS, cell=CELL, n_atoms=None):
    """POSDATA as the protocol's table says, written without numpy's byte order or strides."""
    h = [cell[vector][axis] for axis in range(3) for vector in range(3)]  # columns are vectors
    return (
        b"POSDATA     "
        + struct.pack("=9d", *h)
        + struct.pack("=9d", *np.linalg.pinv(np.nan_to_num(cell)).ravel())
        + struct.pack("=i", len(positions) if n_atoms is None else n_atoms)
        + struct.pack(f"={positions.size}d", *positions.ravel())
    )


@pytest.fixture
def ends():
    """Both ends of the connection."""
    ipi, driver = socket.socketpair()
    ipi.settimeout(10)
    with ipi, driver:
        yield ipi, driver


@pytest.fixture
def connection(ends):
    """The driver's end of the connection."""
    connection = Wire(ends[1], N_ATOMS)
    yield connection
    connection.close()


@pytest.fixture
def ipi(ends):
    """i-PI's end of the connection."""
    return ends[0]


def test_headers_have_twelve_bytes_padded_with_blanks():
    assert wire.READY == b"READY       "
    assert wire.NEEDINIT == b"NEEDINIT    "
    assert wire.HAVEDATA == b"HAVEDATA    "
    assert wire.header("FORCEREADY") == b"FORCEREADY  "


@pytest.mark.parametrize("name", ["STATUS", "INIT", "POSDATA", "GETFORCE", "EXIT"])
def test_a_header_is_read_without_its_padding(ipi, connection, name):
    ipi.sendall(name.encode().ljust(12))
    assert connection.read_header() == name


def test_the_end_of_the_connection_is_no_header(ipi, connection):
    ipi.close()
    assert connection.read_header() is None


def test_init_is_replica_and_text(ipi, connection):
    text = " a : 1 , α : β ".encode()
    ipi.sendall(struct.pack("=ii", 7, len(text)) + text)
    assert connection.read_init() == (7, " a : 1 , α : β ")


def test_init_text_that_is_not_utf8_is_read(ipi, connection):
    ipi.sendall(struct.pack("=ii", 0, 2) + b"\xff\xfe")
    assert connection.read_init() == (0, "\ufffd\ufffd")


def test_lattice_vectors_are_columns_on_the_wire_and_rows_here(ipi, connection):
    ipi.sendall(posdata())
    assert connection.read_header() == "POSDATA"
    cell, positions = connection.read_posdata()
    np.testing.assert_array_equal(cell, CELL)
    np.testing.assert_array_equal(positions, POSITIONS)


def test_reading_posdata_takes_the_getforce_behind_it_out_of_the_kernel(ends, connection):
    ipi, driver = ends
    ipi.sendall(posdata() + b"GETFORCE    ")
    assert connection.read_header() == "POSDATA"
    connection.read_posdata()
    with pytest.raises(BlockingIOError):
        driver.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    assert connection.read_header() == "GETFORCE"


def test_positions_larger_than_the_kernel_buffer_arrive_whole():
    positions = np.random.default_rng(5).normal(size=(50_000, 3))
    ipi, driver = socket.socketpair()
    message = posdata(positions) + b"GETFORCE    "
    sender = threading.Thread(target=ipi.sendall, args=(message,))
    with ipi, driver:
        connection = Wire(driver, len(positions))
        sender.start()
        assert connection.read_header() == "POSDATA"
        np.testing.assert_array_equal(connection.read_posdata()[1], positions)
        assert connection.read_header() == "GETFORCE"
        sender.join()
        connection.close()


def test_forceready_byte_by_byte():
    forces = np.arange(6.0).reshape(2, 3)
    virial = np.arange(9.0).reshape(3, 3) + 0.5
    message = wire.forceready(Evaluation(-1.25, forces, virial), '{"s": 1}')
    assert message == (
        b"FORCEREADY  "
        + struct.pack("=d", -1.25)
        + struct.pack("=i", 2)
        + struct.pack("=6d", *range(6))
        + struct.pack("=9d", *(x + 0.5 for x in range(9)))
        + struct.pack("=i", 8)
        + b'{"s": 1}'
    )


def test_arrays_that_are_transposed_views_are_sent_in_row_order():
    forces, virial = np.arange(6.0).reshape(3, 2).T, np.arange(9.0).reshape(3, 3).T
    message = wire.forceready(Evaluation(0.0, forces, virial), "")
    numbers = struct.unpack("=6d9d", message[24 : 24 + 15 * 8])
    assert numbers == (0, 2, 4, 1, 3, 5, 0, 3, 6, 1, 4, 7, 2, 5, 8)


def test_the_length_of_the_extras_counts_bytes():
    message = wire.forceready(Evaluation(0.0, np.zeros((1, 3)), np.zeros((3, 3))), "αβ€")
    assert message.endswith(struct.pack("=i", 7) + "αβ€".encode())


def test_a_message_of_any_size_is_sent_whole(ipi, connection):
    message = np.random.default_rng(1).bytes(3_000_000)
    sender = threading.Thread(target=connection.send, args=(message,))
    sender.start()
    received = bytearray()
    while len(received) < len(message):
        received += ipi.recv(65536)
    sender.join()
    assert received == message


def test_sending_to_a_server_that_is_gone_is_an_error(ipi, connection):
    ipi.close()
    with pytest.raises(ProtocolError, match="i-PI is gone"):
        connection.send(wire.READY)


@pytest.mark.parametrize("length", [-1, -(2**31), 2**20 + 1, 2**31 - 1])
def test_an_absurd_length_of_init_is_refused_before_reading(ipi, connection, length):
    ipi.sendall(struct.pack("=ii", 0, length))
    with pytest.raises(ProtocolError, match=f"a text of {length} bytes"):
        connection.read_init()


@pytest.mark.parametrize("n_atoms", [-1, 0, N_ATOMS - 1, N_ATOMS + 1, 2**31 - 1, -(2**31)])
def test_another_number_of_atoms_is_refused_before_reading(ipi, connection, n_atoms):
    ipi.sendall(posdata(n_atoms=n_atoms)[12:])
    with pytest.raises(ProtocolError, match=f"sent {n_atoms} atoms, the structure has 3"):
        connection.read_posdata()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["cell", "positions"])
def test_numbers_that_are_not_finite_are_refused(ipi, connection, number, where):
    arrays = {"cell": CELL.copy(), "positions": POSITIONS.copy()}
    arrays[where][1, 2] = number
    ipi.sendall(posdata(**arrays)[12:])
    with pytest.raises(ProtocolError, match="not finite"):
        connection.read_posdata()


def test_the_inverse_cell_is_not_looked_at(ipi, connection):
    message = bytearray(posdata()[12:])
    message[72:144] = struct.pack("=9d", *[np.nan] * 9)
    ipi.sendall(message)
    np.testing.assert_array_equal(connection.read_posdata()[0], CELL)


def test_a_header_that_is_not_ascii_is_read_as_escapes(ipi, connection):
    ipi.sendall(b"\xff\x00ABCDEFGHIJ")
    assert connection.read_header() == "\\xff\x00ABCDEFGHIJ"
