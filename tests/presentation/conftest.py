"""Reports of small trainings: pictures, a table, a plane, and one that diverged."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
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
from layerwise.training import Result, fit

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


def study_of(result: Result, data: Dataset) -> Study:
    """The study of a training, some of the mistakes suspect."""
    study = inspect(result.network, data, snapshots=result.snapshots)
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
            since=None if place else "hidden1",
        )
        for place, sample in enumerate(study.mistakes[:3])
    )
    return replace(study, suspects=suspects)


def report_of(data: Dataset, hidden: tuple[int, ...], **settings) -> Report:
    settings = {"engine": "eager", "seed": 0, **settings}
    result = fit(lw.MLP(hidden), data, **settings)
    diverged = result.status == "diverged"
    return Report(
        result=result,
        statistics=describe(data),
        input_study=input_study_of(data),
        study=None if diverged else study_of(result, data),
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
