"""What is wrong in a plumed.dat is said in PLUMED's words, with the file and the line."""

import re

import pytest

from ipi_mtd.assembly.run import Run
from ipi_mtd.config import read_input
from ipi_mtd.errors import UserError
from tests.harness.inputs import ROOT

ONE = "METAD ARG=c1 SIGMA=1 HEIGHT=1 PACE=5"
FOUR = "".join(f"d{k}: SELECT_COMPONENTS ARG=cv COMPONENTS={k % 2 + 1}\n" for k in range(4))

MISTAKES = {
    f"{ONE} BIASFACTOR=5": "line 3: METAD: `BIASFACTOR` needs the temperature: give TEMP",
    f"{ONE} CALC_RCT GRID_MIN=0 GRID_MAX=9": "line 3: METAD: `CALC_RCT` needs the temperature",
    f"{ONE} FILE=ipi-mtd.journal": "line 3: METAD: the file ipi-mtd.journal is the driver's own",
    "METAD ARG=cv SIGMA=1 HEIGHT=1 PACE=5": "line 1: METATOMIC: 'cv' of the model 'cv': "
    "this is 2 numbers of a vector of 2 elements, one for each property; make a scalar of it with "
    "SELECT_COMPONENTS",
    "c9: SELECT_COMPONENTS ARG=cv COMPONENTS=9\nMETAD ARG=c9 SIGMA=1 HEIGHT=1 PACE=5": "line 3: "
    "SELECT_COMPONENTS: 'c9' of the model 'cv': there is no element 9 in a vector of 2 elements",
    "raw: SUM ARG=cv PERIODIC=NO": "line 3: SUM: the label `raw` is taken by i-PI's extras",
    f"{FOUR}METAD ARG=d0,d1,d2,d3 SIGMA=1,1,1,1 HEIGHT=1 PACE=5 GRID_MIN=0,0,0,0 "
    "GRID_MAX=1,1,1,1": "line 7: METAD: `GRID_MIN` a grid is for one to three CVs, got 4: leave it",
    f"{ONE} BIASFACTOR=0.5 TEMP=300": "line 3: METAD: `BIASFACTOR` must be at least 1, got '0.5'",
    "METAD ARG=c1 SIGMA=-1 HEIGHT=1 PACE=5": "line 3: METAD: `SIGMA` must be a positive number",
    "METAD ARG=c1 SIGMA=1,2 HEIGHT=1 PACE=5": "line 3: METAD: `SIGMA` needs one value for each",
    f"{ONE}\nw: UPPER_WALLS ARG=c1 AT=1 KAPPA=1 EXP=-2": "line 4: UPPER_WALLS: `EXP` must be",
}

OF_TOML = re.compile(
    r"`(?:system|socket|potential|models|cv|quantity|metad|wall|colvar|units|component|atom|reduce|"
    r"elements|sigma|bias_factor)\b(?!\.\d)"
)


@pytest.fixture
def refusal(tmp_path, exported):
    """What is said of a plumed.dat that ends with some lines."""

    def said(lines, species="1-38", **options):
        path = tmp_path / "plumed.dat"
        path.write_text(
            f"cv: METATOMIC MODEL={exported / 'histo-cv.pt'} SPECIES1={species} "
            f"SPECIES_TO_TYPES=18\nc1: SELECT_COMPONENTS ARG=cv COMPONENTS=1\n{lines}\n"
        )
        told = {"timestep": "1 fs", "address": "nobody", **options}
        with pytest.raises(UserError) as caught:
            Run(read_input(path, structure=ROOT / "lj38/octahedron.xyz", **told))
        return str(caught.value).removeprefix(f"{path}, ")

    return said


@pytest.mark.parametrize(("lines", "message"), MISTAKES.items())
def test_a_mistake_is_said_with_its_line_and_keyword_and_no_word_of_toml(refusal, lines, message):
    found = refusal(lines)
    assert found.startswith(message)
    assert not OF_TOML.search(found)


def test_atoms_that_are_not_there_are_those_of_species(refusal):
    assert refusal(ONE, species="1-40") == (
        "line 1: METATOMIC: `SPECIES` must name different atoms from 1 to 38, got 40 with the last "
        "40"
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"timestep": "2.5"},
            "--timestep must be a time such as '2.5 fs', with its unit, got '2.5'",
        ),
        ({"timestep": "-1 fs"}, "--timestep must be above 0, got '-1 fs'"),
        ({"address": "a b"}, "--address must be a name without blanks, got 'a b'"),
    ],
)
def test_what_is_said_beside_it_is_an_option(refusal, option, message):
    assert refusal(ONE, **option) == message
