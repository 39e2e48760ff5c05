"""The page of measures explains all of them, with the numbers of its own pictures."""

import importlib
import re

import pytest
from PIL import Image

from layerwise.study import MEASURES

PARTS = ("Says", "Formula", "Range", "Blind to", "Samples", "Source")
"""What is said of every measure."""

PICTURE = re.compile(r"(!?)\[([^\]]+)\]\(pictures/measures-([\w-]+)\.png\)")

DECIMAL = re.compile(r"-?\d+\.(\d+)")


@pytest.fixture(scope="module")
def make_measures(repository):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "docs")
        yield importlib.import_module("make_measures")


@pytest.fixture(scope="module")
def pictures(make_measures):
    return make_measures.pictures()


@pytest.fixture(scope="module")
def page(make_measures):
    return make_measures.PAGE.read_text("utf-8")


@pytest.fixture(scope="module")
def sections(page):
    """What stands under every heading of the third level."""
    parts = re.split(r"^##+ .*\n", page, flags=re.MULTILINE)[1:]
    headings = re.findall(r"^(##+) (.*)$", page, re.MULTILINE)
    named = zip(headings, parts, strict=True)
    return {title: text for (marks, title), text in named if marks == "###"}


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_measure_is_in_the_index_as_the_package_describes_it(page, sections):
    rows = re.findall(r"^\| \[`(\w+)`\]\(#([\w-]+)\) \| (.*) \|$", page, re.MULTILINE)
    assert {name: meaning for name, _, meaning in rows} == {
        name: measure.meaning for name, measure in MEASURES.items()
    }
    texts = {anchor(title): text for title, text in sections.items()}
    assert [name for name, place, _ in rows if f"`{name}`" not in texts[place]] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_section_of_a_measure_has_every_part(sections, part):
    lacking = [
        title
        for title, text in sections.items()
        if text.lstrip().startswith("`") and f"\n**{part}.** " not in text
    ]
    assert lacking == []


def test_every_section_has_a_picture(sections, make_measures):
    for title, text in sections.items():
        shown = [name for _, _, name in PICTURE.findall(text)]
        assert shown, title
        assert set(shown) <= set(make_measures.PICTURES), title


def test_every_picture_is_shown_once_and_there(page, make_measures):
    """To fix it: python docs/make_measures.py."""
    shown = [name for mark, _, name in PICTURE.findall(page) if mark]
    assert sorted(shown) == sorted(make_measures.PICTURES)
    files = make_measures.FOLDER.glob("measures-*.png")
    assert sorted(p.stem.removeprefix("measures-") for p in files) == sorted(shown)


@pytest.mark.slow("documents")
def test_the_tables_say_what_the_package_measures(page, make_measures, pictures):
    """To fix it: python docs/make_measures.py."""
    assert page == make_measures.filled(page, pictures)


@pytest.mark.slow("documents")
def test_the_pictures_show_what_the_package_measures(make_measures, pictures):
    """To fix it: python docs/make_measures.py."""
    for name, picture in pictures.items():
        with Image.open(make_measures.FOLDER / f"measures-{name}.png") as image:
            image.load()
            assert image.info["Description"] == picture.table, name


@pytest.mark.slow("documents")
def test_what_is_said_of_a_picture_is_in_its_table(sections, pictures):
    """Numbers with a decimal point: of the description and of what it is blind to."""
    said = 0
    for title, text in sections.items():
        values = [
            float(cell)
            for _, _, name in PICTURE.findall(text)
            for row in pictures[name].rows.values()
            for cells in row
            for cell in re.findall(r"-?\d+(?:\.\d+)?(?:e-\d+)?", cells)
        ]
        blind = re.findall(r"^\*\*Blind to\.\*\* (.*)$", text, re.MULTILINE)
        described = [words for _, words, _ in PICTURE.findall(text)]
        for number in DECIMAL.finditer("\n".join(blind + described)):
            rounded = {f"{value:.{len(number[1])}f}" for value in values}
            assert number[0] in rounded, f"{title}: {number[0]}"
            said += 1
    assert said > 5


def test_the_stated_sample_is_as_large_as_the_page_says(page):
    from layerwise.study._seen import SAMPLED, VOTERS
    from layerwise.study.passes import FITTED

    assert f"at most {FITTED:,} of the fitted samples" in page
    assert f"at most {SAMPLED:,} of the scored" in page
    assert f"it sees at most {FITTED:,} samples" in page
    assert f"looks for neighbours among {VOTERS:,} training samples" in page
