"""What is shown of a table: its columns, and each class where they are uneven."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score

import layerwise as lw
from layerwise.data import ColumnStatistics, describe
from layerwise.presentation import Report, page, print_class_scores, print_statistics
from layerwise.presentation.payload import report_payload, study_payload
from layerwise.presentation.payload._samples import Shown
from layerwise.study import ColumnImportance, Finding, Importance, WeakSpot, WeakSpots

NAME = "</script><b onclick=1>"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A rare class, and columns of several kinds with names that want to be more."""
    rng = np.random.default_rng(0)
    rows = 600
    age = rng.integers(18, 90, rows).astype(float)
    label = age + rng.normal(0, 25, rows) > 90
    age[::8] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            NAME: rng.choice(["Ulm", "<i>Köln", "Bonn"], rows, p=[0.5, 0.3, 0.2]),
            "since": pd.date_range("2019-01-07", periods=rows),
            "note": [f"called on {number}" for number in range(rows)],
            "churn": np.where(label, "goes", "stays"),
        }
    )


@pytest.fixture(scope="module")
def report(frame, digits) -> Report:
    data = lw.Dataset.from_frame(frame, "churn")
    result = lw.fit(lw.MLP([8]), data, epochs=5, engine="eager")
    return replace(
        digits,
        result=result,
        statistics=describe(data),
        study=lw.inspect(result.network, data),
    )


def table_of(report, name):
    (found,) = (t for t in report_payload(report).content["tables"] if t["id"] == name)
    return found


def test_the_columns_are_on_the_page(report):
    table = table_of(report, "columns")
    assert (table["place"], table["open"]) == ("data", True)
    assert table["head"] == ["column", "kind", "missing", "values", "done"]
    age, town, since, note = table["rows"]
    assert [row[0] for row in table["rows"]] == ["age", NAME, "since", "note"]
    assert age[1] == "number"
    assert re.fullmatch(r"1\d\.\d\u202f%", age[2])
    assert age[3] == "18 to 89"
    assert "the median" in age[4]
    assert re.fullmatch(
        r"Ulm \d\d\u202f%, <i>Köln \d\d\u202f%, Bonn \d\d\u202f%", town[3]
    )
    assert (since[1], since[3]) == ("date", "2019 to 2020")
    assert note[1:4] == ["left out", "", ""]
    assert note[4].startswith("left out: ")


def test_hostile_columns_stay_text(report):
    html = page(report_payload(report)).rpartition("<script>")[0]
    assert NAME not in html
    assert "&lt;/script&gt;&lt;b onclick=1&gt;" in html
    assert "<i>Köln" not in html


def test_many_columns_are_folded_and_very_many_counted(report):
    one = report.statistics.columns[0]

    def with_columns(total):
        columns = tuple(replace(one, name=f"c{number}") for number in range(total))
        statistics = replace(report.statistics, columns=columns)
        return table_of(replace(report, statistics=statistics), "columns")

    assert "open" in with_columns(12)
    assert "open" not in with_columns(13)
    rows = with_columns(502)["rows"]
    assert (len(rows), rows[-1][0], rows[-1][4]) == (501, "2 more", "see summary.json")


def test_no_table_has_no_columns(digits):
    assert "columns" not in [t["id"] for t in report_payload(digits).content["tables"]]


def test_hostile_columns_are_printed_as_text(report):
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    hostile = ColumnStatistics("\x1b[31m[red]", "number", 0.0, "\x07 1", "kept")
    print_statistics(console, replace(report.statistics, columns=(hostile,)))
    said = console.file.getvalue()
    assert "[31m[red]" in said
    assert not {"\x1b", "\x07"} & set(said)


def test_uneven_classes_have_a_balanced_accuracy(report):
    study = report.study
    balanced = balanced_accuracy_score(study.targets, study.predictions)
    assert study.summary()["balanced_accuracy"] == pytest.approx(balanced, rel=1e-12)
    written = f"{100 * balanced:.0f}"
    (found,) = (one for one in study.findings if one.kind == "accuracy")
    assert found.evidence["balanced_accuracy"] == pytest.approx(balanced)
    assert f"the mean over the classes, is {written} %." in found.detail
    table = table_of(report, "scores")
    assert table["head"][-1] == "balanced accuracy"
    assert table["rows"][-1][-1] == f"{100 * balanced:.1f}\u202f%"
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_class_scores(console, study)
    goes, stays = study.class_scores.samples
    said = " ".join(console.file.getvalue().split())
    assert re.fullmatch(
        rf'uneven classes: balanced accuracy {written} %; recall: "goes" \d+ % of '
        rf'{goes} and "stays" \d+ % of {stays}',
        said,
    )


def test_even_classes_have_none(digits):
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_class_scores(console, digits.study)
    assert console.file.getvalue() == ""
    assert table_of(digits, "scores")["head"][-1] == "accuracy"
    assert "uneven" not in str(digits.study.findings)


def test_each_class_has_its_scores_on_the_page(report):
    rows = table_of(report, "class-scores")["rows"]
    scores = report.study.class_scores
    assert [row[:2] for row in rows] == [
        [name, str(samples)]
        for name, samples in zip(("goes", "stays"), scores.samples, strict=True)
    ]


def test_of_many_uneven_classes_the_worst_are_printed(digits):
    study, rng = digits.study, np.random.default_rng(0)
    moments = replace(study.layers[0].moments, counts=np.array([9, *[100] * 9]))
    layers = (replace(study.layers[0], moments=moments), *study.layers[1:])
    console = Console(file=io.StringIO(), width=300, force_terminal=False)
    said = np.where(rng.random(270) < 0.5, study.predictions, 0)
    study = replace(study, layers=layers, predictions=said)
    print_class_scores(console, study)
    text = " ".join(console.file.getvalue().split())
    worst = np.argsort(study.class_scores.recall, kind="stable")[:4]
    found = re.search(r"recall of the 4 worst classes: (.*)", text)[1]
    assert re.findall(r"(\d) \d+ % of", found) == [*map(str, worst)]


@pytest.fixture(scope="module")
def weak(report) -> Report:
    """The report with two weak spots of which the first has a hostile column."""
    study = report.study
    wrong = np.flatnonzero(study.predictions != study.targets)
    first = WeakSpot(NAME, 'is "<i>Köln"', 9, 30, 6, 60, 0.001, wrong[:9])
    second = replace(first, column=None, value="goes", wrong=4)
    spots = WeakSpots((first, second), 21)
    told = Finding("weak spot", "Weak spot", "", {})
    findings = (told, *(f for f in study.findings if f.kind != told.kind))
    return replace(report, study=replace(study, weak_spots=spots, findings=findings))


def test_what_the_network_leans_on_is_on_the_page(report):
    table, found = table_of(report, "leans-on"), report.study.importance
    assert (table["place"], table["open"]) == ("data", True)
    assert [row[0] for row in table["rows"]] == [one.column for one in found.columns]
    first = found.columns[0]
    assert table["rows"][0][1] == f"{100 * first.drop:.1f} points".replace("-", "−")
    assert "among 90 validation samples: the mean of 5 shuffles" in table["note"]


def test_bars_begin_at_zero_and_reach_over_the_interval(report):
    low, high = -0.05, 0.2
    columns = (
        ColumnImportance("a", 0.15, 0.1, high), ColumnImportance("b", -0.02, low, 0.01)
    )  # fmt: skip
    study = replace(report.study, importance=Importance(columns, 0.8, 90, 5, 2))
    bars = table_of(replace(report, study=study), "leans-on")["bars"]
    zero, mid = 160 * 0.05 / 0.25, 160 * 0.2 / 0.25
    assert bars[0].startswith(f"M{zero:.1f} 1H{mid:.1f}V11H{zero:.1f}Z")
    assert bars[0].endswith(
        f"M{160 * 0.15 / 0.25:.1f} 5H160.0V7H{160 * 0.15 / 0.25:.1f}Z"
    )
    assert "M0.0 5H38.4V7H0.0Z" in bars[1]
    flat = Importance((ColumnImportance("a", 0.0, 0.0, 0.0),), 0.8, 90, 5, 1)
    study = replace(report.study, importance=flat)
    (bar,) = table_of(replace(report, study=study), "leans-on")["bars"]
    assert "nan" not in bar


def test_ten_columns_are_shown_and_how_many_were_tried_is_said(report):
    columns = tuple(ColumnImportance(f"c{n}", 0.1, 0.0, 0.2) for n in range(12))
    study = replace(report.study, importance=Importance(columns, 0.8, 90, 5, 900))
    table = table_of(replace(report, study=study), "leans-on")
    assert (len(table["rows"]), len(table["bars"])) == (10, 10)
    assert "Tried were 12 of 900 columns. Shown are the first 10." in table["note"]


def test_weak_spots_are_on_the_page(weak):
    table = table_of(weak, "weak-spots")
    assert [row[0] for row in table["rows"]] == [f'{NAME} is "<i>Köln"', "class goes"]
    assert table["rows"][0][1:] == ["9", "30", "30\u202f%", "10\u202f%", "6"]
    assert "the 21 values, ranges and classes" in table["note"]
    assert NAME not in page(report_payload(weak)).rpartition("<script>")[0]


def test_a_button_marks_the_errors_of_the_worst(weak):
    payload = report_payload(weak).content
    first = payload["runs"][0]["findings"]
    (told,) = (one for one in first if one["kind"] == "weak spot")
    shown = Shown.of(weak.study)
    places = shown.places(weak.study.weak_spots.spots[0].mistakes).tolist()
    assert told["link"] == f"m=samples:{'.'.join(map(str, places))}"
    assert told["button"] == f"weak spot: {NAME[:13]}…"


def test_no_weak_spot_is_no_table(report):
    study = replace(report.study, weak_spots=WeakSpots((), 21))
    ids = [
        t["id"] for t in report_payload(replace(report, study=study)).content["tables"]
    ]
    assert "weak-spots" not in ids
    assert "leans-on" in ids


def test_a_page_of_a_study_alone_has_both(weak):
    ids = [table["id"] for table in study_payload(weak.study).content["tables"]]
    assert {"leans-on", "weak-spots", "class-scores"} <= {*ids}


@pytest.mark.browser
def test_in_a_browser_bars_are_drawn_and_the_worst_is_marked(weak, opened):
    with opened(page(report_payload(weak))) as found:
        rows = len(weak.study.importance.columns)
        bars = found.tab.locator("#data path")
        assert bars.count() == rows
        widths = [bars.nth(at).bounding_box()["width"] for at in range(rows)]
        spans = [
            max(one.high, one.drop, 0) - min(one.low, one.drop, 0)
            for one in weak.study.importance.columns
        ]
        assert np.argmax(widths) == np.argmax(spans)
        assert "<i>Köln" in found.one("#data").inner_text()
        found.one("nav.findings button:has-text('weak spot')").click()
        found.one(".marked").wait_for()
        assert found.one(".card .marked > p > b").inner_text() == "9"
        assert found.says("m=samples:")
        assert found.count("#data script") == 0
