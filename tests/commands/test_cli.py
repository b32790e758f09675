"""The command line: what it prints, and with which status it ends."""

import json
import logging
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import ase.io
import numpy as np
import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.commands.check import time_of_a_force_call
from ipi_mtd.commands.cli import cli, main
from ipi_mtd.commands.fes import make_settings
from ipi_mtd.config import read_config
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure
from tests.harness.inputs import example_config, example_input
from tests.harness.ipi import socket_file, unused_address
from tests.harness.models import Constant, FirstDistance, export

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(cli.commands)
OPTIONS = ("config", "temperature", "energy_unit", "colvar", "highest")


@pytest.fixture
def ipi_mtd(monkeypatch, capsys):
    """Runs the command line; gives status, output and what it says on stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ipi-mtd", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    yield run
    logging.getLogger("ipi_mtd").setLevel(logging.NOTSET)


@pytest.fixture
def refusal(ipi_mtd):
    """Runs a command that must fail with one line and status 1; gives the line."""

    def run(*arguments):
        status, out, err = ipi_mtd(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1), err
        assert err.startswith("ipi-mtd: ")
        return err.removeprefix("ipi-mtd: ").rstrip("\n")

    return run


@pytest.fixture
def config(tmp_path, exported):
    """Writes the example's configuration with some words replaced, at an address of its own."""

    def write(*replacements):
        text = example_config(
            exported,
            ('address = "lj38"', f'address = "{unused_address()}"\npatience = 0'),
            ('input = "input.xml"', ""),
            *replacements,
        )
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def model(tmp_path):
    """Exports a model that is no good as a CV."""

    def make(output="feature", devices=("cpu",), types=(18,)):
        return export(
            tmp_path / "model.pt",
            Constant(),
            outputs={output: "system"},
            devices=list(devices),
            types=list(types),
            interaction_range=0.0,
        )

    return make


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_explains_itself(ipi_mtd, command):
    for option in ("-h", "--help"):
        status, out, err = ipi_mtd(*command, option)
        assert (status, err) == (0, "")
        assert out.startswith(f"Usage: {' '.join(['ipi-mtd', *command])} ")


def test_the_version_is_printed(ipi_mtd):
    status, out, _ = ipi_mtd("--version")
    assert status == 0
    assert out.startswith("ipi-mtd, version ")


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["fes", "--help"]])
def test_help_loads_neither_torch_nor_numpy(command):
    code = (
        "import sys; from ipi_mtd.commands.cli import cli\n"
        f"cli({command!r}, standalone_mode=False)\n"
        "print(sorted({'torch', 'numpy', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run"],
        ["run", "no-such-file.toml"],
        ["check", "."],
        ["run", "run.toml", "--port", "99999"],
        ["run", "run.toml", "--fresh", "--keep-hills"],
        ["launch", "run.toml", "run.toml", "--fresh", "--keep-hills"],
        ["launch", "no-such-file.xml", "run.toml"],
        ["fes", "no-such-file"],
    ],
)
def test_wrong_usage_has_status_2_and_no_traceback(
    ipi_mtd, config, tmp_path, monkeypatch, arguments
):
    config()
    monkeypatch.chdir(tmp_path)
    status, out, err = ipi_mtd(*arguments)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in err


def test_both_names_of_the_command_give_the_same_one_line_and_status(tmp_path):
    (tmp_path / "text").write_text("no journal")
    seen = [
        subprocess.run([*command, "journal", "text"], cwd=tmp_path, capture_output=True, text=True)
        for command in (
            [Path(sys.executable).parent / "ipi-mtd"],
            [sys.executable, "-m", "ipi_mtd"],
        )
    ]
    assert [done.returncode for done in seen] == [1, 1]
    assert {done.stderr for done in seen} == {"ipi-mtd: text: this is no journal of ipi-mtd\n"}


def test_check_says_what_is_loaded_and_how_fast_it_is(ipi_mtd, config, exported):
    status, out, err = ipi_mtd("check", config())
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == (
        f"38 atoms; CVs cv1, cv2 from {exported / 'histo-cv.pt'} on cpu; potential lennard-jones"
    )
    assert [line.split(" = ")[0] for line in lines[1:4]] == ["cv1", "cv2", "potential"]
    assert lines[4].startswith("a force call takes ")
    assert lines[5] == "isolated: the cell that i-PI sends is ignored"
    digits = r"\d(\.\d+)?e-\d\d"
    agreement = f"gradients agree with central differences: cv1 {digits}, cv2 {digits}"
    assert re.fullmatch(agreement, lines[6])
    energy = -173.928427 * 0.24 * 4.184 / 2625.4996394799
    assert float(lines[3].split()[2]) == pytest.approx(energy, rel=1e-6)


@pytest.mark.parametrize("kind", ["half", "rounded"])
def test_check_fails_where_a_gradient_is_not_that_of_its_cv(ipi_mtd, config, tmp_path, kind):
    model = export(tmp_path / "wrong.pt", FirstDistance(kind), outputs={"feature": "system"})
    text = config().read_text()
    path = tmp_path / "wrong.toml"
    path.write_text(text[: text.index("[[cv]]")] + '[[cv]]\nname = "r"\n')
    status, out, err = ipi_mtd("check", path, "--model", model)
    assert status == 1
    assert "r = " in out
    assert err.startswith(f"ipi-mtd: {model}: the gradient of r is ")


def test_check_names_the_cvs_and_the_models_that_are_wrong(ipi_mtd, config, tmp_path):
    for kind in ("plain", "half", "rounded"):
        export(tmp_path / f"{kind}.pt", FirstDistance(kind), outputs={"feature": "system"})
    text = config().read_text()
    path = tmp_path / "three.toml"
    path.write_text(
        text[: text.index("[models")]
        + "\n".join(
            f"[models.{kind}]\nfile = '{kind}.pt'\n[[cv]]\nname = '{name}'\nmodel = '{kind}'"
            for name, kind in {"a": "plain", "b": "half", "c": "rounded"}.items()
        )
    )
    status, _, err = ipi_mtd("check", path)
    assert status == 1
    about_b, about_c = err.rstrip().split("; ")
    assert about_b.startswith(f"ipi-mtd: {tmp_path / 'half.pt'}: the gradient of b is off by ")
    assert about_c.startswith(f"{tmp_path / 'rounded.pt'}: the gradient of c is zero, but ")


@pytest.fixture
def recorder():
    """What stands for a run, and the structures that it is asked for."""
    seen = []

    class Recorder:
        structure = Structure(np.zeros((2, 3)), np.zeros((3, 3)), np.array([1, 1], dtype=np.int32))

        class system:
            evaluate = staticmethod(lambda structures: seen.extend(structures))

    return Recorder, seen


def test_check_moves_the_atoms_of_each_force_call_that_it_times(recorder):
    run, seen = recorder
    time_of_a_force_call(run)
    assert len({structure.positions.tobytes() for structure in seen}) == len(seen) == 20


def test_check_asks_a_slow_calculator_once(recorder):
    run, seen = recorder
    time_of_a_force_call(run, seconds=0.0)
    assert len(seen) == 1


def test_check_takes_another_model(ipi_mtd, config, exported):
    status, out, _ = ipi_mtd("check", config(), "--model", exported / "soap-cv.pt")
    assert status == 0
    assert str(exported / "soap-cv.pt") in out
    again = ipi_mtd("check", config(), "--model", f"histogram={exported / 'soap-cv.pt'}")
    assert again[1].splitlines()[:4] == out.splitlines()[:4]


def test_a_model_that_is_missing_is_named(refusal, config):
    assert refusal("check", config(), "--model", "none.pt") == (
        "none.pt: there is no such model file"
    )
    assert "has no model 'x', only histogram" in refusal("check", config(), "--model", "x=none.pt")


def test_a_model_that_is_no_model_is_named(refusal, config, tmp_path):
    (tmp_path / "text.pt").write_text("not a model")
    line = refusal("check", config(), "--model", tmp_path / "text.pt")
    assert line.startswith(f"{tmp_path / 'text.pt'}: this is not a model exported with metatomic")


def test_a_model_that_is_cut_off_is_named(refusal, config, tmp_path, exported):
    whole = (exported / "histo-cv.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    assert refusal("check", config(), "--model", tmp_path / "half.pt").startswith(
        f"{tmp_path / 'half.pt'}: "
    )


@pytest.fixture
def needs_extension(tmp_path, exported):
    """A model that says it needs an extension which is nowhere."""
    path = tmp_path / "histo-cv.pt"
    with zipfile.ZipFile(exported / "histo-cv.pt") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            wanted = [{"name": "my_kernels", "path": "my_kernels/lib/libmy_kernels.so"}]
            new.writestr(name, {True: json.dumps(wanted).encode()}.get(
                name.endswith("extra/extensions"), content
            ))  # fmt: skip
    return path


def test_a_missing_extension_is_named_with_how_to_give_it(refusal, config, needs_extension):
    line = refusal("check", config(), "--model", needs_extension)
    assert line.startswith(f"{needs_extension}: the model needs the TorchScript extension my_kern")
    assert "--extensions" in line


def test_an_extensions_directory_without_the_extension_is_named(
    refusal, config, needs_extension, tmp_path
):
    line = refusal("check", config(), "--model", needs_extension, "--extensions", tmp_path)
    assert f"{tmp_path} does not have it" in line
    line = refusal("check", config(), "--model", needs_extension, "--extensions", "nowhere")
    assert line.startswith("nowhere: there is no such extensions directory")


def test_a_model_without_the_output_is_told_what_it_has(refusal, config, model):
    path = model(output="energy")
    line = refusal("check", config(), "--model", path)
    assert line.startswith(f"{path}: the model has no output 'feature'")
    assert line.endswith(": energy")


def test_atoms_that_the_model_does_not_know_are_named(refusal, config, model):
    path = model(types=[1, 8])
    assert refusal("check", config(), "--model", path).startswith(
        f"{path}: the model does not know the atomic types [18]"
    )


def test_an_output_that_does_not_depend_on_the_positions_is_refused(refusal, config, model):
    path = model()
    assert refusal("check", config(), "--model", path).startswith(
        f"{path}: the output 'feature' does not depend on the positions"
    )


@pytest.mark.parametrize(
    ("device", "complaint"),
    [
        ("abacus", "device 'abacus': torch knows no such device"),
        ("mps", "the model does not support the device 'mps'"),
        ("cuda:99", "device 'cuda:99': torch finds"),
    ],
)
def test_a_device_that_cannot_be_is_refused(refusal, config, model, device, complaint):
    path = model(devices=["cpu", "cuda"])
    assert complaint in refusal("check", config(), "--model", path, "--device", device)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("component = 2", "component = 20", "`component` is 20, but the output"),
        ("octahedron.xyz", "none.xyz", "there is no such structure file"),
        ("octahedron.xyz", "README.md", "ASE cannot read the structure"),
        ("[colvar]", '[colvar]\ncolumns = ["cv9"]', "there is no 'cv9'"),
        ("[socket]", "periodic = true\n[socket]", "the structure has no cell"),
        (
            '"3.4 angstrom"',
            '"3.4 angstrom"\n[potential.extra]',
            "there is no key `potential.extra`",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    refusal, config, tmp_path, old, new, complaint
):
    path = config((old, new))
    assert complaint in refusal("run", path, "--output", tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "address"),
    [
        (["--address", "nobody-here"], "/tmp/ipi_nobody-here"),
        (["--address", "localhost", "--port", "1"], "localhost:1"),
    ],
)
def test_a_server_that_is_not_there_is_named(refusal, config, tmp_path, options, address):
    line = refusal("run", config(), *options, "--output", tmp_path / "run")
    assert line.startswith(f"no i-PI server at {address} within 0 s: ")


def test_an_output_that_cannot_be_written_is_named(refusal, config):
    path = config()
    assert refusal("run", path, "--output", path) == f"{path}: File exists"


def test_a_run_is_not_continued_with_other_settings(refusal, config, tmp_path):
    refusal("run", config(), "--output", tmp_path / "run")
    path = config(("pace = 30", "pace = 40"))
    line = refusal("run", path, "--output", tmp_path / "run")
    assert "`metad.metad.pace` was 30, is 40" in line
    assert "--fresh" in line


def test_hills_without_a_journal_are_not_continued_unasked(refusal, config, tmp_path):
    write_hills(tmp_path / "run/HILLS")
    line = refusal("run", config(), "--output", tmp_path / "run")
    assert line.startswith(f"{tmp_path / 'run/HILLS'}: ")
    assert "--keep-hills" in line


def test_hills_without_a_journal_are_set_aside_if_asked(refusal, config, tmp_path):
    write_hills(tmp_path / "run/HILLS")
    line = refusal("run", config(), "--output", tmp_path / "run", "--fresh")
    assert line.startswith("no i-PI server")
    assert (tmp_path / "run/HILLS.old").exists()


@pytest.fixture
def input_xml(tmp_path, asked_here):  # noqa: ARG001
    """Writes the example's input of i-PI with some words replaced."""

    def write(*replacements):
        text = example_input("lj38", 100_000, *replacements)
        path = tmp_path / "input.xml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("> 2.5 <", "> 5 <", "<timestep> is 5 fs, but `system.timestep` of the driver's"),
        ("octahedron.xyz", "none.xyz", "there is no such file"),
        ('mode="unix"', 'mode="shm"', 'mode="shm" of the ffsocket is not served'),
        ("<address> lj38 ", "<address> lj39 ", "no ffsocket listens at /tmp/ipi_lj38"),
        ("</simulation>", "", "is not XML"),
    ],
)
def test_an_input_that_cannot_be_served_is_refused_before_anything_starts(
    refusal, config, input_xml, tmp_path, old, new, complaint
):
    ours = input_xml((old, new))
    options = ("--address", "lj38", "--output", tmp_path / "run")
    line = refusal("launch", ours, config(), *options)
    assert line.startswith(f"{ours}: ")
    assert complaint in line
    assert not (tmp_path / "run/i-pi.log").exists()


@pytest.fixture
def linked(config, input_xml):
    """A configuration that names an input, in which some words are replaced."""

    def linked(*replacements):
        path = config(("patience = 0", 'patience = 0\ninput = "input.xml"'))
        (name,) = re.findall('address = "(.*)"', path.read_text())
        return input_xml(("<address> lj38 ", f"<address> {name} "), *replacements), path

    return linked


WARMER = ('"kelvin"> 19.3 </temperature>', '"kelvin"> 29.3 </temperature>')


@pytest.mark.parametrize("command", ["check", "run"])
def test_an_input_that_the_configuration_names_is_compared_with_it(refusal, linked, command):
    ours, path = linked(WARMER)
    line = refusal(command, path)
    assert line.startswith(f"{ours}: <temperature> is 29.3 K, but `system.temperature`")


def test_check_says_that_the_input_agrees(capsys, linked):
    ours, path = linked()
    cli(["check", str(path)], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[1] == f"{ours} agrees"


def test_an_input_whose_files_are_elsewhere_is_not_checked_and_that_is_said(capsys, linked):
    ours, path = linked(WARMER, ("lj38/octahedron.xyz", "elsewhere.xyz"))
    cli(["check", str(path)], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[1] == (
        f"{ours}: <file> elsewhere.xyz: there is no such file, so it is not checked"
    )


def test_check_says_that_an_input_for_another_address_is_not_looked_at(capsys, linked):
    ours, path = linked(WARMER)
    cli(["check", str(path), "--address", "another"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[1] == (
        f"{ours}: no ffsocket listens at /tmp/ipi_another, so it is not checked"
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--model", "one.pt", "--model", "b=two words.pt", "--extensions", "here"],
        ["--device", "cuda:1", "--address", "node7", "--port", "31415"],
        ["--structure", "atoms.xyz", "--timestep", "2.5 fs"],
        ["--fresh"],
        ["--keep-hills"],
    ],
)
def test_launch_gives_the_driver_the_options_that_it_was_given(
    ipi_mtd, monkeypatch, config, input_xml, words
):
    given = []
    monkeypatch.setattr("ipi_mtd.commands.launch.launch", lambda *all_, **_: given.extend(all_))
    monkeypatch.setattr("ipi_mtd.config.read_input", lambda *_, **__: None)
    of_launch = ["--output", "there", "--retries", "2", "--quiet"]
    assert ipi_mtd("launch", input_xml(), config(), *of_launch, *words)[0] == 0
    assert given[-1] == words


def test_launch_has_every_option_of_run():
    of_launch = {option.name for option in cli.commands["launch"].params}
    of_run = {
        option.name for option in cli.commands["run"].params if not getattr(option, "hidden", False)
    }
    assert of_run < of_launch


@pytest.mark.server
def test_launching_into_a_file_is_refused(refusal, config, input_xml, tmp_path):
    name = unused_address()
    ours = input_xml(("<address> lj38 ", f"<address> {name} "))
    (tmp_path / "run").touch()
    line = refusal("launch", ours, config(), "--address", name, "--output", tmp_path / "run")
    assert line == f"{tmp_path / 'run'}: File exists"


def test_a_server_with_another_number_of_atoms_is_refused(refusal, config, tmp_path):
    name = unused_address()
    path = socket_file(name)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        server.settimeout(60)

        def ipi():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"POSDATA     " + bytes(144) + struct.pack("=i", 3) + bytes(72))
                connection.recv(12)

        thread = threading.Thread(target=ipi)
        thread.start()
        line = refusal("run", config(), "--address", name, "--output", tmp_path / "run")
        thread.join()
    path.unlink()
    assert line == "i-PI sent 3 atoms, the structure has 38"


def write_hills(path, n_hills=80):
    """Hills of a run that was never made, as PLUMED writes them."""
    rng = np.random.default_rng(19)
    path.parent.mkdir(exist_ok=True)
    lines = [
        "#! FIELDS time cv1 cv2 sigma_cv1 sigma_cv2 height biasf",
        "#! SET multivariate false",
        "#! SET kerneltype stretched-gaussian",
    ]
    for k in range(n_hills):
        cv1, cv2 = rng.normal([15, 5], [3, 2])
        lines.append(f" {0.075 * (k + 1)} {cv1} {cv2} 1 0.5 0.041 40")
    path.write_text("\n".join(lines) + "\n")
    return path


UNIT = ("--energy-unit", "kcal/mol")


@pytest.fixture
def hills(tmp_path, monkeypatch):
    """A HILLS file; the working directory is its own."""
    monkeypatch.chdir(tmp_path)
    return write_hills(tmp_path / "HILLS")


def test_fes_writes_a_table_and_a_picture(ipi_mtd, hills, tmp_path):
    status, out, err = ipi_mtd("fes", *UNIT, "--range", "cv1=0:30:30", "--range", "cv2=0:20:20")
    assert (status, err) == (0, "")
    assert out.endswith("kcal/mol: fes.dat and fes.png\n")
    assert hills.name == "HILLS"
    assert np.loadtxt(tmp_path / "fes.dat").shape == (31 * 21, 3)
    assert (tmp_path / "fes.png").read_bytes().startswith(b"\x89PNG")


def test_fes_takes_unit_and_temperature_from_the_configuration(ipi_mtd, hills, config, tmp_path):
    said = ipi_mtd("fes", hills, *UNIT, "--temperature", 19.3, "--picture", "a.pdf")
    (tmp_path / "fes.dat").rename(tmp_path / "said.dat")
    read = ipi_mtd("fes", hills, "--config", config(), "--picture", "a.pdf")
    assert read == said
    assert (tmp_path / "fes.dat").read_bytes() == (tmp_path / "said.dat").read_bytes()


def test_fes_projects_and_marks_structures(ipi_mtd, hills, config, tmp_path):
    marks = ["--mark", ROOT / "lj38/octahedron.xyz", "--mark", "icosahedron:cv1=3,cv2=2"]
    options = ["--config", config(), "--onto", "cv1", "--output", "one.dat", "--picture", "one.svg"]
    status, out, err = ipi_mtd("fes", hills, *options, *marks, "--range", "cv1=0:30:40")
    assert (status, err) == (0, "")
    assert "one.dat and one.svg" in out
    assert len(np.loadtxt(tmp_path / "one.dat")) == 41
    assert (tmp_path / "one.svg").read_text().count("icosahedron") >= 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "HILLS: does not say its energy unit; give --energy-unit"),
        (["--energy-unit", "smoot"], "--energy-unit: unknown unit 'smoot'"),
        (["--energy-unit", "kcal"], "--energy-unit: 'kcal' is a macroscopic energy; did you mean"),
        ([*UNIT, "--temperature", "0"], "--temperature must be above 0 K, got 0"),
        ([*UNIT, "--temperature", "nan"], "--temperature must be above 0 K, got nan"),
        ([*UNIT, "--range", "cv1"], "--range must be CV=MIN:MAX or CV=MIN:MAX:BINS, got 'cv1'"),
        ([*UNIT, "--range", "cv1=0:1:2:3"], "--range must be"),
        ([*UNIT, "--range", "cv1=0:x"], "--range must be"),
        ([*UNIT, "--range", "cv1=1:0"], "cv1: the lower bound of the grid must be below"),
        ([*UNIT, "--range", "cv1=0:inf"], "cv1: the bounds of the grid must be finite"),
        ([*UNIT, "--range", "cv1=0:1:0"], "cv1: the grid needs at least one bin, got 0"),
        ([*UNIT, "--range", "cv7=0:1"], "there is no CV 'cv7'; the CVs are cv1, cv2"),
        ([*UNIT, "--onto", "cv1"], "a projection of the free energy needs the temperature"),
        ([*UNIT, "--range", "cv1=0:1", "--range", "cv1=0:2"], "--range: there are two of cv1"),
        ([*UNIT, "--range", "cv1=0:1:1.5"], "--range must be"),
        ([*UNIT, "--range", "cv1=0:9:99999999"], "points is too large; ask for fewer bins"),
        ([*UNIT, "--mark", "here:cv1=nan,cv2=1"], "with finite numbers, got 'here:cv1=nan,cv2=1'"),
        ([*UNIT, "--mark", "here:cv1=1,cv2=-inf"], "with finite numbers, got"),
        ([*UNIT, "--mark", "here:cv1=1,cv1=2"], "--mark has a CV twice, got"),
        ([*UNIT, "--mark", "x:cv1=1,cv3=2"], "--mark x: there is no CV 'cv3'; the CVs are cv1, cv"),
        ([*UNIT, "--mark", "none.xyz"], "--mark must be a structure file or NAME:CV=VALUE"),
        ([*UNIT, "--mark", "here:cv1=x"], "--mark must be"),
        ([*UNIT, "--mark", "here:cv1=1"], "a mark needs a value of cv2"),
        ([*UNIT, "--picture", "fes.doc"], "--picture must end with .png, .pdf, .svg, got 'fes.d"),
        ([*UNIT, "--output", "no/fes.dat"], "no/fes.dat: No such file or directory"),
        ([*UNIT, "--picture", "no/fes.png"], "no/fes.png: No such file or directory"),
        ([*UNIT, "--temperature", "19.3", "--onto", "cv7"], "cannot project onto cv7"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("hills")
def test_a_wrong_option_of_fes_is_one_line(refusal, options, complaint):
    assert complaint in refusal("fes", *options)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "has no '#! FIELDS' line"),
        ("1 2 3\n", "has no '#! FIELDS' line"),
        ("#! FIELDS time cv1 sigma_cv1 height biasf\n", "there are no hills to sum"),
        ("#! FIELDS time cv1 sigma_cv1 height biasf\n 1 2 x 4 5\n 1 2 3 4 5\n", "got 'x'"),
    ],
)
def test_a_file_without_hills_is_one_line(refusal, tmp_path, content, complaint):
    (tmp_path / "HILLS").write_text(content)
    assert complaint in refusal("fes", tmp_path / "HILLS", *UNIT)


PERIODIC = (
    "#! FIELDS time phi sigma_phi height biasf\n#! SET multivariate false\n"
    "#! SET kerneltype {kernel}\n#! SET min_phi 0\n#! SET max_phi 2pi\n1 0.1 0.3 {height} -1\n"
)


@pytest.mark.parametrize("bounds", ["0:2pi", "0.0:2*pi", "0:6.283185"])
def test_the_range_of_a_periodic_cv_is_its_period_and_written_as_in_hills(
    ipi_mtd, tmp_path, monkeypatch, bounds
):
    monkeypatch.chdir(tmp_path)
    Path("HILLS").write_text(PERIODIC.format(kernel="gaussian", height=1))
    status, _, err = ipi_mtd("fes", *UNIT, "--range", f"phi={bounds}:99", "--mark", "here:phi=pi/2")
    assert (status, err) == (0, "")
    head = Path("fes.dat").read_text().splitlines()[1:4]
    assert head == ["#! SET min_phi 0", "#! SET max_phi 2pi", "#! SET nbins_phi 99"]


def test_a_static_bias_that_has_no_hills_is_said_to_be_one(refusal, tmp_path):
    (tmp_path / "HILLS").write_text(PERIODIC.format(kernel="gaussian", height=0))
    assert refusal("fes", tmp_path / "HILLS", *UNIT).endswith(
        "HILLS: all its hills have height 0, so there is nothing to sum"
    )


def test_hills_on_more_cvs_than_a_grid_can_have_are_named(refusal, tmp_path):
    (tmp_path / "HILLS").write_text(
        "#! FIELDS time a b c d sigma_a sigma_b sigma_c sigma_d height biasf\n"
        " 1 0 0 0 0 1 1 1 1 1 -1\n"
    )
    assert refusal("fes", tmp_path / "HILLS", *UNIT).endswith(
        "HILLS: a grid can have one to three CVs, got 4 (a, b, c, d); for fewer of them reweight "
        "COLVAR with its bias"
    )


def test_fes_finds_the_configuration_in_the_journal_beside_hills(
    ipi_mtd, config, tmp_path, monkeypatch
):
    path = config()
    (tmp_path / "run").mkdir()
    run = Run(read_config(path))
    run.open(tmp_path / "run", Start.RESUME).close()
    rows = "".join(f"{k} {20 + k} {1 + k} 1 0.5 0.04 40\n" for k in range(3))
    (tmp_path / "run/HILLS").write_text(
        "#! FIELDS time cv1 cv2 sigma_cv1 sigma_cv2 height biasf\n#! SET multivariate false\n"
        f"#! SET kerneltype stretched-gaussian\n{rows}"
    )
    monkeypatch.chdir(tmp_path)
    status, out, err = ipi_mtd("fes", "run/HILLS", "--mark", ROOT / "lj38/octahedron.xyz")
    assert (status, err) == (0, "")
    assert "kcal/mol" in out
    settings = make_settings(
        Path("run/HILLS"), **dict.fromkeys(OPTIONS), ranges=(), onto=(), marks=()
    )
    assert settings.labels["cv1"] == "atoms with 6 neighbors"
    assert settings.temperature == 19.3
    path.unlink()
    status, _, err = ipi_mtd("fes", "run/HILLS", "--mark", ROOT / "lj38/octahedron.xyz")
    assert (status, "needs --config" in err) == (2, True)


def test_a_mark_of_a_structure_needs_the_configuration(ipi_mtd, hills):
    shutil.copy(ROOT / "lj38/icosahedron.xyz", "here.xyz")
    assert len(ase.io.read("here.xyz")) == 38
    status, _, err = ipi_mtd("fes", hills, *UNIT, "--mark", "here.xyz")
    assert status == 2
    assert "needs --config" in err


@pytest.mark.parametrize("option", ["--energy-unit=nm", "--energy-unit= "])
def test_a_unit_of_something_else_is_one_line(refusal, hills, option):
    assert refusal("fes", hills, option).startswith("--energy-unit: ")


def hills_file(path, centers):
    """HILLS of an untempered run on one CV."""
    rows = "".join(f"{k} {s:.9g} 0.15 1 -1\n" for k, s in enumerate(centers))
    path.write_text(
        "#! FIELDS time s sigma_s height biasf\n#! SET multivariate false\n"
        f"#! SET kerneltype stretched-gaussian\n# ipi-mtd energy_unit kJ/mol\n{rows}"
    )
    return path


def test_fes_says_which_state_was_visited_only_once(ipi_mtd, tmp_path):
    rng = np.random.default_rng(2)
    there = [rng.normal(-1.0, 0.2, 60), rng.normal(1.0, 0.2, 40)]
    hills = hills_file(tmp_path / "HILLS", np.concatenate(there))
    table, picture = tmp_path / "fes.dat", tmp_path / "fes.png"
    options = ["--temperature", "300", "--output", table, "--picture", picture]
    status, out, err = ipi_mtd("fes", hills, *options)
    assert (status, err) == (0, "")
    _, lowest, other = out.splitlines()
    assert lowest.endswith(": the lowest state, one visit")
    assert other.endswith(", one visit: no error known")
    assert f"# {other}\n" in table.read_text()
    rows = np.loadtxt(table)
    assert np.isnan(rows[np.abs(rows[:, 0] - 1.0) < 0.2, 2]).all()
    assert np.isfinite(rows[np.abs(rows[:, 0] + 1.0) < 0.2, 2]).all()


def test_fes_says_that_a_mark_is_outside_of_the_picture(ipi_mtd, tmp_path, caplog):
    hills = hills_file(tmp_path / "HILLS", [0.0, 0.1])
    output = ["--output", tmp_path / "fes.dat", "--picture", tmp_path / "fes.png"]
    status, _, _ = ipi_mtd("fes", hills, *output, "--mark", "far:s=9", "--mark", "near:s=0.2")
    assert status == 0
    (record,) = caplog.records
    assert record.getMessage() == (
        "--mark far: s = 9 is outside of the picture (-0.53033 to 0.63033), see --range"
    )


@pytest.mark.parametrize("top", ["0", "-1", "nan", "inf"])
def test_the_top_of_the_scale_is_a_positive_number(refusal, tmp_path, top):
    hills = hills_file(tmp_path / "HILLS", [0.0, 0.1])
    assert refusal("fes", hills, "--max", top).startswith("--max must be above 0, got ")
