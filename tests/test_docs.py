"""The pages of reference say what the package says."""

import re
from typing import get_type_hints

import pytest

from docs.configuration import configuration
from docs.kinds import in_words
from docs.pages import PAGES
from ipi_mtd.config.biases import WallSection
from ipi_mtd.config.schema import RunConfig
from ipi_mtd.config.sections import CVSection, ModelSection

PATHS = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


@PATHS
def test_every_page_is_current(path):
    assert path.read_text() == PAGES[path](), "run `make docs`"


@PATHS
def test_every_file_that_a_page_links_to_exists(path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        (RunConfig, "threads", "whole number above 0"),
        (ModelSection, "types", "table of whole numbers"),
        (ModelSection, "length_unit", "unit of length"),
        (CVSection, "period", "list of 2 numbers"),
        (WallSection, "side", '`"upper"` or `"lower"`'),
        (
            WallSection,
            "kappa",
            'energy such as `"0.04 kcal/mol"`, from 0 up, or a list of these',
        ),
    ],
)
def test_a_kind_of_value_is_said_in_words(section, key, words):
    assert in_words(get_type_hints(section, include_extras=True)[key]) == words


def test_a_key_that_does_not_say_what_it_is_is_an_error(monkeypatch):
    monkeypatch.setattr(CVSection.model_fields["label"], "description", None)
    with pytest.raises(ValueError, match=r"CVSection\.label needs a docstring"):
        configuration()
