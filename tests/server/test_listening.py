"""Who is at an address, learned without disturbing him."""

import socket

import pytest

from ipi_mtd.errors import UserError
from ipi_mtd.server.address import Address
from ipi_mtd.server.listening import has_client, is_stale
from tests.harness.ipi import unused_address


@pytest.fixture
def unix():
    """A unix socket's address and a server there."""
    address = Address(unused_address())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address.path))
        server.listen(1)
        yield address, server
    address.path.unlink(missing_ok=True)


@pytest.fixture
def inet():
    """A port of this machine and a server there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address("127.0.0.1", server.getsockname()[1]), server


@pytest.mark.skipif("not sys.platform.startswith('linux')", reason="only Linux tells")
@pytest.mark.parametrize("kind", ["unix", "inet"])
def test_a_client_is_seen_while_it_is_connected(kind, request):
    address, server = request.getfixturevalue(kind)
    assert not has_client(address)
    with address.connect(1.0) as client:
        accepted, _ = server.accept()
        assert has_client(address)
        client.shutdown(socket.SHUT_RDWR)
    accepted.close()
    assert not has_client(address)


def test_nobody_knows_of_clients_elsewhere(unix, monkeypatch, tmp_path):
    monkeypatch.setattr("ipi_mtd.server.listening._PROC", tmp_path)
    address, _ = unix
    with address.connect(1.0):
        assert not has_client(address)


def test_a_port_in_use_is_refused_without_disturbing_who_listens(inet):
    address, server = inet
    with pytest.raises(UserError, match=f"{address}: another program is listening there"):
        is_stale(address)
    server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        server.accept()


def test_a_port_that_was_given_back_is_free(inet):
    address, server = inet
    server.close()
    assert not is_stale(address)
