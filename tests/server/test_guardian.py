"""A driver that is killed closes its connection; without its guardian it would be reset."""

import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psutil
import pytest

from ipi_mtd.server.guardian import PATIENCE, Guardian
from tests.harness.ipi import socket_file, unused_address

pytestmark = pytest.mark.server

DRIVER = """
import fcntl, socket, time
from ipi_mtd.server.guardian import Guardian

locked = open({lock!r}, "w")
fcntl.flock(locked, fcntl.LOCK_EX)
connection = socket.socket({family})
connection.connect({address!r})
guardian = {guardian}
print(guardian and guardian._process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["unix", "inet"])
def listener(request):
    """A server's socket."""
    if request.param == "inet":
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server
        return
    path = socket_file(unused_address())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        yield server
    path.unlink()


@contextmanager
def driver(listener, lock, guardian="Guardian(connection)"):
    """A driver that was sent something and does not read it; its guardian's process id."""
    listener.settimeout(20)
    code = DRIVER.format(
        lock=str(lock),
        family=int(listener.family),
        address=listener.getsockname(),
        guardian=guardian,
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ipi, _ = listener.accept()
            ipi.settimeout(20)
            ipi.sendall(b"GETFORCE    ")
            with ipi:
                yield process, ipi, process.stdout.readline().strip()
        finally:
            process.kill()


def wait_for_end(pid, seconds):
    """Whether a process that is not ours ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            ended = True
        if ended:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("message", [b"", b"POSDATA"])
def test_i_pi_sees_a_close_when_the_driver_is_killed(listener, tmp_path, message):
    with driver(listener, tmp_path / "lock") as (process, ipi, guardian):
        process.kill()
        process.wait()
        ipi.sendall(message)
        assert ipi.recv(1) == b""
        ipi.sendall(b"EXIT        ")  # nor does what i-PI says now hurt it
        ipi.close()
        assert wait_for_end(int(guardian), 2.0)


def test_without_a_guardian_i_pi_sees_a_reset(listener, tmp_path):
    with driver(listener, tmp_path / "lock", guardian="None") as (process, ipi, _):
        process.kill()
        process.wait()
        with pytest.raises(ConnectionResetError):
            ipi.recv(1)


def test_the_guardian_does_not_hold_the_files_of_the_driver(listener, tmp_path):
    with driver(listener, tmp_path / "lock") as (process, _, guardian):
        process.kill()
        process.wait()
        with (tmp_path / "lock").open() as locked:
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert not wait_for_end(int(guardian), 0.1)


def test_the_guardian_is_not_interrupted_with_the_driver(listener, tmp_path):
    with driver(listener, tmp_path / "lock") as (process, _, guardian):
        assert os.getsid(int(guardian)) == int(guardian) != os.getsid(process.pid)


def test_an_orderly_end_leaves_no_guardian():
    ipi, connection = socket.socketpair()
    guardian = Guardian(connection)
    connection.close()
    ipi.close()
    guardian.close()
    assert guardian._process.returncode == 0


def test_a_driver_that_fails_ends_the_connection_though_something_is_unread():
    ipi, connection = socket.socketpair()
    with ipi:
        guardian = Guardian(connection)
        ipi.sendall(b"GETFORCE    ")
        connection.close()
        ipi.settimeout(10)
        closing = threading.Thread(target=guardian.close)
        closing.start()
        assert ipi.recv(1) == b""
        ipi.close()
        closing.join()


def test_the_guardian_does_not_wait_for_ever_for_a_server_that_hangs():
    ipi, connection = socket.socketpair()
    begin = time.monotonic()
    with ipi:
        guardian = Guardian(connection)
        connection.close()
        guardian.close()
    assert PATIENCE <= time.monotonic() - begin < PATIENCE + 2.0
