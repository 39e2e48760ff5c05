"""The page as a file: whole, offline, readable without its script, deaf to names."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from layerwise.presentation import Report, page, report_payload, study_payload
from layerwise.presentation.payload import Payload
from layerwise.study import Crowd
from layerwise.wording import typeset

KINDS = ["digits", "hostile", "iris", "moons", "diverged"]


class Reader(HTMLParser):
    """The tags of a page with their attributes, and its text by the tag it is in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.inside.append((self.tags[-1][0] if self.tags else "", data))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self) -> str:
        return "".join(text for tag, text in self.inside if tag not in HIDDEN)


HIDDEN = ("script", "style")


@pytest.fixture(scope="module")
def pages(digits, hostile, iris, moons, diverged) -> dict[str, str]:
    reports = (digits, hostile, iris, moons, diverged)
    htmls = (page(report_payload(report)) for report in reports)
    return dict(zip(KINDS, htmls, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_for(pages, kind):
    reader = Reader(pages[kind])
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"img", "iframe", "object", "embed", "form", "a", "base"}
    (icon,) = reader.attributes("link")
    assert icon == {"rel": "icon", "href": "data:,"}
    assert not any("src" in attributes for _, attributes in reader.tags)


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_lets_in_one_script_and_one_style(pages, kind):
    reader = Reader(pages[kind])
    (policy,) = (
        meta["content"]
        for meta in reader.attributes("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    (style,) = re.findall(r"<style>(.*?)</style>", pages[kind], re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", pages[kind], re.DOTALL)
    for rule, content in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{rule}-src"] == f"'sha256-{digest}'"
    kinds = [attributes.get("type") for attributes in reader.attributes("script")]
    assert kinds[-1] is None
    assert set(kinds[:-1]) <= {"application/json", "text/plain"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_are_those_of_the_payload(pages, kind, request):
    report = request.getfixturevalue(kind)
    payload = report_payload(report)
    html = pages[kind]
    (text,) = re.findall(r'<script type="application/json" id="payload">(.*?)<', html)
    assert json.loads(text) == json.loads(json.dumps(payload.content))
    found = dict(
        re.findall(r'<script type="text/plain" id="([a-z0-9-]+)">(.*?)<', html)
    )
    assert found == payload.blocks


def test_without_a_script_there_are_headline_findings_and_tables(digits, pages):
    text = Reader(pages["digits"].partition('<script type="application')[0]).text()
    share = f"{100 * digits.study.accuracy.value:.1f} %"
    assert share in text
    for finding in digits.study.findings:
        assert typeset(finding.headline) in text
    assert "majority class" in text
    assert "layerwise run digits" in text
    rows = Reader(pages["digits"]).attributes("tr")
    assert len(rows) > 40


def test_a_diverged_training_says_what_happened(diverged, pages):
    text = Reader(pages["diverged"]).text()
    step = f"{len(diverged.result.history.losses):,}"
    assert f"diverged: at step {step} the loss was no longer finite" in text
    assert "smaller learning rate" in text


def test_an_interrupted_training_says_so(digits):
    result = replace(digits.result, status="interrupted")
    (run,) = report_payload(replace(digits, result=result)).content["runs"]
    assert run["warning"].startswith("The training was interrupted after")


def test_hostile_names_stay_text(hostile, pages):
    html = pages["hostile"].rpartition("<script>")[0]
    assert html.count("<svg") == html.count("</svg>") == 0
    reader = Reader(html)
    assert not any(name.startswith("on") for _, tag in reader.tags for name in tag)
    assert "<img src=x onerror" in reader.text()
    names = json.loads(re.findall(r'id="payload">(.*?)<', html)[0])["classes"]["names"]
    assert names[0].startswith("</script><script>document")


def test_no_markup_of_the_data_ends_their_element():
    name = "</script><!--<script>\u2028&amp;"
    payload = Payload(
        name,
        {"version": 1, "kind": "sweep", "name": name, "runs": [], "tables": [],
         "facts": [], "classes": {}},
        {"a-1": "AA=="},
    )  # fmt: skip
    html = page(payload)
    (text,) = re.findall(r'id="payload">(.*?)</script>', html)
    assert json.loads(text)["name"] == name
    assert not set("<>&\u2028") & set(text)


def test_a_page_of_mnist_s_size_is_small_enough(digits):
    """10,000 pictures, an input, five layers, eight snapshots: at most 10 MB."""
    rng = np.random.default_rng(0)
    few = digits.study.shown
    many = rng.choice(len(few), 10_000)

    def crowded(layer, count=1):
        planes = {
            name: rng.normal(size=(10_000, 2)).astype(np.float32)
            for name in ("components", "discriminants")
        }
        said = layer.probe_predictions[many]
        return replace(layer, planes=planes, probe_predictions=said, turns={})

    def kept(snapshot, place):
        layers = tuple(
            replace(
                snapshot.layers[0],
                frames={
                    name: rng.normal(size=(10_000, 2)).astype(np.float32)
                    for name in ("components", "discriminants", "fixed")
                },
            )
            for _ in range(5)
        )
        said, sure = rng.integers(0, 10, 10_000), rng.random(10_000)
        return replace(
            snapshot, epoch=place, layers=layers, predictions=said, confidence=sure
        )

    study = digits.study
    targets = study.targets[many]
    study = replace(
        study,
        input=crowded(study.input),
        layers=tuple(crowded(study.layers[0]) for _ in range(5)),
        inputs=handwritten(rng),
        targets=targets,
        predictions=np.roll(targets, 1).astype(np.int64),
        confidence=rng.random(10_000).astype(np.float32),
        shown=np.arange(10_000),
        snapshots=tuple(kept(study.snapshots[0], place) for place in range(8)),
        pairs=(),
        findings=(),
        origins=None,
        suspects=(),
    )
    html = page(study_payload(study))
    assert 6_500_000 < len(html) < 10_000_000


def handwritten(rng):
    """Pictures of about as many strokes as MNIST's."""
    pictures = np.zeros((10_000, 28, 28), np.uint8)
    for shift in range(3):
        at = rng.integers(6, 21, (10_000, 2))
        for step in range(7):
            rows = np.arange(10_000), at[:, 0] + step % 7, at[:, 1] + shift
            pictures[rows] = rng.integers(0, 256, 10_000)
    return pictures


def test_a_report_is_never_changed(digits):
    before = {name: getattr(digits, name) for name in Report.__dataclass_fields__}
    page(report_payload(digits))
    assert all(getattr(digits, name) is value for name, value in before.items())


def test_a_hundred_thousand_stand_and_ten_thousand_move(digits):
    """The page says both, and the points that stand have one place in each layer."""
    study = digits.study
    crowd = Crowd(study.shown, tuple(dict(layer.planes) for layer in study))
    html = page(study_payload(replace(study, crowd=crowd)))
    content = json.loads(re.findall(r'id="payload">(.*?)<', html)[0])
    assert content["samples"]["count"] == content["samples"]["moving"] == 270
