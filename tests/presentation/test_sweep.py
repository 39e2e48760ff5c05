"""The figure, the tables and the page of a sweep."""

import html
import math
from dataclasses import replace

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from layerwise.presentation import SweepReport, page, sweep_payload
from layerwise.presentation._sweep import choice_sentence, phase_table, sweep_sentence
from layerwise.presentation.figures import phase_diagram
from layerwise.presentation.figures._sweep import COLOURS
from layerwise.sweeps import Axis, Sweep, SweepPoint

HOSTILE = "</script><img src=x onerror=alert(1)>"

AXES = (Axis("depth", (1, 2)), Axis("init", ("he", "normal")), Axis("seed", (0, 1)))

OUTCOMES = {
    ("he", 1): ("works", "works"),
    ("he", 2): ("works", "stalls"),
    ("normal", 1): ("stalls", "diverges"),
    ("normal", 2): ("diverges", "diverges"),
}


def point(outcome: str, **settings) -> SweepPoint:
    diverged = outcome == "diverges"
    accuracy = {"works": 0.9996, "stalls": 0.5, "diverges": math.nan}[outcome]
    return SweepPoint(
        settings=settings,
        status="diverged" if diverged else "finished",
        chance=0.5,
        steps=100,
        epochs=2,
        train_loss=accuracy,
        train_accuracy=accuracy,
        validation_loss=1 - accuracy,
        validation_accuracy=accuracy,
        seconds=1.25,
    )


@pytest.fixture
def sweep() -> Sweep:
    points = (
        point(outcome, depth=depth, init=init, seed=seed)
        for (init, depth), outcomes in OUTCOMES.items()
        for seed, outcome in enumerate(outcomes)
    )
    return Sweep("moons", AXES, tuple(points))


@pytest.fixture
def report(sweep) -> SweepReport:
    return SweepReport(
        sweep=sweep,
        best=sweep.best(),
        test_accuracy=0.9876,
        settings={"loss": HOSTILE},
        environment={"python": "3"},
        command=f"layerwise sweep {HOSTILE}",
    )


def strips(ax) -> list[Rectangle]:
    """All that are wider than nothing, row by row."""
    drawn = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_width()]
    return sorted(drawn, key=lambda strip: (strip.get_y(), strip.get_x()))


def test_a_cell_is_divided_in_the_shares_of_its_trainings(sweep):
    ax = phase_diagram(sweep)
    works, stalls, diverges = COLOURS.values()
    assert [
        (round(p.get_x(), 2), round(p.get_width(), 2), to_hex(p.get_facecolor()))
        for p in strips(ax)
    ] == [
        (-0.47, 0.94, works),
        (0.53, 0.47, works),
        (1.0, 0.47, stalls),
        (-0.47, 0.47, stalls),
        (0.0, 0.47, diverges),
        (0.53, 0.94, diverges),
    ]
    hatched = [strip for strip in strips(ax) if strip.get_hatch()]
    assert {to_hex(p.get_facecolor()) for p in hatched} == {diverges}
    assert len(hatched) == 2


def test_numbers_and_names(sweep):
    ax = phase_diagram(sweep)
    # 99.96 and 50 %: their mean; no number where everything diverged.
    assert [text.get_text() for text in ax.texts] == ["99.96", "75.0", "50.0"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1)]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["he", "normal"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("depth", "init")
    assert "mean over 2 values of seed" in ax.get_title(loc="left")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["works", "stalls", "diverges"]


def test_many_columns_are_not_all_named_and_stay_on_the_paper():
    axis = Axis("depth", tuple(range(1, 101)))
    points = tuple(point("works", depth=depth) for depth in axis.values)
    ax = phase_diagram(Sweep("moons", (axis,), points))
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[0] == "1"
    assert 10 <= len(labels) <= 50
    assert ax.figure.get_size_inches()[0] <= 13
    assert not ax.texts


def test_axes_may_be_given(sweep):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert phase_diagram(sweep, ax) is ax


def test_the_table_says_the_same(sweep):
    head, body = phase_table(sweep)
    assert head == ("depth, init", "he", "normal")
    assert body == [("1", "99.96", "50.0 1s 1d"), ("2", "75.0 1s", "– 2d")]
    one = Sweep("moons", AXES[:1], (point("stalls", depth=1), point("works", depth=2)))
    assert phase_table(one).body == [("1", "50.0 s"), ("2", "99.96")]


def test_sentences(sweep, report):
    assert sweep_sentence(sweep).startswith(
        "8 trainings, 10.0 s in all: 3 work, 2 stall and 3 diverge."
    )
    assert choice_sentence(report).startswith(
        "Best validation accuracy: depth 1 and init he, best over all seeds with seed "
        "0 (99.96 %). Its test accuracy is 98.8 %"
    )
    nothing = replace(report, best=None, test_accuracy=math.nan)
    assert choice_sentence(nothing).startswith("Every training diverged")


def test_the_page_has_its_table_and_escapes_names(report):
    shown = page(sweep_payload(report))
    assert shown.startswith("<!doctype html>")
    assert "default-src 'none'" in html.unescape(shown)
    assert HOSTILE not in shown
    assert "&lt;/script&gt;" in shown
    assert "moons: a sweep of 8 trainings" in shown
    assert "<td>50.0 1s 1d</td>" in shown
