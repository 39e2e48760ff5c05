"""Reports of small trainings: pictures, a table, a plane, and one that diverged; and a
browser to open their pages in."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright import sync_api

import layerwise as lw
from layerwise.baselines import Baseline
from layerwise.data import Dataset, describe
from layerwise.diagnosis import Diagnosis
from layerwise.model import initial_network
from layerwise.presentation import Report
from layerwise.statistics import Share
from layerwise.study import Finding, InputStudy, Study, Suspect, inspect
from layerwise.training import fit

HOSTILE = (
    "</script><script>document.documentElement.dataset.canary='ran'</script>",
    "<img src=x onerror=\"document.documentElement.dataset.canary='ran'\">",
    '"><svg onload="document.documentElement.dataset.canary=\'ran\'">',
    "<!-- ",
    "]]>\u2028\u2029</style>",
    "$\\frac{$",
    "{{ 7 * 7 }}{% raw %}",
    "[red]:smile:[/red]",
    "\x1b[31mred\x07",
    "数字\n９",
)
"""Names of ten classes that want to be more than text."""


def input_study_of(data: Dataset) -> InputStudy:
    network = initial_network(lw.MLP([]), data)
    study = inspect(network, data.validation, fit_on=data.train)
    majority = Baseline("majority class", Share(1, 4, 0.046, 0.699), len(data.train))
    finding = Finding("components", "Two components aren't enough", "-1 to 12.5 %.", {})
    return InputStudy(
        data=data,
        layer=study.input,
        scored_on="validation",
        targets=data.validation.targets[study.shown],
        baselines=(majority,),
        findings=(finding,),
    )


def with_suspects(study: Study) -> Study:
    """Some of the mistakes suspect, as in a run that looked for them."""
    suspects = tuple(
        Suspect(
            part="test",
            position=int(sample),
            label=int(study.targets[sample]),
            suggestion=int(study.predictions[sample]),
            score=0.9 - 0.1 * place,
            probability_of_label=0.05,
            probability_of_suggestion=0.75,
            neighbours_agreeing=8,
            neighbours=10,
            since=None if place else study.layers[0].name,
        )
        for place, sample in enumerate(study.mistakes[:3])
    )
    return replace(study, suspects=suspects)


@pytest.fixture(scope="session", name="report_of")
def reporting() -> Callable[..., Report]:
    """What makes a report, for tests that need one of their own."""
    return report_of


def report_of(data: Dataset, hidden: tuple[int, ...], **settings) -> Report:
    settings = {"engine": "eager", "seed": 0, **settings}
    result = fit(lw.MLP(hidden), data, **settings)
    diverged = result.status == "diverged"
    return Report(
        result=result,
        statistics=describe(data),
        input_study=input_study_of(data),
        study=None
        if diverged
        else with_suspects(inspect(result.network, data, snapshots=result.snapshots)),
        diagnosis=Diagnosis(),
        environment={"layerwise": "0.1.0", "device": "cpu"},
        command=f"layerwise run {data.name}",
    )


@pytest.fixture(scope="session")
def digits() -> Report:
    return report_of(lw.load("digits"), (16, 12), epochs=3)


@pytest.fixture(scope="session")
def iris() -> Report:
    return report_of(lw.load("iris"), (8,), epochs=10)


@pytest.fixture(scope="session")
def moons() -> Report:
    rng = np.random.default_rng(0)
    turn = np.pi * rng.random(300)
    y = np.arange(300) % 2
    x = np.stack([np.cos(turn) + y, np.where(y, 0.5 - np.sin(turn), np.sin(turn))], 1)
    data = Dataset.from_arrays(x, y, name="moons", class_names=("upper", "lower"))
    return report_of(data, (8,), epochs=5)


@pytest.fixture(scope="session")
def customers() -> Report:
    """A table with columns of each kind; the town alone gives the class away."""
    rng = np.random.default_rng(0)
    towns = np.array(["</b>", *(f"T{number}" for number in range(43))])
    town = np.append(towns[rng.permutation(2000) % 44], ["Rom", "Bonn"])
    rows = len(town)
    town[rng.random(rows) < 0.3] = "</b>"
    shop = rng.integers(1, 13, rows) * (rng.random(rows) < 0.7)
    frame = pd.DataFrame({"town": town, "shop": [f"number {n}" for n in shop]})
    frame["age"] = rng.integers(18, 90, rows)
    frame["size"] = rng.normal(size=rows)
    frame["paid"] = rng.random(rows) < 0.9
    frame["y"] = np.where(frame.town == "</b>", "stays", "goes")
    return report_of(Dataset.from_frame(frame, "y"), (8,), epochs=5)


@pytest.fixture(scope="session")
def module() -> Study:
    """What is inside a torch module of nine layers, which nobody trained."""
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    widths = (64, *[24] * 8, 10)
    parts: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        parts += [nn.Linear(inputs, outputs), nn.Tanh()]
    return with_suspects(inspect(nn.Sequential(*parts[:-1]), lw.load("digits")))


@pytest.fixture(scope="session")
def diverged() -> Report:
    report = report_of(
        lw.load("iris"), (8,) * 8, epochs=1, optimizer="sgd", learning_rate=1e30
    )
    assert report.result.status == "diverged"
    return report


@pytest.fixture(scope="session")
def hostile() -> Report:
    data = lw.load("digits")
    data = replace(data, name=HOSTILE[0], class_names=HOSTILE, origin=HOSTILE[1])
    report = report_of(data, (8,), epochs=1)
    return replace(
        report,
        command=f"layerwise run {HOSTILE[2]}",
        environment=dict.fromkeys([*HOSTILE[:3], "device"], HOSTILE[0]),
    )


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    """One browser for all tests: a start takes seconds."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI has none of {', '.join(BROWSERS)}")
        pytest.skip("no Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Opened:
    """A page that was opened from a file, and what it did by itself.

    Leaving its block holds that it asked for itself alone, and that nothing went wrong.
    """

    def __init__(self, browser: sync_api.Browser, path: Path, **options) -> None:
        size = {"width": 1280, "height": 800}
        self.context = browser.new_context(**{"viewport": size} | options)
        self.tab = self.context.new_page()
        self.path = path
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", self._said)

    def _said(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def go(self, link: str = "", *, wait: bool = True) -> None:
        self.tab.goto(self.path.as_uri() + link)
        if wait:
            self.tab.locator("html[data-ready]").wait_for(state="attached")

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.check()

    def check(self) -> None:
        asked = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert asked, "nothing was opened"
        assert {url.partition("#")[0] for url in asked} == {self.path.as_uri()}
        assert len(asked) == 1
        assert self.errors == []

    def one(self, selector: str) -> sync_api.Locator:
        return self.tab.locator(selector).first

    def count(self, selector: str) -> int:
        return self.tab.locator(selector).count()

    def act(self, locator: sync_api.Locator, how: str, key: str = "Enter") -> None:
        """Use a control by ``mouse`` or by ``keyboard``."""
        if how == "mouse":
            locator.click()
        else:
            locator.focus()
            self.tab.keyboard.press(key)

    def drag(self, selector: str, part=(0.05, 0.95)) -> None:
        """Draw around a part of a view."""
        view = self.one(selector)
        view.scroll_into_view_if_needed()
        box = view.bounding_box()
        x = [box["x"] + box["width"] * share for share in part]
        y = [box["y"] + box["height"] * share for share in part]
        corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
        mouse = self.tab.mouse
        mouse.move(*corners[0])
        mouse.down()
        for corner in corners[1:]:
            mouse.move(*corner, steps=8)
        mouse.up()

    @property
    def link(self) -> str:
        """What follows the number sign: the view."""
        return self.tab.evaluate("location.hash")

    def until(self, found: Callable[[], bool]) -> bool:
        """Whether something comes true in a while."""
        for _ in range(60):
            if found():
                return True
            self.tab.wait_for_timeout(50)
        return False

    def says(self, part: str, *, there: bool = True) -> bool:
        """Whether the link says so, in a while: it is written when nothing moves."""
        return self.until(lambda: (part in self.link) == there)

    @property
    def text(self) -> str:
        return self.tab.locator("#app").inner_text()

    @property
    def painted(self) -> list[str]:
        """What each view of a layer shows, once it is painted."""
        return self.tab.evaluate(
            """async () => {
              const frame = () => new Promise(requestAnimationFrame);
              await frame();
              await frame();
              const views = document.querySelectorAll("#scatters .plot canvas");
              return [...views].map((view) => view.toDataURL());
            }"""
        )


@pytest.fixture(scope="session")
def opening() -> type[Opened]:
    """What opens a page, for tests that share one."""
    return Opened


@pytest.fixture
def opened(chromium, tmp_path) -> Iterator[Callable[..., Opened]]:
    """Opens HTML from a file, in a context of its own, and waits until it is drawn."""
    pages: list[Opened] = []

    def open_(html: str, link: str = "", *, wait: bool = True, **options) -> Opened:
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(html, encoding="utf-8")
        found = Opened(chromium, path, **options)
        pages.append(found)
        found.go(link, wait=wait)
        return found

    yield open_
    for found in pages:
        found.context.close()
