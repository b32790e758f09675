"""What i-PI says of its end, in logs of i-PI 3.3 (shortened)."""

import pytest

from ipi_mtd.commands.launching.ipi_log import last_line, what_was_wrong, why_it_stopped

TRACEBACK = """Traceback (most recent call last):
  File "/usr/bin/i-pi", line 122, in <module>
    main(args[0], options)
    ^^^^^^^^^^^^^^^^^^^^^^
"""
START = """ @simulation: Initializing simulation object
@ RANDOM SEED: The seed used in this calculation was 7
 @initializer: Resampling velocities at temperature 19.3 kelvin
"""
POLLING = " @ForceField (driver): Starting the polling thread main loop.\n"
FRAME = "PLUMED: " + 80 * "#" + "\n"
TIMINGS = """PLUMED:                                               Cycles        Total
PLUMED:                                                    1     0.005711
"""
SOFTEXIT = (
    " @softexit.trigger:  SOFTEXIT CALLED FROM THREAD <_MainThread(MainThread, started 140)> "
)
CLEAN = (
    SOFTEXIT
    + """ @ SIMULATION: Exiting cleanly.
 !W! Soft exit has been requested with message: ' @ SIMULATION: Exiting cleanly. I-PI reports \
success. Restartable as is: NO.'. Cleaning up.
 @interfacesocket.close: Shutting down the driver interface.
"""
)
A_FILE = "there is a file called EXIT, to be removed before it can go on"

WRONG = {
    "an exception": (
        START + TRACEBACK + "KeyError: 'stepp is not a recognized property'\n",
        "KeyError: 'stepp is not a recognized property'",
    ),
    "a thread says something later": (
        START + TRACEBACK + "TypeError: elefants is an undefined unit.\n" + POLLING,
        "TypeError: elefants is an undefined unit.",
    ),
    "a thread says something in the middle": (
        START + TRACEBACK + POLLING + "OSError: [Errno 28] No space left on device\n",
        "OSError: [Errno 28] No space left on device",
    ),
    "exceptions raised from one another": (
        START
        + TRACEBACK
        + "KeyError: 3\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + TRACEBACK
        + "ValueError: the file has 3 columns\n",
        "ValueError: the file has 3 columns",
    ),
    "what threads lose because of it": (
        "Exception in thread Thread-1 (_poll_loop):\n"
        + TRACEBACK
        + "ConnectionResetError: [Errno 104] Connection reset by peer\n"
        + TRACEBACK
        + "ValueError: the first\n"
        + TRACEBACK
        + "RuntimeError: and what comes of it\n",
        "ValueError: the first",
    ),
    "an exception of a package": (
        TRACEBACK + "ase.io.formats.UnknownFileTypeError: no.file\n",
        "ase.io.formats.UnknownFileTypeError: no.file",
    ),
    "an exception without words": (TRACEBACK + "AssertionError\n", "AssertionError"),
    "PLUMED 2.11, in input": (
        "PLUMED: PLUMED is starting\n"
        + FRAME
        + "PLUMED: \nPLUMED: (core/Action.cpp:372) void PLMD::Action::error(const std::string&)\n"
        "PLUMED: ERROR in input to action DISTANCE with label d : cannot understand NOPBK\n"
        + FRAME
        + TRACEBACK
        + "plumed._plumed_core.PlumedError: \nERROR in input\n"
        + TIMINGS,
        "PLUMED: ERROR in input to action DISTANCE with label d : cannot understand NOPBK",
    ),
    "PLUMED 2.9, which ends the process": (
        FRAME + "PLUMED: \nPLUMED: +++ PLUMED error\nPLUMED: +++ at IFile.cpp:127\n"
        "PLUMED: +++ assertion failed: do_exist\nPLUMED: file geometric.dat cannot be found\n"
        + FRAME
        + "Abort(1) on node 0\n"
        + TIMINGS,
        "PLUMED: file geometric.dat cannot be found",
    ),
    "a warning before an end with status 0": (
        START
        + POLLING
        + " !W! ERROR: Suzuki-Chin factorization requires even number of beads!\n"
        + POLLING,
        "ERROR: Suzuki-Chin factorization requires even number of beads!",
    ),
    "an end of its own": (
        SOFTEXIT + " @ PROPERTIES : the electric field is defined only for `eda-nve`.\n"
        " !W! Soft exit has been requested with message: ' @ PROPERTIES : ...'\n",
        "the electric field is defined only for `eda-nve`.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_line_that_explains_is_found(case):
    log, explanation = WRONG[case]
    assert what_was_wrong(log) == explanation


@pytest.mark.parametrize("log", ["", START + POLLING, START + CLEAN, START + TRACEBACK])
def test_nothing_is_wrong_where_nothing_is_said(log):
    assert what_was_wrong(log) is None


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (" @simulation.run: EXIT file detected! Bye bye!\n" + CLEAN, A_FILE),
        (SOFTEXIT + " @SOFTEXIT: EXIT file detected.\n", A_FILE),
        (SOFTEXIT + " @SOFTEXIT: Maximum wallclock time elapsed.\n", "<total_time> is over"),
        (" @simulation.run: Wall clock time expired! Bye bye!\n" + CLEAN, "<total_time> is over"),
        (START + CLEAN, None),
        (START + TRACEBACK + "ValueError: 3\n", None),
    ],
)
def test_an_orderly_stop_is_known(log, why):
    assert why_it_stopped(log) == why


def test_the_last_line_says_something():
    assert last_line("one\n  two \n\n \n") == "two"
    assert last_line("\n") is None
