"""When the disk takes no more, the driver stops before it loses anything, and goes on later."""

from tests.harness.ipi import finish

N_STEPS = 400
INPUT = (N_STEPS,)


def test_a_journal_that_may_not_grow(run, undisturbed):
    run.prepare(*INPUT)
    ipi, driver = run.ipi(), run.driver(largest_file=55_000)
    assert finish(driver) == [1]
    assert "journal: cannot be written: File too large" in run.log("driver.log")
    assert finish(ipi, run.driver()) == [0, 0], run.log("driver.log")
    for name in ("HILLS", "COLVAR", "lj38.out", "lj38.extras_0"):
        assert run.read(name) == undisturbed.read(name), name


def test_a_removed_file_is_written_back(run, undisturbed):
    run.prepare(*INPUT)
    ipi, driver = run.ipi(), run.driver()
    run.wait_for_rows(20)
    (run.directory / "HILLS").unlink()
    assert finish(driver) == [1]
    assert "HILLS: was removed or replaced during the run" in run.log("driver.log")
    assert finish(ipi, run.driver()) == [0, 0], run.log("driver.log")
    for name in ("HILLS", "COLVAR", "lj38.out", "lj38.extras_0"):
        assert run.read(name) == undisturbed.read(name), name


def test_a_directory_that_cannot_be_written_to(run):
    run.prepare(*INPUT)
    (run.directory / "file").touch()
    assert finish(run.driver("--output", "file/run")) == [1]
    assert run.log("driver.log").strip().endswith("file/run: Not a directory")
