"""Bytes come as they arrive, whether the reader is awake or asleep."""

import socket
import threading
import time

import pytest

from ipi_mtd.server import reader
from ipi_mtd.server.reader import Reader, patience_awake


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("awake", [0.0, 1e-3, 1.0])
def test_what_was_sent_is_given_out_in_pieces(ends, awake):
    ours, theirs = ends
    theirs.sendall(bytes(range(100)))
    source = Reader(ours, 64, awake)
    pieces = [source.read(n) for n in (1, 0, 30, 69)]
    assert [len(piece) for piece in pieces] == [1, 0, 30, 69]
    assert b"".join(pieces) == bytes(range(100))


@pytest.mark.parametrize("awake", [0.0, 1e-3])
def test_what_comes_late_is_waited_for(ends, awake):
    ours, theirs = ends
    later = threading.Timer(0.1, theirs.sendall, [b"late"])
    later.start()
    assert Reader(ours, 64, awake).read(4) == b"late"
    later.join()


@pytest.mark.parametrize("awake", [0.0, 1e-3])
def test_a_closed_connection_gives_what_there_was(ends, awake):
    ours, theirs = ends
    theirs.sendall(b"abc")
    theirs.close()
    source = Reader(ours, 64, awake)
    assert [source.read(12), source.read(12)] == [b"abc", b""]


def test_one_look_takes_all_that_has_arrived_out_of_the_kernel(ends):
    ours, theirs = ends
    theirs.sendall(b"x" * 50)
    Reader(ours, 64, 0.0).read(1)
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        ours.recv(1)


@pytest.mark.parametrize(
    ("cores", "servers", "awake"), [(1, 1, False), (2, 1, True), (4, 4, False)]
)
def test_it_stays_awake_only_where_there_is_a_core_for_it(monkeypatch, cores, servers, awake):
    monkeypatch.setattr(reader, "n_cores", lambda: cores)
    assert (patience_awake(servers) > 0.0) is awake


def test_it_stays_awake_for_a_bounded_time(ends):
    ours, theirs = ends
    later = threading.Timer(0.5, theirs.sendall, [b"late"])
    later.start()
    before = time.thread_time()
    Reader(ours, 64, 2e-3).read(4)
    assert time.thread_time() - before < 0.2
    later.join()
