"""What the tests of every folder share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.harness.asking import ask_here
from tests.harness.ipi import ENVIRONMENT, Site

SERVER_FIXTURES = {"site", "new_site"}
XDIST_WORKER = "PYTEST_XDIST_WORKER"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whoever uses a site, directly or by another fixture, starts a server; long tests can wait."""
    for item in items:
        if SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=[item for item in items if is_long(item)])
        items[:] = [item for item in items if not is_long(item)]


def is_long(item: pytest.Item) -> bool:
    """Whether a test is only run when it is asked for."""
    return item.get_closest_marker("long") is not None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The directory of a test as a place for processes, which end with the test."""
    site = Site(tmp_path)
    yield site
    site.end()


@pytest.fixture(scope="module")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """Makes directories of that name for processes, which end with the module."""
    sites: list[Site] = []

    def make(name: str) -> Site:
        sites.append(Site(tmp_path_factory.mktemp(name)))
        return sites[-1]

    yield make
    for site in sites:
        site.end()


@pytest.fixture
def asked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """i-PI is asked what its input means in this process."""
    ask_here(monkeypatch)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that ``python -m lj38.export`` has filled, called from some other directory.

    Made once, also if several workers of pytest-xdist want it.
    """
    shared = tmp_path_factory.getbasetemp()
    if XDIST_WORKER in ENVIRONMENT:
        shared = shared.parent
    directory = shared / "lj38-models"
    with FileLock(shared / "lj38-models.lock"):
        if not directory.with_suffix(".complete").exists():
            subprocess.run(
                [sys.executable, "-m", "lj38.export", "--output", directory],
                env=ENVIRONMENT,
                cwd=shared,
                check=True,
            )
            directory.with_suffix(".complete").touch()
    return directory
