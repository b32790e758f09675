"""A driver that is killed again and again, at chosen points of its work; run as a script.

Every driver is a fork of this process, which has done the slow imports already. After the last of
the kills a driver is left alone until i-PI says EXIT.

    python doomed.py CONFIG ADDRESS OUTPUT ROUNDS SEED
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import ase.io  # noqa: F401  (imported here once, not in every driver)
import torch  # noqa: F401
from vesin import NeighborList  # noqa: F401

from ipi_mtd.commands.run import run
from ipi_mtd.config import read_config
from ipi_mtd.cvs.model import FeatureModel
from ipi_mtd.errors import UserError
from ipi_mtd.record.appended import AppendedFile
from ipi_mtd.record.journal import Journal
from ipi_mtd.record.run_directory import RunDirectory, Start
from ipi_mtd.server import wire
from ipi_mtd.server.wire import Wire


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def call_then_die(owner, name, countdown, when=lambda *_: True, before=None):
    """Let a method be called `countdown` times for which `when` holds, then die after it.

    With `before`, that is done instead of the last call.
    """
    original = getattr(owner, name)
    left = [countdown]

    def doomed(*arguments, **options):
        if when(*arguments):
            left[0] -= 1
            if left[0] == 0 and before is not None:
                before(*arguments)
                die()
        result = original(*arguments, **options)
        if left[0] == 0:
            die()
        return result

    setattr(owner, name, doomed)


def is_answer(_wire, message):
    return message.startswith(b"FORCEREADY")


def is_hill(file, data):
    return file.path.name == "HILLS" and bool(data)


def write_half(file, data):
    os.pwrite(file._fd, data[: len(data) // 2], file.size)


def send_half(connection, message):
    connection._socket.sendall(message[: len(message) // 2])


def record_half(journal, proposal):
    """Write all of a proposal, then spoil its second half as if it had not been written."""
    place = journal.header.place((journal._serial + 1) % 2)
    before = os.pread(journal._fd, journal.header.proposal_size, place)
    RECORD(journal, proposal)
    os.pwrite(journal._fd, before[500:], place + 500)


RECORD = Journal.record

POINTS = {
    "computing": lambda n: call_then_die(FeatureModel, "evaluate", 10 + n),
    "half recorded": lambda n: call_then_die(Journal, "record", n, before=record_half),
    "recorded": lambda n: call_then_die(Journal, "record", n),
    "half sent": lambda n: call_then_die(Wire, "send", n, is_answer, send_half),
    "sent": lambda n: call_then_die(Wire, "send", n, is_answer),
    "told ready": lambda n: call_then_die(Wire, "send", n, lambda _, text: text == wire.READY),
    "half a hill": lambda n: call_then_die(AppendedFile, "append", 1 + n % 2, is_hill, write_half),
    "a hill": lambda n: call_then_die(AppendedFile, "append", 1 + n % 2, is_hill),
    "committed": lambda n: call_then_die(RunDirectory, "commit", n),
    "anywhere": lambda _: None,
}


def fork_driver(config, output, arm) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            arm()
            run(config, output, Start.RESUME)
            status = 0
        except UserError as error:
            print(f"driver: {error}", file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


def main() -> None:
    source, address, output, rounds, seed = sys.argv[1:]
    config = read_config(Path(source))
    socket = config.socket.model_copy(update={"address": address})
    config = config.model_copy(update={"socket": socket})
    rng = random.Random(int(seed))
    kills = 0
    for _ in range(int(rounds)):
        for point, arm in POINTS.items():
            n = rng.randint(2, 40)
            pid = fork_driver(config, Path(output), lambda a=arm, n=n: a(n))
            if point == "anywhere":
                time.sleep(rng.uniform(0.6, 1.2))
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            if not os.WIFSIGNALED(status):
                sys.exit(f"the driver was not killed at '{point}', it ended with {status}")
            kills += 1
    pid = fork_driver(config, Path(output), lambda: None)
    _, status = os.waitpid(pid, 0)
    print(f"{kills} kills")
    sys.exit(os.waitstatus_to_exitcode(status))


main()
