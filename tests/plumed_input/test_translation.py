"""What the actions become in the configuration, and how a mistake is answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

from ipi_mtd import units
from ipi_mtd.errors import UserError
from ipi_mtd.plumed_input import GRAMMAR, Action, actions, translate
from ipi_mtd.plumed_input.definition import Definition, Given
from ipi_mtd.plumed_input.draft import Draft
from ipi_mtd.plumed_input.keywords import Keyword, energy, one, required

Write = Callable[[str], Path]

MODEL = "x: METATOMIC MODEL=x.pt SPECIES=1-3\n"
CV = f"{MODEL}a: SELECT_COMPONENTS ARG=x COMPONENTS=1\nb: SELECT_COMPONENTS ARG=x COMPONENTS=2\n"
METAD = "m: METAD ARG=a,b SIGMA=1,2 HEIGHT=1 PACE=5"


def content(write: Write, text: str) -> dict[str, Any]:
    return translate(write(text)).content


@pytest.mark.parametrize(
    ("unit", "length", "time"),
    [("LENGTH=0.1", "0.1*nm", "ps"), ("LENGTH=1/2 TIME=1e-3", "0.5*nm", "0.001*ps")],
)
def test_units_may_be_numbers_of_nm_and_ps(write: Write, unit: str, length: str, time: str) -> None:
    translated = content(write, f"UNITS {unit}\n{CV}")
    assert translated["models"]["x"]["length_unit"] == length
    assert translated["units"]["time"] == time
    assert units.factor("0.1*nm", "angstrom") == pytest.approx(1.0)


def test_a_grid_of_a_periodic_cv_is_exactly_its_period(write: Write) -> None:
    translated = content(
        write,
        f"{CV}phi: SUM ARG=x PERIODIC=-pi,pi\n"
        "METAD ARG=phi SIGMA=1 HEIGHT=1 PACE=1 GRID_MIN=-3.1415927 GRID_MAX=1*pi GRID_BIN=9",
    )
    assert translated["metad"][0]["grid"]["min"] == [-math.pi]
    assert translated["metad"][0]["grid"]["max"] == [math.pi]


def test_the_tutorial_becomes_the_configuration_it_describes(write: Write, tutorial: str) -> None:
    path = write(tutorial)
    translated = translate(path).content
    assert translated["models"]["histo"] == {
        "file": str(path.parent / "histo-cv.pt"),
        "extensions": str(path.parent / "extensions"),
        "atoms": list(range(1, 39)),
        "atom_types": [18] * 38,
        "length_unit": "angstrom",
        "check_consistency": False,
    }
    assert translated["cv"] == [
        {"name": "cv1", "model": "histo", "elements": ["1"]},
        {"name": "cv2", "model": "histo", "elements": ["2"]},
    ]
    assert translated["metad"] == [
        {
            "name": "mtd",
            "cvs": ["cv1", "cv2"],
            "sigma": [1.0, 0.5],
            "height": "0.04 kcal/mol",
            "pace": 30,
            "bias_factor": 40.0,
            "temperature": "19.3 K",
            "file": "HILLS",
            "rct": False,
            "grid": {"min": [0, 0], "max": [30, 20], "bins": [300, 200], "tiny": "1e-07 kcal/mol"},
        }
    ]
    assert translated["colvar"] == [
        {
            "file": "COLVAR",
            "stride": 10,
            "columns": ["cv1", "cv2", "mtd.bias", "histo.*", "soap.*"],
            "format": "%f",
            "time_format": "%f",
        }
    ]
    assert translated["units"] == {"energy": "kcal/mol", "time": "ps"}
    assert translated["restart"] is False


def test_units_are_plumeds_own_when_the_input_is_silent(write: Write) -> None:
    translated = content(write, CV)
    assert translated["units"] == {"energy": "kJ/mol", "time": "ps"}
    assert translated["models"]["x"]["length_unit"] == "nm"


def test_types_are_the_numbers_of_the_species_unless_the_input_says_them(write: Write) -> None:
    species = "x: METATOMIC MODEL=x.pt SPECIES1=5,1-3:2 SPECIES2=7\na: HIGHEST ARG=x\n"
    (model,) = content(write, species)["models"].values()
    assert model["atoms"] == [1, 3, 5, 7]
    assert model["atom_types"] == [1, 1, 1, 2]
    named = species.replace("\na:", " SPECIES_TO_TYPES=22,8\na:")
    (model,) = content(write, named)["models"].values()
    assert model["atom_types"] == [22, 22, 22, 8]


def test_selected_atoms_keep_their_order(write: Write) -> None:
    text = CV.replace("SPECIES=1-3", "SPECIES=1-9 SELECTED_ATOMS=2,3,1 DEVICE=cuda VARIANT=v")
    (model,) = content(write, text)["models"].values()
    assert model["selected_atoms"] == [2, 3, 1]
    assert (model["device"], model["variant"]) == ("cuda", "v")


def test_only_what_is_biased_is_evaluated_at_every_step(write: Write) -> None:
    translated = content(write, f"{CV}m: METAD ARG=b SIGMA=1 HEIGHT=1 PACE=5\n")
    assert [cv["name"] for cv in translated["cv"]] == ["b"]
    assert [quantity["name"] for quantity in translated["quantity"]] == ["a"]


def test_without_a_bias_all_scalars_are_cvs(write: Write) -> None:
    translated = content(write, f"{CV}PRINT ARG=a,b FILE=COLVAR\n")
    assert [cv["name"] for cv in translated["cv"]] == ["a", "b"]


def test_a_model_with_one_output_is_a_cv_by_its_label(write: Write) -> None:
    translated = content(write, f"{MODEL}m: METAD ARG=x SIGMA=1 HEIGHT=1 PACE=5\n")
    assert translated["cv"] == [{"name": "x", "model": "x"}]


def test_metads_have_temperatures_of_their_own(write: Write) -> None:
    other = "n: METAD ARG=b SIGMA=2 HEIGHT=1 PACE=5 FILE=OTHER TEMP=20 BIASFACTOR=3"
    first, second = content(write, f"{CV}{METAD} TEMP=10\n{other}\n")["metad"]
    assert (first["temperature"], second["temperature"]) == ("10.0 K", "20.0 K")


@pytest.mark.parametrize(
    ("text", "restart"),
    [
        (f"{CV}{METAD}\n", False),
        (f"RESTART\n{CV}{METAD}\n", True),
        (f"RESTART NO\n{CV}{METAD}\n", False),
        (f"{CV}{METAD} RESTART=YES\nPRINT ARG=a FILE=COLVAR\n", True),
        (f"{CV}{METAD} RESTART=AUTO\n", False),
        (f"RESTART\n{CV}{METAD} RESTART=YES\nPRINT ARG=a FILE=C RESTART=YES\n", True),
    ],
)
def test_restart_is_said_once_for_all_files(write: Write, text: str, restart: bool) -> None:
    assert content(write, text)["restart"] is restart


ERRORS = {
    f"{CV}m: METADD ARG=a": "line 4: METADD: is not supported, did you mean METAD?; supported are",
    f"{CV}d: DISTANCE ATOMS=1,2": "line 4: DISTANCE: is not supported; supported are UNITS,",
    f"{CV}{METAD} PACEE=3": "line 4: METAD: `PACEE` is not supported, did you mean PACE?; METAD",
    f"{CV}{METAD} ADAPTIVE=GEOM": "line 4: METAD: `ADAPTIVE` is not supported; METAD has ARG,",
    f"{CV}{METAD} FMT=%f": "line 4: METAD: `FMT` is not supported: HILLS keeps all digits",
    f"{CV}{METAD} WALKERS_N=2": "line 4: METAD: `WALKERS_N` is not supported",
    f"{CV}{METAD} GRID_SPARSE": "line 4: METAD: `GRID_SPARSE` is not supported",
    f"{CV}{METAD} RESTART": "line 4: METAD: `RESTART` needs a value",
    f"{CV}m: METAD ARG=a SIGMA = 1": "line 4: `=`: a `=` stands between",
    f"{CV}m: METAD ARG=a HEIGHT=1 PACE=1": "line 4: METAD: `SIGMA` is missing",
    f"{CV}m: METAD ...\nARG=a,b\nSIGMA=1\nHEIGHT=1 PACE=1\n...": (
        "line 6: METAD: `SIGMA` needs one value for each of the 2 CVs, got 1"
    ),
    f"{CV}{METAD}".replace("PACE=5", "PACE=0"): "line 4: METAD: `PACE` must be a whole number",
    f"{CV}{METAD}".replace("=1,2", "=1,x"): (
        "line 4: METAD: `SIGMA` must be a positive number, got 'x'"
    ),
    f"{CV}{METAD} CALC_RCT": "line 4: METAD: `CALC_RCT` needs a grid",
    f"{CV}phi: SUM ARG=x PERIODIC=0,2pi\nMETAD ARG=phi SIGMA=1 HEIGHT=1 PACE=5 GRID_MIN=-pi "
    "GRID_MAX=pi": "line 5: METAD: `GRID_MIN` and GRID_MAX of `phi` must be its period, 0 and 2pi",
    f"{CV}phi: SUM ARG=x PERIODIC=pi,-pi": "line 4: SUM: `PERIODIC` needs a lower and a larger "
    "upper bound, got pi, -pi",
    f"{CV}phi: SUM ARG=x PERIODIC=0,2(pi)": "line 4: SUM: `PERIODIC` must be a number such as 0.5, "
    "2pi or -pi/2, got '2(pi)'",
    f"{CV}{METAD} GRID_BIN=3,3": "line 4: METAD: `GRID_BIN` needs `GRID_MIN`",
    f"{CV}{METAD} GRID_MIN=0,0 GRID_MAX=1,0": "line 4: METAD: `GRID_MAX` must be above GRID_MIN",
    f"{CV}{METAD} BIASFACTOR=0.5": "line 4: METAD: `BIASFACTOR` must be at least 1, got '0.5'",
    f"{CV}{METAD} FILE=../HILLS": "line 4: METAD: `FILE` must be a name",
    f"{CV}{METAD}\nn{METAD}": "line 5: METAD: the file HILLS is written by METAD on line 4",
    f"{CV}{METAD}\nPRINT ARG=a FILE=HILLS": "line 5: PRINT: the file HILLS is written by METAD",
    f"{CV}m: METAD ARG=c SIGMA=1 HEIGHT=1 PACE=1": (
        "line 4: METAD: `ARG` there is nothing called `c` above this line"
    ),
    f"{CV}m: METAD ARG=x.1 SIGMA=1 HEIGHT=1 PACE=1": (
        "line 4: METAD: `ARG` `x.1`: an element of a vector has no name in PLUMED; "
        "use SELECT_COMPONENTS"
    ),
    f"{CV}m: METAD ARG=a,a SIGMA=1,1 HEIGHT=1 PACE=1": "line 4: METAD: `ARG` names `a` twice",
    f"{CV}c: SELECT_COMPONENTS ARG=x COMPONENTS=1,2\nm: METAD ARG=c SIGMA=1 HEIGHT=1 PACE=1": (
        "line 5: METAD: `ARG` `c` is a vector, a bias acts on scalars"
    ),
    f"{CV}a: SUM ARG=x PERIODIC=NO": "line 4: SUM: the label `a` is that of line 2",
    f"{CV}c: SUM ARG=a PERIODIC=NO": "line 4: SUM: `ARG` `a` is a scalar, SUM takes a vector",
    f"{CV}c: SUM ARG=x": "line 4: SUM: `PERIODIC` is missing",
    f"{CV}c: SUM ARG=x PERIODIC=2,1": "line 4: SUM: `PERIODIC` needs a lower and a larger upper",
    f"{CV}SUM ARG=x PERIODIC=NO": "line 4: SUM: needs a label",
    f"{CV}c: BETWEEN ARG=x LOWER=2 UPPER=1": "line 4: BETWEEN: LOWER must be below UPPER",
    f"{CV}c: BETWEEN ARG=x SWITCH={{TRIANGULAR LOWER=0 UPPER=1}}": (
        "line 4: BETWEEN: `SWITCH` must be {GAUSSIAN"
    ),
    f"{CV}c: SELECT_COMPONENTS ARG=x COMPONENTS=1,1": "line 4: SELECT_COMPONENTS: `COMPONENTS` has",
    f"{CV}c: SELECT_COMPONENTS ARG=x COMPONENTS=0": (
        "line 4: SELECT_COMPONENTS: `COMPONENTS` must be elements counted from 1"
    ),
    f"{CV}PRINT ARG=a": "line 4: PRINT: `FILE` is missing",
    f"{CV}PRINT ARG=a,a.* FILE=C": "line 4: PRINT: `ARG` prints `a` twice",
    f"{CV}{METAD}\nPRINT ARG=m FILE=C": (
        "line 5: PRINT: `ARG` `m` is no component of `m`; there are m.bias"
    ),
    f"{CV}PRINT ARG=* FILE=C": "line 4: PRINT: `ARG` '*': patterns are not supported",
    f"{CV}PRINT ARG=(a.*) FILE=C": "line 4: PRINT: `ARG` '(a.*)': patterns are not supported",
    f"{CV}PRINT ARG=a FILE=C FMT=%d": "line 4: PRINT: `FMT` must be a format of C for one number",
    f"{CV}PRINT ARG=a FILE=C STRIDE=0": "line 4: PRINT: `STRIDE` must be a whole number above 0",
    f"{CV}FLUSH": "line 4: FLUSH: `STRIDE` is missing",
    f"{CV}UNITS LENGTH=A": "line 4: UNITS: must come before METATOMIC on line 1",
    "UNITS ENERGY=1e300": "line 1: UNITS: `ENERGY` must be one of kj/mol, kcal/mol, j/mol, eV, Ha, "
    "or a number of kJ/mol, got '1e300'",
    f"{CV}{METAD} FILE=HILLS.": "line 4: METAD: `FILE` must be a name made of letters, digits and",
    f"{CV}{METAD} GRID_MIN=0,0 GRID_MAX=1,1e-320": "line 4: METAD: `GRID_MAX` makes bins of `b` th",
    "UNITS LENGTH=a": "line 1: UNITS: `LENGTH` must be one of nm, A, um, Bohr, or a number of nm,",
    "UNITS ENERGY=-1": "line 1: UNITS: `ENERGY` must be one of kj/mol, kcal/mol,",
    "UNITS NATURAL": "line 1: UNITS: `NATURAL` is not supported: i-PI has units",
    f"{CV}w: UPPER_WALLS ARG=a,b AT=1 KAPPA=1,1": "line 4: UPPER_WALLS: `AT` needs one value for",
    f"{CV}w: UPPER_WALLS ARG=a AT=1 KAPPA=1 STRIDE=2": (
        "line 4: UPPER_WALLS: `STRIDE` is not supported"
    ),
    f"{CV}{METAD} RESTART=YES\nPRINT ARG=a FILE=C RESTART=NO": (
        "line 5: PRINT: cannot go on with its file"
    ),
    "x: METATOMIC MODEL=x.pt": "line 1: METATOMIC: `SPECIES` or `SPECIES1` is missing",
    "x: METATOMIC MODEL=x.pt SPECIES=@mdatoms": "line 1: METATOMIC: `SPECIES` must be atoms",
    "x: METATOMIC MODEL=x.pt SPECIES1=1 SPECIES3=2": "line 1: METATOMIC: `SPECIES3` does not fit",
    "x: METATOMIC MODEL=x.pt SPECIES1=1-3 SPECIES2=3": (
        "line 1: METATOMIC: `SPECIES2` has atom 3, which is there already"
    ),
    "x: METATOMIC MODEL=x.pt SPECIES1=1 SPECIES2=2 SPECIES_TO_TYPES=6": (
        "line 1: METATOMIC: `SPECIES_TO_TYPES` needs one type for each of the 2 SPECIES, got 1"
    ),
    "x: METATOMIC MODEL=x.pt SPECIES=1-3 SELECTED_ATOMS=4": (
        "line 1: METATOMIC: `SELECTED_ATOMS` has atom 4, which is in no SPECIES"
    ),
    MODEL: "there is no scalar",
    "FLUSH STRIDE=1": "there is no METATOMIC",
    "": "there is no METATOMIC",
}


@pytest.mark.parametrize(("text", "message"), ERRORS.items(), ids=ERRORS.values())
def test_a_mistake_is_an_error_that_names_line_and_word(
    write: Write, text: str, message: str
) -> None:
    path = write(text)
    with pytest.raises(UserError) as error:
        translate(path)
    separator = ", " if message.startswith("line") else ": "
    assert str(error.value).startswith(f"{path}{separator}{message}")
    assert "\n" not in str(error.value)


def test_more_types_than_species_is_a_warning_as_in_plumed(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    content(write, CV.replace("SPECIES=1-3", "SPECIES=1-3 SPECIES_TO_TYPES=6,8"))
    assert "more types than there are SPECIES" in caplog.text


def test_every_definition_is_supported() -> None:
    files = [import_module(f"{actions.__name__}.{m.name}") for m in iter_modules(actions.__path__)]
    found = [value for file in files for value in vars(file).values()]
    defined = [each for value in found for each in (value if type(value) is list else [value])]
    names = {each.name for each in defined if isinstance(each, Definition)}
    assert names == GRAMMAR.keys()


def _translate_linear(draft: Draft, action: Action, given: Given) -> None:
    draft.add(action, {"name": action.called, "slope": given["SLOPE"]})
    draft.files.take(action, given["FILE"], restart=True)
    draft.needs_temperature(action, "SLOPE")
    draft.components[action.called] = {"bias": f"{action.called}.bias"}


def test_a_new_bias_is_one_definition(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    keywords = {
        "ARG": required(Draft.bias_on),
        "SLOPE": required(energy),
        "FILE": Keyword(one(str), default="SLOPES"),
    }
    new = Definition("LINEAR", keywords, _translate_linear, table="linear")
    monkeypatch.setitem(GRAMMAR, "LINEAR", new)
    translated = translate(write(f"{CV}l: LINEAR ARG=a SLOPE=2\nPRINT ARG=l.bias FILE=COLVAR\n"))
    assert translated.content["linear"] == [{"name": "l", "slope": "2.0 kJ/mol"}]
    assert translated.content["restart"] is True
    assert [cv["name"] for cv in translated.content["cv"]] == ["a"]
    assert translated.places["linear", 0].endswith("line 4: LINEAR")
    with pytest.raises(UserError, match="line 4: LINEAR: `SLOPE` needs the temperature"):
        translated.require_temperature()
