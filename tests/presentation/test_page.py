"""The page: whole, offline, readable by all, and deaf to what names try to do."""

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from layerwise.presentation import Report, draw_all, page
from layerwise.presentation._text import typeset

CANARY = "document.documentElement.dataset.canary='ran'"


class Reader(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def digits_page(digits, digits_figures) -> str:
    return page(digits, digits_figures)


@pytest.fixture(scope="module")
def hostile_page(hostile) -> str:
    return page(hostile)


@pytest.fixture(scope="module")
def pages(digits_page, hostile_page, iris, moons, diverged) -> dict[str, str]:
    return {
        "digits": digits_page,
        "hostile": hostile_page,
        "iris": page(iris),
        "moons": page(moons),
        "diverged": page(diverged),
    }


KINDS = ["digits", "hostile", "iris", "moons", "diverged"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_for(pages, kind):
    reader = Reader(pages[kind])
    names = {name for name, _ in reader.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in reader.tags:
        assert attributes.get("src", "data:").startswith("data:image/png;base64,") or (
            "src" not in attributes
        )
        assert attributes.get("href", "#").startswith("#")
        assert not attributes.keys() & {"srcset", "style", "action", "data", "poster"}
        assert not any(name.startswith("on") for name in attributes)
    style = pages[kind].partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_lets_in_this_style_and_inlined_images_alone(pages, kind):
    policies = [
        meta["content"]
        for meta in Reader(pages[kind]).attributes("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    style = pages[kind].partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_is_there_once_with_its_words(pages, kind):
    images = Reader(pages[kind]).attributes("img")
    sources = [image["src"] for image in images]
    assert len(sources) == len(set(sources))
    alternatives = [image["alt"] for image in images]
    assert all(len(words) > 15 for words in alternatives)
    assert len(alternatives) == len(set(alternatives))


def test_the_images_are_the_figures_drawn_before(digits, digits_figures):
    drawn = {name: content + b"!" for name, content in digits_figures.items()}
    embedded = [
        base64.b64decode(image["src"].partition(",")[2])
        for image in Reader(page(digits, drawn)).attributes("img")
    ]
    assert set(embedded) == set(drawn.values()) - {drawn["layers"]}


def test_images_are_as_large_as_drawn(digits_page):
    widths = [int(image["width"]) for image in Reader(digits_page).attributes("img")]
    assert max(widths) == 672  # 7 inches of 96 pixels
    assert widths.count(307) == 4  # 3.2 inches: a layer's plane


def test_the_headline_has_the_accuracy_and_its_interval(digits, digits_page):
    said = digits_page.partition('<p class="headline">')[2].partition("</p>")[0]
    share = digits.study.accuracy
    assert said == (
        f"<strong>{100 * share.value:.1f}\u202f%</strong> of 270 test samples are "
        f"classified right; the 95\u202f% interval is {100 * share.low:.1f} to "
        f"{100 * share.high:.1f}\u202f%."
    )


def test_findings_stand_as_they_are_in_their_order(digits, digits_page):
    text = Reader(digits_page).text
    findings = [*digits.study.findings, *digits.input_study.findings]
    places = [text.index(typeset(finding.text)) for finding in findings]
    assert places == sorted(places)


def test_sections_come_in_the_order_of_reading(digits_page, diverged):
    ids = [s["id"] for s in Reader(digits_page).attributes("section")]
    assert ids == ["found", "data", "training", "inside", "mistakes", "made"]
    ids = [s["id"] for s in Reader(page(diverged)).attributes("section")]
    assert ids == ["data", "training", "made"]


@pytest.mark.parametrize("kind", KINDS)
def test_links_lead_to_sections(pages, kind):
    reader = Reader(pages[kind])
    links = [link["href"] for link in reader.attributes("a")]
    assert links == [f"#{section['id']}" for section in reader.attributes("section")]


def test_the_network_stands_beside_the_baselines(digits, digits_page):
    text = Reader(digits_page).text
    share = f"{100 * digits.validation.accuracy:.1f}\u202f%"
    assert "majority class25.0\u202f%4.6 to 69.9\u202f%" in text
    assert f"this network{share}" in text
    assert "on the validation set." in text


def test_a_study_of_the_test_set_is_compared_on_the_test_set(digits, digits_figures):
    inputs = replace(
        digits.input_study, layer=digits.study.input, targets=digits.study.targets
    )
    text = Reader(page(replace(digits, input_study=inputs), digits_figures)).text
    assert f"this network{100 * digits.test.accuracy:.1f}\u202f%" in text
    assert "on the test set." in text


def test_a_diverged_training_says_what_happened(diverged):
    text = Reader(page(diverged)).text
    step = len(diverged.history.losses)
    assert f"The training diverged: at step {step} the loss was no longer" in text


def test_an_interrupted_training_says_so(digits, digits_figures):
    text = Reader(page(replace(digits, status="interrupted"), digits_figures)).text
    assert "interrupted after 120 steps" in text


def test_mistakes_of_a_table_are_listed(iris):
    text = Reader(page(iris)).text
    worst = iris.study.mistakes[0]
    names, values = iris.data.class_names, iris.study.inputs[worst]
    row = names[iris.study.targets[worst]] + names[iris.study.predictions[worst]]
    assert row in text
    assert "sepal length (cm)sepal width (cm)" in text
    assert "".join(f"{value:g}" for value in values) in text


def test_no_mistakes_are_said_to_be_none(moons):
    study = replace(moons.study, predictions=moons.study.targets.astype(np.int64))
    figures = draw_all(replace(moons, study=study))
    assert "mistakes" not in figures
    text = Reader(page(replace(moons, study=study), figures)).text
    assert "There are no mistakes among 45 test samples." in text


def test_hostile_names_stay_text(hostile, hostile_page):
    reader = Reader(hostile_page)
    assert hostile.title in reader.text
    assert hostile.data.origin in reader.text
    assert hostile.command in reader.text
    assert "{{ 7 * 7 }}" in reader.text
    assert "<!--" not in hostile_page
    assert hostile_page.count("</style>") == 1
    assert hostile_page.count("\u2028") == hostile_page.count("\u2029")


def test_a_page_of_ten_thousand_points_is_small(digits):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 10, 10_000).astype(np.int32)

    def crowded(layer):
        points = rng.normal(size=(10_000, 2)) + targets[:, None] / 2
        return replace(
            layer,
            projection=points.astype(np.float32),
            probe_predictions=targets.astype(np.int64),
        )

    layers = tuple(crowded(layer) for layer in digits.study.layers[:1] * 5)
    study = replace(
        digits.study,
        input=crowded(digits.study.input),
        layers=layers,
        inputs=rng.integers(0, 255, (10_000, 28, 28)).astype(np.uint8),
        targets=targets,
        predictions=np.roll(targets, 1).astype(np.int64),
        confidence=rng.random(10_000).astype(np.float32),
    )
    inputs = replace(digits.input_study, layer=study.input, targets=targets)
    html = page(replace(digits, study=study, input_study=inputs))
    assert len(html.encode()) < 2_500_000


@pytest.fixture(scope="session")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI has none of {', '.join(names)}")
        pytest.skip("no Chromium")
    return found


@pytest.fixture
def opened(browser, tmp_path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Open HTML from a file; standard output is the document afterwards."""

    def open_(html: str) -> subprocess.CompletedProcess[str]:
        path = Path(tmp_path / "page.html")
        path.write_text(html, encoding="utf-8")
        return subprocess.run(
            [browser, "--headless=new", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
             "--virtual-time-budget=2000", "--dump-dom", path.as_uri()],
            capture_output=True, encoding="utf-8", timeout=120, check=True,
        )  # fmt: skip

    return open_


def without_policy(html: str) -> str:
    before, found, after = html.partition('<meta http-equiv="Content-Security-Policy"')
    assert found
    return before + after.partition(">")[2]


ATTACKS = f'<script>{CANARY}</script><img src=x onerror="{CANARY}">'


@pytest.mark.browser
def test_the_canary_would_run_without_escape_and_policy(opened, digits_page):
    html = without_policy(digits_page).replace("</main>", ATTACKS + "</main>")
    assert 'data-canary="ran"' in opened(html).stdout


@pytest.mark.browser
def test_escaping_alone_keeps_the_canary_still(opened, hostile_page):
    done = opened(without_policy(hostile_page))
    assert "How it was made" in done.stdout
    assert "data-canary=" not in done.stdout


@pytest.mark.browser
def test_the_policy_alone_keeps_the_canary_still(opened, digits_page):
    done = opened(digits_page.replace("</main>", ATTACKS + "</main>"))
    assert CANARY in done.stdout
    assert "data-canary=" not in done.stdout
    assert "Content Security Policy" in done.stderr


@pytest.mark.browser
def test_the_page_breaks_no_rule_of_its_own(opened, hostile_page):
    done = opened(hostile_page)
    assert "data-canary=" not in done.stdout
    assert "Content Security Policy" not in done.stderr


def test_a_report_is_never_changed(digits, digits_figures):
    before = {name: getattr(digits, name) for name in Report.__dataclass_fields__}
    page(digits, digits_figures)
    assert all(getattr(digits, name) is value for name, value in before.items())
