"""Two addresses that lead to the same place are the same."""

import pytest

from ipi_mtd.server.address import Address


@pytest.mark.parametrize(
    ("server", "driver"),
    [
        (Address("a"), Address("a")),
        (Address("a", prefix="/x/../tmp/ipi_"), Address("a", prefix="/tmp/ipi_")),
        (Address("b/a", prefix="s/"), Address("a", prefix="./s/b/")),
        (Address("localhost", 99), Address("127.0.0.1", 99)),
        (Address("0.0.0.0", 99), Address("127.0.0.1", 99)),
    ],
)
def test_a_driver_finds_the_server_there(server, driver):
    assert server.is_at(driver)


@pytest.mark.parametrize(
    ("server", "driver"),
    [
        (Address("a"), Address("b")),
        (Address("a"), Address("a", prefix="/tmp/")),
        (Address("a"), Address("a", 99)),
        (Address("a", 99), Address("a")),
        (Address("localhost", 98), Address("localhost", 99)),
        (Address("127.0.0.1", 99), Address("0.0.0.0", 99)),
        (Address("127.0.0.1", 99), Address("127.0.0.2", 99)),
    ],
)
def test_a_driver_does_not_find_the_server_there(server, driver):
    assert not server.is_at(driver)
