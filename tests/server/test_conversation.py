"""The loop that answers i-PI, with a system that only writes down what it is asked."""

import itertools
import json
import logging
import socket
import struct
import sys
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipi_mtd.biased_system.system import BiasedEvaluation
from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.conversation import connect, serve
from ipi_mtd.server.wire import HAVEDATA, NEEDINIT, READY, ProtocolError, Wire
from ipi_mtd.structures.structure import Evaluation, Structure

N_ATOMS = 2
TYPES = np.array([18, 18], dtype=np.int32)
CELL = np.array([[10.0, 1.0, 2.0], [0.0, 11.0, 3.0], [0.5, 0.0, 12.0]])
ISOLATED = Structure(np.zeros((N_ATOMS, 3)), np.zeros((3, 3)), TYPES)
PERIODIC = Structure(np.zeros((N_ATOMS, 3)), np.eye(3), TYPES)
ANSWER_SIZE = 12 + 8 + 4 + 24 * N_ATOMS + 72 + 4

STATUS, GETFORCE, EXIT = (name.ljust(12) for name in (b"STATUS", b"GETFORCE", b"EXIT"))
INIT = b"INIT        " + struct.pack("=ii", 0, 1) + b" "


def posdata(k, cell=CELL, n_atoms=N_ATOMS):
    """The k-th structure of a trajectory."""
    positions = np.arange(3.0 * N_ATOMS) + 0.01 * k
    return (
        b"POSDATA     "
        + cell.T.tobytes()
        + np.linalg.inv(CELL).tobytes()
        + struct.pack("=i", n_atoms)
        + positions.tobytes()
    )


CONNECTED = STATUS + INIT + STATUS
SESSION = CONNECTED + b"".join(posdata(k) + GETFORCE + STATUS for k in range(3)) + EXIT
"""As i-PI speaks with consolidated messages."""
CLASSIC = (
    CONNECTED + b"".join(STATUS + posdata(k) + STATUS + GETFORCE + STATUS for k in range(3)) + EXIT
)
"""As i-PI speaks without, and as it did before version 3.2."""


@dataclass
class Values:
    """CVs."""

    s: np.ndarray


@dataclass
class Diary:
    """A system that writes down what it is asked."""

    structures: list[Structure] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def propose(self, structure):
        self.structures.append(structure)
        self.events.append("propose")
        energy = float(structure.positions[0, 0])
        total = Evaluation(energy, structure.positions, structure.cell)
        return BiasedEvaluation(structure, total, energy, 0.25, Values(np.array([[1.5]])), {})

    def commit(self):
        self.events.append("commit")

    @property
    def n_commits(self):
        return self.events.count("commit")


@contextmanager
def pair(kind=socket.SOCK_STREAM):
    """i-PI's socket and the driver's wire."""
    ipi, driver = socket.socketpair(socket.AF_UNIX, kind)
    ipi.settimeout(10)
    driver.settimeout(10)  # a test must not hang
    connection = Wire(driver, N_ATOMS)
    with ipi:
        yield ipi, connection
        connection.close()


def listen(messages, system=None, template=ISOLATED):
    """Serve a session that i-PI has sent and then ended; return the driver's replies."""
    with pair() as (ipi, connection):
        ipi.sendall(messages)
        ipi.shutdown(socket.SHUT_WR)
        try:
            serve(connection, system or Diary(), template, ("cv1",))
        finally:
            connection.close()
            replies = b"".join(iter(lambda: ipi.recv(65536), b""))
    return replies


def split(replies):
    """The headers of replies, and the extras of each answer."""
    headers, extras = [], []
    while replies:
        headers.append(replies[:12].decode().strip())
        size = 12
        for _ in range(headers[-1] == "FORCEREADY"):
            (length,) = struct.unpack("=i", replies[ANSWER_SIZE - 4 : ANSWER_SIZE])
            size = ANSWER_SIZE + length
            extras.append(json.loads(replies[ANSWER_SIZE:size]))
        replies = replies[size:]
    return headers, extras


def test_consolidated_messages():
    system = Diary()
    headers, extras = split(listen(SESSION, system))
    assert headers == ["NEEDINIT", "READY", *["FORCEREADY", "READY"] * 3]
    assert system.events == ["propose", "commit"] * 3
    assert extras == [{"bias": 0.25, "potential": 0.01 * k, "cv1": 1.5} for k in range(3)]


def test_classic_messages_give_the_same_answers_and_commits():
    system = Diary()
    headers, extras = split(listen(CLASSIC, system))
    assert headers == ["NEEDINIT", "READY", *["READY", "HAVEDATA", "FORCEREADY", "READY"] * 3]
    assert extras == split(listen(SESSION))[1]
    assert system.n_commits == 3


def test_the_force_is_computed_before_havedata_is_said():
    system = Diary()
    replies = listen(CONNECTED + posdata(0) + STATUS + EXIT, system)
    assert replies == NEEDINIT + READY + HAVEDATA
    assert system.events == ["propose"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs sockets that keep messages apart")
def test_every_reply_is_one_message():
    with pair(socket.SOCK_SEQPACKET) as (ipi, connection):
        ipi.sendall(SESSION)
        serve(connection, Diary(), ISOLATED, ("cv1",))
        connection.close()
        replies = list(iter(lambda: ipi.recv(65536), b""))
    assert [reply[:12].decode().strip() for reply in replies] == split(b"".join(replies))[0]


def test_ready_is_said_before_the_step_is_committed():
    with pair() as (ipi, connection):
        system = Diary()
        heard = []
        system.commit = lambda: heard.append(ipi.recv(65536))
        ipi.sendall(CONNECTED + posdata(0) + GETFORCE + STATUS + EXIT)
        serve(connection, system, ISOLATED, ("cv1",))
    assert heard[0].endswith(READY)


@pytest.mark.parametrize("next_message", [STATUS, EXIT, posdata(1), GETFORCE, b"RUBBISH     "])
def test_any_next_message_shows_that_the_answer_arrived(next_message):
    system = Diary()
    with suppress(ProtocolError):
        listen(CONNECTED + posdata(0) + GETFORCE + next_message, system)
    assert system.events == ["propose", "commit"]


def test_a_server_that_closes_after_the_answer_has_not_shown_that_it_arrived():
    system = Diary()
    with pytest.raises(ProtocolError, match="closed the connection without saying EXIT"):
        listen(CONNECTED + posdata(0) + GETFORCE, system)
    assert system.events == ["propose"]


def test_a_session_without_a_force_call_commits_nothing():
    system = Diary()
    listen(CONNECTED + EXIT, system)
    assert system.events == []


def test_positions_sent_again_before_getforce_replace_the_former():
    system = Diary()
    listen(CONNECTED + posdata(0) + posdata(1) + GETFORCE + STATUS + EXIT, system)
    assert [structure.positions[0, 0] for structure in system.structures] == [0.01]


def test_a_repeated_request_is_asked_and_committed_again():
    """The system knows that it is the same step."""
    system = Diary()
    listen(CONNECTED + (posdata(0) + GETFORCE + STATUS) * 2 + EXIT, system)
    assert system.events == ["propose", "commit"] * 2


def test_the_callback_gets_each_committed_evaluation_once():
    seen = []
    with pair() as (ipi, connection):
        ipi.sendall(SESSION)
        serve(connection, Diary(), ISOLATED, ("cv1",), seen.append)
    assert [evaluation.potential for evaluation in seen] == [0.0, 0.01, 0.02]


def test_a_periodic_run_gets_the_cell_of_i_pi():
    system = Diary()
    listen(SESSION, system, PERIODIC)
    np.testing.assert_array_equal(system.structures[0].cell, CELL)
    np.testing.assert_array_equal(system.structures[0].types, TYPES)


def test_an_isolated_system_has_no_cell_whatever_i_pi_sends():
    system = Diary()
    listen(SESSION, system, ISOLATED)
    assert not system.structures[0].pbc.any()


def test_a_slab_has_the_cell_of_i_pi_but_for_the_open_direction():
    system = Diary()
    listen(SESSION, system, Structure(ISOLATED.positions, np.diag([1.0, 1.0, 0.0]), TYPES))
    np.testing.assert_array_equal(system.structures[0].cell, [*CELL[:2], [0.0, 0.0, 0.0]])


def test_init_may_come_again():
    assert listen(CONNECTED + INIT + STATUS + EXIT) == NEEDINIT + READY * 2


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        (GETFORCE, "'GETFORCE', which the protocol does not have here"),
        (b"READY       ", "'READY'"),
        (b"status      ", "'status'"),
        (b"A\nB\r\x1b[2J    ", r"'A\\nB\\r\\x1b"),
        (b"\xff" * 12, "xff"),
        (b"            ", "''"),
        (b"STAT", "broke off inside of a message"),
        (b"", "without saying EXIT"),
        (posdata(0, n_atoms=3), "sent 3 atoms, the structure has 2"),
        (posdata(0) + GETFORCE + posdata(1, n_atoms=1), "sent 1 atoms"),
        (posdata(0, n_atoms=2**31 - 1), "sent 2147483647 atoms"),
        (posdata(0, cell=CELL * np.nan), "not finite"),
        (INIT[:16] + struct.pack("=I", 2**32 - 1), "a text of -1 bytes"),
        (INIT[:16] + struct.pack("=i", 2**31 - 1), "a text of 2147483647 bytes"),
        (
            INIT[:16] + struct.pack("=i", 15) + b" batch_size:\n 8",
            r"asks for batches \('batch_size",
        ),
    ],
)
def test_a_breach_of_the_protocol_ends_the_session_with_one_line(messages, complaint):
    with pytest.raises(ProtocolError, match=complaint) as raised:
        listen(CONNECTED + messages)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("session", [SESSION, CLASSIC])
def test_a_session_cut_off_at_any_byte_ends_in_order(session):
    for length in range(len(session) - len(EXIT) + 1):
        system = Diary()
        with pytest.raises(ProtocolError):
            listen(session[:length], system)
        n_answered = session[:length].count(GETFORCE)
        assert n_answered - 1 <= system.n_commits <= n_answered


def test_messages_that_arrive_byte_by_byte_are_understood():
    with pair() as (ipi, connection):

        def speak():
            for byte in SESSION:
                ipi.send(bytes([byte]))

        server = threading.Thread(target=speak)
        server.start()
        serve(connection, Diary(), ISOLATED, ("cv1",))
        server.join()
        connection.close()
        replies = b"".join(iter(lambda: ipi.recv(65536), b""))
    assert replies == listen(SESSION)


class Failing(Diary):
    """A system that cannot answer, or whose step cannot be written down."""

    def __init__(self, where):
        super().__init__()
        setattr(self, where, self.fail)

    def fail(self, *_):
        raise UserError("the disk is full")


@pytest.mark.parametrize("session", [SESSION, CLASSIC])
def test_a_force_that_cannot_be_given_is_not_answered(session):
    with pair() as (ipi, connection):
        ipi.sendall(session)
        with pytest.raises(UserError, match="the disk is full"):
            serve(connection, Failing("propose"), ISOLATED, ("cv1",))
        connection.close()
        headers, _ = split(ipi.recv(65536))
    assert set(headers) == {"NEEDINIT", "READY"}


def test_a_step_that_cannot_be_written_down_ends_the_session():
    with pytest.raises(UserError, match="the disk is full"):
        listen(SESSION, Failing("commit"))


numbers = st.one_of(
    st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), st.sampled_from([np.nan, np.inf, -np.inf])
)
sane = st.integers(0, 9).map(posdata)
arrays = st.lists(numbers, min_size=24, max_size=24).map(
    lambda x: b"POSDATA     " + struct.pack("=18di6d", *x[:18], N_ATOMS, *x[18:])
)
lengths = st.integers(-(2**31), 2**31 - 1)
texts = st.tuples(lengths, lengths | st.integers(0, 9), st.binary(max_size=9))
inits = texts.map(lambda x: INIT[:12] + struct.pack("=ii", x[0], x[1]) + x[2])
messages = st.one_of(
    st.sampled_from([STATUS, INIT, GETFORCE, EXIT, posdata(0) + GETFORCE]),
    sane,
    arrays,
    inits,
    st.binary(max_size=30),
)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(stream=st.lists(messages, max_size=12).map(b"".join), cut=st.integers(0, 40))
def test_any_stream_of_bytes_ends_with_exit_or_one_line(stream, cut):
    system = Diary()
    outcome = ""
    try:
        listen((CONNECTED + stream)[: len(CONNECTED) + len(stream) - cut], system)
    except UserError as error:
        outcome = str(error)
    assert len(outcome.splitlines()) <= 1
    assert system.n_commits <= system.events.count("propose")


@pytest.fixture
def unix():
    """An address that nobody uses."""
    address = Address(f"test-{uuid.uuid4().hex}")
    yield address
    address.path.unlink(missing_ok=True)


def test_a_unix_socket_is_named_like_i_pi_names_it():
    assert str(Address("lj38")) == "/tmp/ipi_lj38"
    assert str(Address("lj38", prefix="/scratch/me-")) == "/scratch/me-lj38"
    assert str(Address("node7", 31415)) == "node7:31415"


def test_waiting_for_a_server_is_said_once_and_ends_when_it_comes(unix, caplog):
    caplog.set_level(logging.INFO, "ipi_mtd")
    with socket.socket(socket.AF_UNIX) as server:

        def come():
            time.sleep(0.5)
            server.bind(str(unix.path))
            server.listen(1)

        thread = threading.Thread(target=come)
        thread.start()
        connect(unix, 20.0).close()
        thread.join()
    assert [record.getMessage() for record in caplog.records] == [
        f"waiting up to 20 s for i-PI at {unix}"
    ]


def test_a_connection_has_no_timeout(unix):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(unix.path))
        server.listen(1)
        with connect(unix, 1.0) as connection:
            assert connection.gettimeout() is None


def test_an_inet_connection_does_not_collect_packets_and_has_no_timeout():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("127.0.0.1", server.getsockname()[1])
        with connect(address, 1.0) as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert connection.gettimeout() is None


@pytest.mark.parametrize("patience", [0.0, 0.4])
def test_waiting_for_a_server_is_bounded_and_the_error_names_the_address(unix, patience):
    begin = time.monotonic()
    with pytest.raises(UserError, match=f"no i-PI server at {unix} within {patience:g} s: No such"):
        connect(unix, patience)
    assert time.monotonic() - begin < patience + 0.5


def test_a_socket_file_that_nobody_listens_at_is_said_and_named(unix):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(unix.path))
    with pytest.raises(UserError, match=f"Connection refused: nobody listens at {unix.path}"):
        connect(unix, 0.2)


def test_a_socket_file_that_nobody_listens_at_is_said_while_waiting(unix, caplog, monkeypatch):
    monkeypatch.setattr("ipi_mtd.server.conversation.LISTENS_WITHIN", 0.2)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(unix.path))

        def listen():
            time.sleep(1.0)
            server.listen(1)

        thread = threading.Thread(target=listen)
        thread.start()
        connect(unix, 20.0).close()
        thread.join()
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert f"in the way of the next one; remove it (rm {unix.path})" in warning.getMessage()


def test_waiting_for_a_server_too_busy_to_accept_is_bounded(unix):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(unix.path))
        server.listen(0)
        waiting = [connect(unix, 1.0)]
        begin = time.monotonic()
        with pytest.raises(UserError, match=f"no i-PI server at {unix} within 1 s"):
            waiting.extend(connect(unix, 1.0) for _ in itertools.repeat(None))
        for connection in waiting:
            connection.close()
    assert time.monotonic() - begin < 3.0


@pytest.mark.parametrize(
    "address",
    [
        Address("x" * 200),
        Address("no-such-host.invalid", 31415),
    ],
)
def test_an_address_that_cannot_be_is_an_error_at_once(address):
    begin = time.monotonic()
    with pytest.raises(UserError, match=f"cannot connect to {address}"):
        connect(address, 60.0)
    assert time.monotonic() - begin < 20.0
