"""The page: whole, offline, readable by all, and deaf to what names try to do."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from layerwise.presentation import Report, draw_all, page
from layerwise.presentation._text import typeset
from layerwise.presentation.figures import OF_INPUTS, OF_STUDY, OF_TRAINING
from layerwise.study import Finding

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


def test_no_figure_is_without_a_place(digits, moons, pages):
    for report, html in ((digits, pages["digits"]), (moons, pages["moons"])):
        shown = Counter(image["alt"] for image in Reader(html).attributes("img"))
        had = [
            (figure, figure.alternative(record))
            for figures, record in (
                (OF_INPUTS, report.input_study),
                (OF_TRAINING, report),
                (OF_STUDY, report.study),
            )
            for figure in figures
            if figure.name != "layers" and figure.when(record)
        ]
        assert len({figure.name for figure, _ in had}) == len(had)
        assert [f.name for f, words in had if shown[typeset(words)] != 1] == []


def test_images_are_as_large_as_drawn(digits_page):
    widths = [int(image["width"]) for image in Reader(digits_page).attributes("img")]
    assert max(widths) == 960  # 10 inches of 96 pixels: the measures
    assert widths.count(672) == 6  # 7 inches: the training, its health, the mistakes, …
    assert widths.count(307) == 4  # 3.2 inches: a layer's plane


def test_figures_wider_than_the_text_leave_its_column(digits_page):
    reader = Reader(digits_page)
    figures = [figure.get("class") for figure in reader.attributes("figure")]
    widths = [int(image["width"]) for image in reader.attributes("img")]
    assert figures == ["wide" if width > 700 else None for width in widths]


def test_the_headline_has_the_accuracy_and_its_interval(digits, digits_page):
    said = digits_page.partition('<p class="headline">')[2].partition("</p>")[0]
    share = digits.study.accuracy
    assert said == (
        f"<strong>{100 * share.value:.1f}\u202f%</strong> accuracy on 270 test "
        f"samples; 95\u202f% interval {100 * share.low:.1f} to "
        f"{100 * share.high:.1f}\u202f%."
    )


def test_findings_stand_as_they_are_in_their_order(digits, digits_page):
    text = Reader(digits_page).text
    findings = [*digits.input_study.findings, *digits.study.findings]
    places = [text.index(typeset(finding.text)) for finding in findings]
    assert places == sorted(places)


def test_findings_say_how_sure_they_are(digits, digits_figures):
    words = ("counted", "measured", "rule of thumb")
    findings = tuple(
        Finding(word, f"Found {word}", "It is.", {}, word) for word in words
    )
    report = replace(digits, study=replace(digits.study, findings=findings))
    html = page(report, digits_figures)
    for word in words:
        assert re.search(
            rf'<b>Found {word}\.</b> It is\. <small title="[^"]+">{word}</small>', html
        )
    titles = [small["title"] for small in Reader(html).attributes("small")]
    assert len(set(titles)) == 3


def test_sections_come_in_the_order_of_reading(digits_page, diverged):
    ids = [s["id"] for s in Reader(digits_page).attributes("section")]
    assert ids == [
        "data", "found", "training", "inside", "measures", "epochs", "similarity",
        "mistakes", "suspects", "numbers", "made",
    ]  # fmt: skip
    ids = [s["id"] for s in Reader(page(diverged)).attributes("section")]
    assert ids == ["data", "training", "made"]


@pytest.mark.parametrize("kind", KINDS)
def test_links_lead_to_sections(pages, kind):
    reader = Reader(pages[kind])
    links = [link["href"] for link in reader.attributes("a")]
    assert links == [f"#{section['id']}" for section in reader.attributes("section")]


def test_the_network_stands_beside_the_baselines(digits, digits_page):
    text = Reader(digits_page).text
    share = f"{100 * digits.result.validation.accuracy:.1f}\u202f%"
    assert "majority class25.0\u202f%4.6 to 69.9\u202f%" in text
    assert f"this network{share}" in text
    assert "on the validation set." in text


def test_a_study_of_the_test_set_is_compared_on_the_test_set(digits, digits_figures):
    inputs = replace(digits.input_study, scored_on="test")
    text = Reader(page(replace(digits, input_study=inputs), digits_figures)).text
    assert f"this network{100 * digits.result.test.accuracy:.1f}\u202f%" in text
    assert "on the test set." in text


def test_a_diverged_training_says_what_happened(diverged):
    text = Reader(page(diverged)).text
    step = len(diverged.result.history.losses)
    assert f"The training diverged: at step {step} the loss was no longer" in text
    # The step that has no finite loss changes nothing.
    assert f": {step - 1} steps in 0 of 1 epochs" in text


def test_an_interrupted_training_says_so(digits, digits_figures):
    result = replace(digits.result, status="interrupted")
    text = Reader(page(replace(digits, result=result), digits_figures)).text
    assert "interrupted after 120 steps" in text


def test_a_speed_that_is_not_known_is_left_out(digits, digits_figures):
    def read(steps_per_second):
        result = replace(digits.result, steps_per_second=steps_per_second)
        return Reader(page(replace(digits, result=result), digits_figures)).text

    timed = "in all, 1,234 steps per second without compiling and scoring."
    assert timed in read(1234.4)
    assert "in all." in read(0.0)


def test_mistakes_of_a_table_are_listed(iris):
    text = Reader(page(iris)).text
    worst = iris.study.mistakes[0]
    assert f"row {iris.data.test.rows[worst]}" in text
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
    assert "No errors among 45 test samples." in text


def test_every_section_has_its_figures(pages, digits_page):
    def figures(html):
        sections = re.findall(r'<section id="(\w+)">(.*?)</section>', html, re.DOTALL)
        return {name: len(re.findall("<img ", body)) for name, body in sections}

    assert figures(digits_page) == {
        "data": 3, "found": 0, "training": 2, "inside": 6, "measures": 2, "epochs": 1,
        "similarity": 1, "mistakes": 3, "suspects": 1, "numbers": 0, "made": 0,
    }  # fmt: skip
    assert figures(pages["iris"])["suspects"] == 0
    assert figures(pages["moons"])["mistakes"] == 3


def test_suspects_of_a_table_are_listed(iris, pages):
    suspect = iris.study.suspects[0]
    names = iris.data.class_names
    text = Reader(pages["iris"]).text
    assert (
        f"{suspect.name}{names[suspect.label]}{names[suspect.suggestion]}"
        "0.9075.0\u202f%8 of 10hidden1"
    ) in text
    total = len(iris.study.suspects)
    assert f"{total} samples whose label the network contradicts" in text
    assert "come first; the table has all of them" in text


def test_without_suspects_there_is_no_section(iris):
    report = replace(iris, study=replace(iris.study, suspects=()))
    reader = Reader(page(report))
    ids = [section["id"] for section in reader.attributes("section")]
    assert "suspects" not in ids
    assert "Suspicious labels" not in reader.text


def test_a_sample_that_is_not_the_whole_is_said_to_be_a_part(digits, digits_figures):
    study = replace(digits.study, sampled=np.arange(100), shown=np.arange(200))
    text = Reader(page(replace(digits, study=study), digits_figures)).text
    assert "scored are 270 test samples, drawn 200 of them." in text
    assert "were kept: 100 of the 270 test samples." in text


def test_hostile_names_stay_text(hostile, hostile_page):
    reader = Reader(hostile_page)
    assert hostile.data.name in reader.text
    assert hostile.data.origin in reader.text
    assert hostile.command in reader.text
    assert "{{ 7 * 7 }}" in reader.text
    assert "<!--" not in hostile_page
    assert hostile_page.count("</style>") == 1
    assert hostile_page.count("\u2028") == hostile_page.count("\u2029")


def test_a_page_of_ten_thousand_points_is_small(digits):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 10, 10_000).astype(np.int32)

    def cloud(samples):
        points = rng.normal(size=(samples, 2)) + targets[:samples, None] / 2
        return points.astype(np.float32)

    def crowded(layer):
        planes = {name: cloud(10_000) for name in layer.planes}
        return replace(layer, planes=planes, probe_predictions=targets.astype(np.int64))

    def kept(snapshot):
        frames = [{"components": cloud(2_000)} for _ in range(5)]
        layers = [replace(snapshot.layers[0], frames=each) for each in frames]
        return replace(snapshot, layers=tuple(layers))

    layers = tuple(crowded(layer) for layer in digits.study.layers[:1] * 5)
    study = replace(
        digits.study,
        input=crowded(digits.study.input),
        layers=layers,
        origins=None,
        inputs=rng.integers(0, 255, (10_000, 28, 28)).astype(np.uint8),
        targets=targets,
        predictions=np.roll(targets, 1).astype(np.int64),
        confidence=rng.random(10_000).astype(np.float32),
        shown=np.arange(10_000),
        sampled=np.arange(2_000),
        similarity={"debiased": np.ones((6, 6))},
        snapshots=tuple(map(kept, (digits.study.snapshots * 2)[:6])),
    )
    inputs = replace(digits.input_study, layer=study.input, targets=targets)
    html = page(replace(digits, study=study, input_study=inputs))
    assert len(html.encode()) < 4_000_000


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
    assert "Reproduce" in done.stdout
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
