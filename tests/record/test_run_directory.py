"""HILLS, COLVAR and journal after every kind of interruption."""

import fcntl
import os
import shutil

import numpy as np
import pytest
from run_directory import N_ATOMS, as_text, contents, open_run, serve, trajectory

from ipi_mtd.errors import UserError
from ipi_mtd.files.hills import read_hills
from ipi_mtd.record import journal
from ipi_mtd.record.earlier_files import require_unused
from ipi_mtd.record.recognition import NotContinued
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure

N_STEPS = 40


@pytest.fixture
def undisturbed(tmp_path):
    """The files of a run that nothing happened to."""
    system = open_run(tmp_path / "undisturbed")
    serve(system, trajectory(N_STEPS))
    system.history.close()
    return contents(tmp_path / "undisturbed")


def everything(directory):
    """All files of a directory, byte by byte."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def stop(system):
    """What a SIGKILL does: nothing more is written, the lock is gone."""
    system.history.close()


@pytest.mark.parametrize("last", range(20, 29))
def test_killed_before_commit_and_asked_again(tmp_path, undisturbed, last):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:last])
    system.propose(structures[last])
    stop(system)
    again = open_run(tmp_path)
    serve(again, structures[last:])
    assert contents(tmp_path) == undisturbed
    assert again.step == N_STEPS


@pytest.mark.parametrize("last", range(20, 29))
def test_killed_before_commit_but_the_answer_had_arrived(tmp_path, undisturbed, last):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:last])
    system.propose(structures[last])
    stop(system)
    again = open_run(tmp_path)
    serve(again, structures[last + 1 :])
    assert contents(tmp_path) == undisturbed
    assert again.step == N_STEPS


@pytest.mark.parametrize("torn", [1, 20, 60])
def test_killed_in_the_middle_of_a_hill(tmp_path, undisturbed, torn):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    system.propose(structures[24])  # a hill is due
    stop(system)
    whole = undisturbed["HILLS"]
    size = (tmp_path / "HILLS").stat().st_size
    (tmp_path / "HILLS").write_bytes(whole[: size + torn])
    serve(open_run(tmp_path), structures[25:])
    assert contents(tmp_path) == undisturbed


def test_killed_in_the_middle_of_a_proposal(tmp_path, undisturbed):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    before = (tmp_path / "ipi-mtd.journal").read_bytes()
    system.propose(structures[24])
    stop(system)
    after = (tmp_path / "ipi-mtd.journal").read_bytes()
    changed = [i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new]
    middle = (changed[0] + changed[-1]) // 2
    (tmp_path / "ipi-mtd.journal").write_bytes(after[:middle] + before[middle:])
    serve(open_run(tmp_path), structures[24:])
    assert contents(tmp_path) == undisturbed


def test_killed_before_the_first_step(tmp_path, undisturbed):
    stop(open_run(tmp_path))
    serve(open_run(tmp_path), trajectory(N_STEPS))
    assert contents(tmp_path) == undisturbed


def test_killed_after_the_very_first_answer(tmp_path, undisturbed):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    system.propose(structures[0])
    stop(system)
    serve(open_run(tmp_path), structures[1:])
    assert contents(tmp_path) == undisturbed


@pytest.mark.parametrize("checkpoint", [1, 11, 12, 13, 24, 38, 39])
def test_rolled_back_to_a_checkpoint(tmp_path, undisturbed, checkpoint):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures)
    stop(system)
    again = open_run(tmp_path)
    again.propose(as_text(structures[checkpoint]))
    again.commit()
    assert again.step == checkpoint + 1
    for name, whole in undisturbed.items():
        assert whole.startswith((tmp_path / name).read_bytes())
    serve(again, structures[checkpoint + 1 :])
    assert contents(tmp_path) == undisturbed


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_begun_again_before_the_first_hill(tmp_path, undisturbed, n_steps):
    """The first hill is that of step 4, and none is lost if only the rows of COLVAR are cut."""
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:n_steps])
    stop(system)
    serve(open_run(tmp_path), [as_text(structures[0]), *structures[1:]])
    assert contents(tmp_path) == undisturbed


def test_begun_again_is_refused_if_hills_would_be_lost(tmp_path):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:10])
    stop(system)
    before = everything(tmp_path)
    with pytest.raises(NotContinued, match=r"is at step 9 and would lose 2 hills: .* --fresh"):
        open_run(tmp_path).propose(as_text(structures[0]))
    assert everything(tmp_path) == before


CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, -0.5, 3.5]])


def in_a_cell(structures, fold):
    """The structures in a periodic cell that grows, some atoms of it on other images."""
    moved = []
    for k, structure in enumerate(structures):
        cell = CELL * (1.0 + 1e-4 * k)
        shift = np.random.default_rng(k).integers(-fold, fold + 1, size=(N_ATOMS, 3)) @ cell
        moved.append(Structure(structure.positions + shift, cell, structure.types))
    return moved


@pytest.mark.parametrize("fold", [0, 1, 9])
@pytest.mark.parametrize(
    ("first", "step"), [(39, 39), (40, 40), (38, 38), (7, 7)], ids=["same", "next", "one", "many"]
)
def test_in_a_periodic_cell_an_atom_is_any_of_its_images(tmp_path, fold, first, step):
    structures = trajectory(N_STEPS + 1)
    system = open_run(tmp_path)
    serve(system, in_a_cell(structures, fold)[:N_STEPS])
    stop(system)
    (asked,) = in_a_cell(structures, 0)[first : first + 1]
    again = open_run(tmp_path)
    again.propose(as_text(asked))
    assert again.step == step


def test_jumps_by_a_lattice_vector_do_not_make_everything_a_successor(tmp_path):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, in_a_cell(structures, 1))
    stop(system)
    last = in_a_cell(structures, 0)[-1]
    away = Structure(last.positions + 1.0, last.cell, last.types)
    with pytest.raises(NotContinued, match="those of no step of this run"):
        open_run(tmp_path).propose(away)


def test_the_answer_to_a_checkpoint_is_the_one_of_the_first_time(tmp_path):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    first = system.propose(structures[24])  # a hill is due
    system.commit()
    serve(system, structures[25:])
    stop(system)
    second = open_run(tmp_path).propose(structures[24])
    assert second.total.energy == first.total.energy
    assert np.array_equal(second.total.forces, first.total.forces)


def test_what_is_rolled_back_is_kept_and_named(tmp_path, undisturbed, caplog):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures)
    stop(system)
    with caplog.at_level("INFO"):
        open_run(tmp_path).propose(as_text(structures[13]))
    kept = tmp_path / "HILLS.after-step-13"
    assert str(kept) in caplog.text
    assert undisturbed["HILLS"].endswith(kept.read_bytes())
    assert kept.read_bytes().count(b"\n") == 6  # the hills of steps 16, 20, ..., 36


def test_killed_during_the_roll_back(tmp_path, undisturbed):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures)
    stop(system)
    again = open_run(tmp_path)
    again.propose(as_text(structures[13]))
    stop(again)
    serve(open_run(tmp_path), [as_text(structures[13]), *structures[14:]])
    assert contents(tmp_path) == undisturbed


def test_the_same_structure_again_is_the_same_step(tmp_path, undisturbed):
    system = open_run(tmp_path)
    serve(system, [structure for structure in trajectory(N_STEPS) for _ in range(3)])
    assert contents(tmp_path) == undisturbed
    assert system.step == N_STEPS


def test_the_same_structure_but_for_rounding_is_the_same_step(tmp_path, undisturbed):
    system = open_run(tmp_path)
    for structure in trajectory(N_STEPS):
        for scale in (1.0, 1.0 + 2e-16, 1.0 - 2e-16):
            positions = structure.positions * scale
            system.propose(Structure(positions, structure.cell, structure.types))
            system.commit()
    assert contents(tmp_path) == undisturbed


def test_positions_of_no_known_step_are_refused(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=r"those of no step of this run \(the last is 39\)"):
        open_run(tmp_path).propose(trajectory(1, seed=4)[0])
    assert contents(tmp_path) == before


def test_keep_hills_goes_on_from_anywhere(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    before = contents(tmp_path)
    again = open_run(tmp_path, Start.KEEP_HILLS)
    serve(again, trajectory(N_STEPS, seed=4))
    assert (tmp_path / "HILLS").read_bytes().startswith(before["HILLS"])
    assert again.step == 2 * N_STEPS
    assert again.biases[0].bias.n_deposits == (2 * N_STEPS - 1) // 4


def test_keep_hills_rolls_nothing_back(tmp_path):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures)
    stop(system)
    before = contents(tmp_path)
    again = open_run(tmp_path, Start.KEEP_HILLS)
    serve(again, structures)  # from the first structure on, once more
    assert (tmp_path / "HILLS").read_bytes().startswith(before["HILLS"])
    assert again.step == 2 * N_STEPS
    stop(again)
    # and from then on a checkpoint is one of the second time
    once_more = open_run(tmp_path)
    once_more.propose(as_text(structures[20]))
    assert once_more.step == N_STEPS + 20


def test_fresh_sets_the_old_files_aside(tmp_path, undisturbed):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS, seed=4))
    stop(system)
    old = contents(tmp_path)
    serve(open_run(tmp_path, Start.FRESH), trajectory(N_STEPS))
    assert contents(tmp_path) == undisturbed
    assert (tmp_path / "HILLS.old").read_bytes() == old["HILLS"]
    assert (tmp_path / "COLVAR.old").read_bytes() == old["COLVAR"]


def test_hills_without_a_journal_are_not_touched(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    (tmp_path / "ipi-mtd.journal").unlink()
    before = contents(tmp_path)
    with pytest.raises(UserError, match="--keep-hills"):
        open_run(tmp_path)
    assert contents(tmp_path) == before


def test_keep_hills_takes_over_hills_without_a_journal(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    (tmp_path / "ipi-mtd.journal").unlink()
    again = open_run(tmp_path, Start.KEEP_HILLS)
    again.propose(trajectory(1, seed=4)[0])
    assert again.biases[0].bias.n_deposits == 9
    assert again.step == 0


def test_a_run_with_other_settings_is_refused_with_the_difference(tmp_path):
    stop(open_run(tmp_path, sigma=[1.0, 0.5], model="abc"))
    with pytest.raises(UserError) as error:
        open_run(tmp_path, sigma=[1.0, 0.4], model="abc")
    assert "`sigma` was [1.0, 0.5], is [1.0, 0.4]" in str(error.value)
    assert "model" not in str(error.value)


def test_a_second_driver_in_the_same_directory_is_refused(tmp_path):
    system = open_run(tmp_path)
    with pytest.raises(UserError, match="another driver is using"):
        open_run(tmp_path)
    with pytest.raises(UserError, match="another driver is using"):
        open_run(tmp_path, Start.FRESH)
    stop(system)
    open_run(tmp_path)


def test_a_lock_that_a_crash_left_behind_is_none(tmp_path):
    pid = os.fork()
    if pid == 0:  # the child takes the lock and dies with it
        open_run(tmp_path)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    open_run(tmp_path)


@pytest.mark.parametrize("name", ["HILLS", "COLVAR", "ipi-mtd.journal"])
def test_a_removed_file_is_noticed_before_the_next_answer_and_rescued(tmp_path, undisturbed, name):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"{name}: was removed or replaced"):
        system.propose(structures[24])
    stop(system)
    serve(open_run(tmp_path), structures[24:])
    assert contents(tmp_path) == undisturbed


def test_a_replaced_file_is_noticed_and_left_alone(tmp_path):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    hills = (tmp_path / "HILLS").read_bytes()
    shutil.move(tmp_path / "HILLS", tmp_path / "elsewhere")
    (tmp_path / "HILLS").write_text("something else")
    with pytest.raises(UserError, match=r"what it held is in .*HILLS\.1"):
        system.propose(structures[24])
    assert (tmp_path / "HILLS").read_text() == "something else"
    assert (tmp_path / "HILLS.1").read_bytes() == hills


def test_a_truncated_file_is_noticed_at_the_next_start(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    os.truncate(tmp_path / "HILLS", 500)
    with pytest.raises(UserError, match="it was cut or replaced"):
        open_run(tmp_path).propose(trajectory(N_STEPS)[-1])


def test_another_number_of_atoms_is_another_run(tmp_path, monkeypatch):
    stop(open_run(tmp_path))
    monkeypatch.setattr("run_directory.N_ATOMS", N_ATOMS + 1)
    with pytest.raises(UserError, match="belongs to a run of 3 atoms"):
        open_run(tmp_path)


def test_a_file_that_is_no_journal_is_not_overwritten(tmp_path):
    (tmp_path / "ipi-mtd.journal").write_bytes(b"my diary, year one, page one, at some length")
    with pytest.raises(UserError, match="no journal"):
        open_run(tmp_path)
    assert (tmp_path / "ipi-mtd.journal").read_bytes().startswith(b"my diary")


def test_the_directory_is_released_at_the_end(tmp_path):
    system = open_run(tmp_path)
    stop(system)
    with (tmp_path / "ipi-mtd.journal").open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["HILLS", "COLVAR"])
def test_a_disk_that_is_full_at_commit_loses_nothing(tmp_path, undisturbed, monkeypatch, name):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures[:24])
    system.propose(structures[24])  # a hill and a row are due
    write, full = os.pwrite, (tmp_path / name).stat().st_ino

    def write_elsewhere(fd, data, offset):
        if os.fstat(fd).st_ino == full:
            raise OSError(28, "No space left on device")
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", write_elsewhere)
    with pytest.raises(UserError, match=f"{name}: cannot be written: No space left on device"):
        system.commit()
    stop(system)
    monkeypatch.undo()
    serve(open_run(tmp_path), structures[25:])
    assert contents(tmp_path) == undisturbed


def test_taking_over_hills_survives_a_kill_before_the_first_step(tmp_path):
    system = open_run(tmp_path)
    serve(system, trajectory(N_STEPS))
    stop(system)
    (tmp_path / "ipi-mtd.journal").unlink()
    stop(open_run(tmp_path, take_over=True))
    again = open_run(tmp_path, take_over=True)
    serve(again, trajectory(N_STEPS, seed=4))
    assert again.biases[0].bias.n_deposits == 18


def test_a_refused_run_leaves_the_directory_free(tmp_path):
    stop(open_run(tmp_path, model="abc"))
    with pytest.raises(UserError, match="other settings"):
        open_run(tmp_path, model="xyz")
    require_unused(tmp_path)


def test_a_directory_in_use_is_known_to_be(tmp_path):
    require_unused(tmp_path)
    system = open_run(tmp_path)
    with pytest.raises(UserError, match="another driver is using"):
        require_unused(tmp_path)
    stop(system)
    require_unused(tmp_path)


def without_journal(directory):
    """The files of a run, as another program would have left them."""
    system = open_run(directory)
    serve(system, trajectory(N_STEPS))
    stop(system)
    (directory / "ipi-mtd.journal").unlink()


def test_hills_of_another_model_are_refused_with_the_difference(tmp_path):
    without_journal(tmp_path)
    with pytest.raises(UserError) as error:
        open_run(tmp_path, take_over=True, made="by another model")
    assert "another r2: there `by a test`, here `by another model`" in str(error.value)


def test_hills_of_another_model_are_taken_when_told_so(tmp_path):
    without_journal(tmp_path)
    system = open_run(tmp_path, Start.KEEP_HILLS, made="by another model")
    system.propose(trajectory(1, seed=4)[0])
    assert system.biases[0].bias.n_deposits == 9


@pytest.mark.parametrize("start", [Start.RESUME, Start.KEEP_HILLS])
def test_hills_on_other_cvs_are_refused_in_any_case(tmp_path, start):
    without_journal(tmp_path)
    hills = tmp_path / "HILLS"
    hills.write_bytes(hills.read_bytes().replace(b"r2", b"cv7"))
    with pytest.raises(UserError, match="its hills are on the CVs cv7, the bias is on r2"):
        open_run(tmp_path, start, take_over=True).propose(trajectory(1, seed=4)[0])


PERIODIC = b"gaussian\n#! SET min_r2 -pi\n#! SET max_r2 pi/2\n"
CHANGES = {
    "COLVAR in another order": ("COLVAR", b"r2 mtd.bias", b"mtd.bias r2", "its columns are time m"),
    "COLVAR with another column": ("COLVAR", b"mtd.bias", b"x", "its columns are time r2 x, those"),
    "COLVAR with a constant": ("COLVAR", b"bias\n", b"bias\n#! SET a 1\n", "a is 1 there and abse"),
    "COLVAR without a header": ("COLVAR", b"#! FIELDS", b"# FIELDS", "line 2: there is no '#! FI"),
    "HILLS of a periodic CV": ("HILLS", b"gaussian\n", PERIODIC, "r2 is periodic from -pi to pi/2"),
    "HILLS of another kernel": ("HILLS", b"stretched-gaussian", b"uniform", "kerneltype is unifor"),
}  # fmt: skip


@pytest.mark.parametrize("start", [Start.RESUME, Start.KEEP_HILLS])
@pytest.mark.parametrize(("name", "old", "new", "complaint"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_does_not_fit_is_not_taken_over_and_nothing_changes(
    tmp_path, name, old, new, complaint, start
):
    without_journal(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(old, new))
    before = everything(tmp_path)
    with pytest.raises(UserError) as caught:
        open_run(tmp_path, start, take_over=True)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)
    assert everything(tmp_path) == before


def test_hills_of_several_walkers_have_a_column_more_and_are_not_added_to(tmp_path):
    path = tmp_path / "HILLS"
    path.write_bytes(b"#! FIELDS time r2 sigma_r2 height biasf clock\n 2 17 1 1 5 0\n")
    with pytest.raises(UserError, match="height biasf clock, those of this run are time r2"):
        open_run(tmp_path, take_over=True)
    assert [one.name for one in tmp_path.iterdir()] == ["HILLS"]


@pytest.mark.parametrize("start", [Start.RESUME, Start.KEEP_HILLS])
def test_columns_that_the_journal_does_not_know_of_are_compared_too(tmp_path, start):
    stop(open_run(tmp_path))  # a journal without the columns of the default
    (tmp_path / "COLVAR").write_bytes(b"#! FIELDS time mtd.bias r2\n 0 1 2\n")
    before = everything(tmp_path)
    with pytest.raises(UserError, match=r"COLVAR: its columns are time mtd\.bias r2, those of"):
        open_run(tmp_path, start)
    assert everything(tmp_path) == before


def test_files_of_another_program_with_the_same_columns_are_taken_over(tmp_path):
    colvar = (
        b"#! FIELDS time r2 mtd.bias\n 0.000000 7.5 0\n#! FIELDS time r2 mtd.bias\n 0.5 7 1e-2\n"
    )
    (tmp_path / "COLVAR").write_bytes(colvar)
    serve(open_run(tmp_path, take_over=True), trajectory(N_STEPS))
    assert (tmp_path / "COLVAR").read_bytes().startswith(colvar)


def old_hills(directory):
    """HILLS of PLUMED before 2.8, in the way of the trajectory."""
    head = "#! FIELDS time r2 sigma_r2 height biasf\n#! SET multivariate false\n"
    rows = " 2 17.2 0.8 0.3 5\n 4 18.9 0.7 0.2 5\n"
    (directory / "HILLS").write_text(f"{head}#! SET kerneltype gaussian\n{rows}")
    return (directory / "HILLS").read_bytes()


def test_below_gaussians_of_an_old_plumed_our_hills_begin_with_our_header(tmp_path, undisturbed):
    old = old_hills(tmp_path)
    system = open_run(tmp_path, take_over=True)
    system.propose(trajectory(1)[0])
    stop(system)  # and from here on there is one header, however often the driver starts again
    serve(open_run(tmp_path), trajectory(N_STEPS))
    written = (tmp_path / "HILLS").read_bytes()
    header = undisturbed["HILLS"].partition(b" " * 10)[0]
    assert written.startswith(old + header)
    assert written.count(b"#! FIELDS") == 2
    hills = read_hills(tmp_path / "HILLS")
    assert [hill.kernel for hill in hills] == 2 * ["gaussian"] + 9 * ["stretched-gaussian"]


def test_a_run_killed_after_the_gaussians_has_the_same_bias_again(tmp_path):
    structures = trajectory(N_STEPS)
    old_hills(tmp_path)
    system = open_run(tmp_path, take_over=True)
    serve(system, structures[:30])
    stop(system)
    again = open_run(tmp_path, take_over=True)
    again.propose(structures[30])
    for s in np.linspace(14.0, 22.0, 31):
        mine, theirs = (one.biases[0].bias.evaluate([s]) for one in (again, system))
        assert mine == theirs


def test_a_roll_back_reads_the_journal_once(tmp_path, monkeypatch):
    structures = trajectory(N_STEPS)
    system = open_run(tmp_path)
    serve(system, structures)
    stop(system)
    again = open_run(tmp_path)
    reads = []
    read = journal.read_slots

    def counted(*arguments):
        reads.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(journal, "read_slots", counted)
    again.propose(as_text(structures[12]))
    assert again.step == 12
    assert len(reads) == 1
