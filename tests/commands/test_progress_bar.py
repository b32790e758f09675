"""How far a run is: a bar on a terminal, a message now and then elsewhere."""

import io
import logging
from pathlib import Path

import pytest

from ipi_mtd.commands.launching import progress_bar
from ipi_mtd.commands.launching.progress_bar import ProgressBar
from ipi_mtd.config import read_config
from ipi_mtd.server.ipi_input import interpret
from tests.harness.asking import ask_here

INPUTS = Path(__file__).parents[2] / "inputs"


class Terminal(io.StringIO):
    """What takes text and says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(scope="module")
def inputs():
    """The provided ones."""
    with pytest.MonkeyPatch.context() as patch:
        ask_here(patch)
        ipi = interpret(INPUTS / "input.xml", INPUTS.parent)
    return ipi, read_config(INPUTS / "lj38.toml")


def message(step):
    """What the driver says after a step."""
    return {"step": step, "hills": step // 30, "bias": 0.25, "cvs": {"cv1": 21.5, "cv2": 1.75}}


def draw(monkeypatch, inputs, steps, stderr, quiet=False):
    """What is drawn if a step takes ten seconds."""
    now = [1000.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr", stderr)
    bar = ProgressBar(*inputs, quiet)
    for step in steps:
        bar.show(message(step))
        now[0] += 10.0
    bar.close()
    return stderr.getvalue()


def test_on_a_terminal_the_bar_is_drawn_at_every_message(monkeypatch, inputs):
    drawn = draw(monkeypatch, inputs, range(40000, 40005), Terminal()).split("\r")
    assert " 40%|" in drawn[-1]
    assert " 40004/100000 [" in drawn[-1]
    # 2.5 fs in 10 s
    assert ", 10000.00 ms/step, 0.0216 ns/day, cv1 21.5, cv2 1.75" in drawn[-1]
    assert "bias 0.25 kcal/mol, 1333 hills]" in drawn[-1]
    assert [step for step in range(40000, 40005) if f" {step}/" in "".join(drawn)] == list(
        range(40000, 40005)
    )


def test_elsewhere_it_is_a_message_a_minute(monkeypatch, inputs, caplog):
    with caplog.at_level(logging.INFO):
        assert draw(monkeypatch, inputs, range(40000, 40015), io.StringIO()) == ""
    assert [text.split(" [")[0] for text in caplog.messages] == [
        "step 40006/100000",
        "step 40012/100000",
    ]
    assert "10000.00 ms/step" in caplog.messages[0]


@pytest.mark.parametrize("stderr", [io.StringIO, Terminal])
def test_quiet_is_quiet(monkeypatch, inputs, caplog, stderr):
    with caplog.at_level(logging.INFO):
        assert draw(monkeypatch, inputs, range(40000, 40015), stderr(), quiet=True) == ""
    assert caplog.messages == []


def test_on_a_terminal_the_last_line_is_whole(monkeypatch, inputs):
    assert draw(monkeypatch, inputs, range(3), Terminal()).endswith("]\n")


def test_the_first_and_the_last_message_are_remembered(monkeypatch, inputs):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    bar = ProgressBar(*inputs, quiet=True)
    assert (bar.first, bar.last) == (None, None)
    bar.show(message(3))
    bar.show(message(4))
    bar.note(message(5))
    assert (bar.first, bar.last) == (message(3), message(5))
