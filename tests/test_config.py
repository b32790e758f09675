"""The configuration: the examples load, and whatever is wrong is said in one line."""

import math
from pathlib import Path

import pytest

from ipi_mtd import units
from ipi_mtd.config import Config, read_config
from ipi_mtd.config.overrides import with_overrides
from ipi_mtd.config.sections import MetatomicSection
from ipi_mtd.errors import UserError
from ipi_mtd.files.fields import period_constants
from ipi_mtd.written_number import WrittenNumber

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / "inputs/lj38.toml").read_text()
EPSILON = 'epsilon = "0.24 kcal/mol"'
SIGMA = "sigma = [1.0, 0.5]"


@pytest.fixture
def read(tmp_path):
    """Reads the example with some words replaced."""

    def read(*replacements):
        text = EXAMPLE
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "run.toml").write_text(text)
        return read_config(tmp_path / "run.toml")

    return read


@pytest.mark.parametrize("path", sorted((ROOT / "inputs").glob("*.toml")), ids=lambda p: p.name)
def test_the_examples_load(path):
    config = read_config(path)
    assert [cv.name for cv in config.cv] == ["cv1", "cv2"]
    assert config.system.structure.is_file()


def test_quantities_are_in_hartree_bohr_ps_and_kelvin():
    config = read_config(ROOT / "inputs/lj38.toml")
    assert config.system.timestep == pytest.approx(2.5e-3)
    assert config.system.temperature == 19.3
    assert config.metad[0].height == pytest.approx(0.04 * 4.184 / 2625.49964)
    assert config.potential.sigma == pytest.approx(3.4 / 0.529177210903)
    assert units.factor(config.units.energy, "kJ/mol") == pytest.approx(4.184)


@pytest.mark.parametrize(
    ("written", "period"),
    [
        ('["-pi", "pi"]', ["-pi", "pi"]),
        ('[0, "2 * pi"]', ["0", "2*pi"]),
        ("[0.0, 360.0]", ["0.0", "360.0"]),
        ("[-180, 180]", ["-180", "180"]),
        ("[-3.141592653589793, 3.141592653589793]", ["-pi", "pi"]),
    ],
)
def test_a_period_is_written_to_the_files_as_in_the_configuration(read, written, period):
    cv = read(("component = 1", f"component = 1\nperiod = {written}")).cv[0]
    assert list(period_constants({"cv1": cv.period}).values()) == period
    assert cv.model_dump(mode="json")["period"] == [float(WrittenNumber(text)) for text in period]


def test_a_value_of_a_cv_may_be_written_as_in_plumed(read):
    wall = '[[wall]]\nname = "w"\nside = "upper"\ncv = "cv1"\nat = "2pi"\nkappa = "1 eV"\n'
    config = read((SIGMA, 'sigma = ["pi/10", 0.5]'), ("[units]", f"{wall}\n[units]"))
    assert config.metad[0].sigma == [math.pi / 10, 0.5]
    assert config.wall[0].at == [2 * math.pi]
    assert type(config.wall[0].at[0]) is float


@pytest.mark.parametrize("height", ["0", "0.0", '"0 kcal/mol"'])
def test_hills_may_have_no_height(read, height):
    assert read(('height = "0.04 kcal/mol"', f"height = {height}")).metad[0].height == 0.0


def test_paths_are_relative_to_the_file(read, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = read()
    assert config.system.structure == tmp_path / "../lj38/octahedron.xyz"
    assert config.models["histogram"].file == tmp_path / "../lj38/histo-cv.pt"


def test_absolute_paths_stay(read):
    config = read(('"../lj38/histo-cv.pt"', '"/models/cv.pt"'))
    assert config.models["histogram"].file == Path("/models/cv.pt")


def test_a_single_table_stands_for_a_list_of_one(read):
    one = read()
    listed = read(("[metad]", "[[metad]]"), ("[colvar]", "[[colvar]]"))
    assert one == listed


def test_what_is_not_said_has_its_default(read):
    config = read(("[colvar]", ""), ("stride = 10", "\n"), ("bias_factor = 40", ""))
    assert config.socket.mode == "unix"
    assert config.socket.prefix == "/tmp/ipi_"
    assert config.metad[0].bias_factor is None
    assert config.colvar[0].file == "COLVAR"
    assert config.threads == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        # keys
        ("pace = 30", "pase = 30", "there is no key `metad.pase`; did you mean `pace`?"),
        ("[metad]", "[metd]", "there is no key `metd`; did you mean `metad`?"),
        ("[models.", "[model.", "there is no key `model`; did you mean `models`?"),
        ("bins = [", "bin = [", "there is no key `metad.grid.bin`; did you mean `bins`?"),
        ("pace = 30", "pace = 30\nzeal = 1", "there is no key `metad.zeal`"),
        ("[units]", "[plot]\n[units]", "there is no key `plot`"),
        ('kind = "lennard-jones"', 'kind = "none"', "there is no key `potential.epsilon`"),
        ('timestep = "2.5 fs"', "", "`system.timestep` is missing"),
        ('address = "lj38"', "", "`socket.address` is missing"),
        ("pace = 30", "", "`metad.pace` is missing"),
        ('file = "../lj38/histo-cv.pt"', "", "`models.histogram.file` is missing"),
        ('kind = "lennard-jones"', "", "`potential.kind` is missing"),
        # units
        (
            EPSILON,
            'epsilon = "0.24 kcal"',
            "`potential.epsilon`: must be an energy such as '0.04 kcal/mol': 'kcal' is a "
            "macroscopic energy; did you mean 'kcal/mol'?, got '0.24 kcal'",
        ),
        (
            EPSILON,
            "epsilon = 0.24",
            "`potential.epsilon`: must be an energy such as '0.04 kcal/mol', with its unit, "
            "got 0.24",
        ),
        (EPSILON, 'epsilon = "0.24"', "`potential.epsilon`: must be an energy such as"),
        (EPSILON, 'epsilon = "kcal/mol"', "`potential.epsilon`: must be an energy such as"),
        (EPSILON, 'epsilon = "0.24 angstrom"', "`potential.epsilon`: must be an energy such as"),
        (EPSILON, 'epsilon = "nan eV"', "`potential.epsilon`: must be an energy such as"),
        (EPSILON, "epsilon = true", "`potential.epsilon`: must be an energy such as"),
        (EPSILON, 'epsilon = "1e999 eV"', "`potential.epsilon` must be a finite number, got"),
        (
            EPSILON,
            'epsilon = "0.24 smoots"',
            "`potential.epsilon`: must be an energy such as '0.04 kcal/mol': unknown unit "
            "'smoots', got '0.24 smoots'",
        ),
        ('"2.5 fs"', '"2.5 K"', "`system.timestep`: must be a time such as '2.5 fs'"),
        ('"2.5 fs"', '"0 fs"', "`system.timestep` must be greater than 0, got '0 fs'"),
        ('"19.3 K"', '"19.3 C"', "`system.temperature`: must be a temperature such as '19.3 K'"),
        ('"3.4 angstrom"', '"-3.4 angstrom"', "`potential.sigma` must be greater than 0"),
        ('energy = "kcal/mol"  ', 'energy = "kJ"  ', "`units.energy`: 'kJ' is a macroscopic"),
        ("[units]", '[units]\ntime = "eV"', "`units.time`: dimension mismatch"),
        # numbers and how many of them
        (SIGMA, "sigma = [1]", "`metad.sigma` needs one value for each of the 2 CVs (cv1, cv2), "),
        (SIGMA, "sigma = [1, 2, 3]", "`metad.sigma` needs one value for each of the 2 CVs"),
        (SIGMA, "sigma = [1, 0]", "`metad.sigma[2]` must be greater than 0, got 0"),
        (SIGMA, "sigma = [1, inf]", "`metad.sigma[2]` must be a finite number, got inf"),
        (SIGMA, 'sigma = [1, "x"]', "`metad.sigma[2]` must be a valid number"),
        (SIGMA, "sigma = 1", "`metad.sigma` must be a valid list, got 1"),
        ("pace = 30", "pace = 0", "`metad.pace` must be greater than 0, got 0"),
        ("bias_factor = 40", "bias_factor = 0.5", "`metad.bias_factor` must be greater than or"),
        ("component = 2", "component = 1.5", "`cv[2].component` must be a valid integer"),
        ("[300, 200]", "[300]", "`metad.grid.bins` needs one value for each of the 2 CVs"),
        ("[300, 200]", "[300, 0]", "`metad.grid.bins[2]` must be greater than 0, got 0"),
        ("[30, 20]", "[30, 0]", "`metad.grid.max` must be larger than `min`, got 0 and 0"),
        (", max = [30, 20]", "", "`metad.grid` needs `min`, `max` and `bins` together"),
        ("200] }", "200], spacing = [1, 1] }", "`metad.grid.bins` and `spacing` exclude"),
        ("grid = {", "grid = true # {", "`metad.grid` must be a table, got True"),
        ("stride = 10", 'format = "%d"', "`colvar.format` must match pattern"),
        # names
        ('"cv2"', '"cv1"', "`cv`: two are called 'cv1'"),
        ('"cv2"', '"cv 2"', "`cv[2].name` must match pattern"),
        ('"cv2"', '"bias"', "`cv.name` must not be 'bias', which is taken"),
        ('"cv2"', '"raw"', "`cv.name` must not be 'raw', which is taken"),
        ("pace = 30", 'pace = 30\nfile = "COLVAR"', "`file`: two are called 'COLVAR'"),
        ("pace = 30", 'pace = 30\nfile = "ipi-mtd.journal"', "`file`: two are called 'ipi-mtd.j"),
        ("pace = 30", 'pace = 30\nfile = "../HILLS"', "`metad.file` must match pattern"),
        ("pace = 30", 'pace = 30\nfile = ".."', "`metad.file` must match pattern"),
        ("pace = 30", 'pace = 30\ncvs = ["cv3"]', "`metad.cvs`: there is no 'cv3'; did you mean"),
        (
            "component = 2",
            'model = "histogramm"',
            "`cv.model`: there is no 'histogramm'; did you mean 'histogram'?",
        ),
        (
            "[models.histogram]",
            '[models.other]\nfile = "other.pt"\n[models.histogram]',
            "`cv.model` of 'cv1' must name one of the models",
        ),
        # what belongs together
        ('temperature = "19.3 K"', "", "`metad.bias_factor`"),
        ("component = 2", 'reduce = "max"', "`cv.reduce` of kind 'max' needs `beta`"),
        ("component = 2", 'reduce = "summ"', "`cv[2].reduce` must be 'sum', 'mean', 'max', "),
        ("component = 2", "period = [1, 0]", "`cv.period` needs a lower and a larger upper bound"),
        ("component = 2", 'atom = 1\nreduce = "sum"', "`cv.atom` and `reduce` exclude each other"),
        ('address = "lj38"', 'address = "h"\nmode = "inet"', "`socket.port` is missing: an inet"),
        ('address = "lj38"', 'address = "h"\nmode = "tcp"', "`socket.mode` must be 'unix' or"),
        ('address = "lj38"', 'address = "h"\nport = 70000', "`socket.port` must be less than"),
        ('address = "lj38"', 'address = "h"\npatience = -1', "`socket.patience` must be greater"),
        ('address = "lj38"', 'address = "a b"', "`socket.address` must match pattern"),
        ('"lennard-jones"', '"lennard"', "`potential.kind` must be one of 'lennard-jones', 'met"),
        ('"../lj38/histo-cv.pt"', "3", "`models.histogram.file`: must be a path, got 3"),
        ('"../lj38/histo-cv.pt"', '""', "`models.histogram.file`: must be a path, got ''"),
        # the file
        ("[units]", "[units", "is not TOML: Expected ']'"),
        ("pace = 30", "pace = 30\npace = 30", "is not TOML: Cannot overwrite a value"),
    ],
)
def test_one_line_names_the_file_the_key_the_rule_and_the_value(
    read, tmp_path, old, new, complaint
):
    with pytest.raises(UserError) as raised:
        read((old, new))
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'run.toml'}: {complaint}")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("wall", "complaint"),
    [
        ('name = "w"\nside = "over"\ncv = "cv1"', r"`wall\[1\].side` must be 'upper' or 'lower'"),
        ('name = "w"\nside = "upper"\ncv = "cv7"', "`wall.cv`: there is no 'cv7'"),
        ('name = "metad"\nside = "upper"\ncv = "cv1"', "`metad or wall`: two are called 'metad'"),
    ],
)
def test_walls_are_checked_too(read, wall, complaint):
    with pytest.raises(UserError, match=complaint):
        read(("[metad]", f'[[wall]]\n{wall}\nat = 1\nkappa = "1 eV"\n[metad]'))


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(UserError, match="is not TOML"):
        read_config(tmp_path / "model.pt")


def override(config: Config, **options) -> Config:
    return with_overrides(config, options)


def test_the_only_model_is_replaced_together_with_its_extensions(read):
    config = read(('histo-cv.pt"', 'histo-cv.pt"\nextensions = "extensions"'))
    other = override(config, models=["my-cv.pt"]).models["histogram"]
    assert (other.file, other.extensions) == (Path("my-cv.pt"), None)
    extended = override(config, models=["my-cv.pt"], extensions=Path("ext"))
    assert extended.models["histogram"].extensions == Path("ext")


def test_a_model_is_replaced_by_its_name(read):
    second = ("[models.histogram]", '[models.other]\nfile = "other.pt"\n[models.histogram]')
    first_cv, second_cv = ("component = 1", 'model = "other"'), ("component = 2", 'model = "other"')
    config = read(second, first_cv, second_cv)
    changed = override(config, models=["other=my-cv.pt"])
    assert changed.models["other"].file == Path("my-cv.pt")
    assert changed.models["histogram"] == config.models["histogram"]
    with pytest.raises(UserError, match=r"has several models \(other, histogram\); say --model"):
        override(config, models=["my-cv.pt"])
    with pytest.raises(UserError, match="has no model 'soap', only other, histogram"):
        override(config, models=["soap=my-cv.pt"])


def test_device_address_and_port_are_replaced(read):
    config = override(read(), device="cuda:1", address="node7", port=31415)
    assert config.models["histogram"].device == "cuda:1"
    assert (config.socket.address, config.socket.port, config.socket.mode) == (
        *("node7", 31415),
        "inet",
    )


def test_the_device_is_that_of_a_metatomic_potential_too(read):
    config = read()
    potential = MetatomicSection(kind="metatomic", file=Path("pet.pt"), extensions=Path("ext"))
    moved = override(config.model_copy(update={"potential": potential}), device="cuda:1").potential
    assert moved == potential.model_copy(update={"device": "cuda:1"})
    assert override(config, device="cuda:1").potential == config.potential


def test_nothing_said_changes_nothing(read):
    assert override(read()) == read()
