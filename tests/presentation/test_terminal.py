"""What is printed: text and nothing but text."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import layerwise as lw
from layerwise.presentation import (
    RowsBar,
    TrainingBar,
    print_data,
    print_findings,
    print_layers,
    print_statistics,
    print_suspects,
    print_training,
)
from layerwise.study import Finding
from layerwise.training import Epoch, History, Progress, Result, fit
from layerwise.wording import percent


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=False)


def printed(console: Console) -> list[str]:
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def rows(console: Console) -> list[list[str]]:
    return [line.split() for line in printed(console)]


def test_statistics_stand_in_columns(console, digits):
    print_statistics(console, digits.statistics)
    assert ["samples", "1,258", "269", "270"] in rows(console)
    counts = [part.class_counts[4] for part in digits.statistics.sets.values()]
    assert ["4", *map(str, counts)] in rows(console)


def test_layers_stand_in_rows(digits):
    console = Console(file=io.StringIO(), width=88, force_terminal=False)
    print_layers(console, digits.study)
    first, head, _, *layers = [line for line in printed(console) if line.strip()]
    assert first.split() == [
        "linear", "logistic", "nearest", "neighbour", "dead", "duplicate",
    ]  # fmt: skip
    assert head.split() == [
        "layer", "probe", "probe", "mean", "purity", "units", "units", "dimensions",
    ]  # fmt: skip
    for line, layer in zip(layers, digits.study, strict=False):
        values = layer.measures.values
        shares = [
            values[name]
            for name in ("probe_accuracy", "logistic_accuracy", "nearest_mean_accuracy",
                         "neighbour_purity")
        ]  # fmt: skip
        assert line.split() == [
            layer.name,
            *(part for share in shares for part in percent(share).split()),
            f"{layer.dead_units}",
            f"{layer.duplicate.sum()}",
            *f"{layer.participation_ratio:.3g} of {layer.units}".split(),
        ]


def test_layers_with_long_names_are_told_apart_in_80_columns(console, digits):
    study = digits.study
    names = [f"distilbert.transformer.layer.{n}" for n in range(len(study.layers))]
    layers = [replace(x, name=n) for x, n in zip(study.layers, names, strict=True)]
    print_layers(console, replace(study, layers=tuple(layers)))
    said = console.file.getvalue()
    firsts = [line.split()[0] for line in said.splitlines() if line.count("%") > 3]
    assert firsts == ["input", *map(str, range(len(layers)))]
    assert "shown without 'distilbert.transformer.layer.'" in " ".join(said.split())


def test_suspects_stand_in_rows(digits):
    console = Console(file=io.StringIO(), width=88, force_terminal=False)
    suspects = digits.study.suspects
    first = replace(suspects[0], part="training", origin="row 12,345")
    suspects = (first, *suspects[1:])
    names = tuple("abcdefghij")
    print_suspects(console, suspects, names)
    head, _, *lines = [line for line in printed(console) if line.strip()]
    assert head.split() == [
        "sample", "labelled", "looks", "like", "score", "confidence", "neighbours",
        "since",
    ]  # fmt: skip
    first, second, _ = suspects
    labels = [[names[one.label], names[one.suggestion]] for one in (first, second)]
    told = ["75.0", "%", "8", "of", "10"]
    assert [line.split() for line in lines[:2]] == [
        ["training", "row", "12,345", *labels[0], "0.90", *told, "hidden1"],
        ["test", "sample", f"{second.position:,}", *labels[1], "0.80", *told, "–"],
    ]


def test_suspects_of_hostile_names_are_printed_as_text(console, hostile):
    suspects = [replace(hostile.study.suspects[0], label=7, suggestion=8)]
    print_suspects(console, suspects, hostile.data.class_names)
    text = console.file.getvalue()
    assert "[red]:smile…" in text
    assert "\x1b" not in text


def test_headlines_are_a_list(console):
    findings = (
        Finding("a", "headline " * 12, "detail", {}),
        Finding("b", "[bold]short[/bold]", "", {}),
    )
    print_findings(console, findings, "page.html")
    _, *lines = printed(console)
    assert max(map(len, lines)) <= 88
    assert lines[0].startswith(" • headline")
    assert lines[1].startswith("   headline")
    assert lines[-2:] == [" • [bold]short[/bold]", "details: page.html"]


def test_of_many_findings_the_first_of_each_kind_are_shown(console):
    kinds = "aabbbcdefghij"
    findings = tuple(Finding(k, f"{k}{n}", "", {}) for n, k in enumerate(kinds))
    print_findings(console, findings, "page.html")
    shown = [line.removeprefix(" • ") for line in printed(console)[1:]]
    assert shown[:-1] == ["a0", "b2", "c5", "d6", "e7", "f8", "g9", "h10"]
    assert shown[-1] == "8 of 13 findings; the others and all details: page.html"
    some = tuple(f for f in findings if f.kind in "abc")
    print_findings(console, some, "page.html")
    shown = [line.removeprefix(" • ") for line in printed(console)[11:]]
    assert shown == ["a0", "a1", "b2", "b3", "b4", "c5", "details: page.html"]


def test_hostile_names_are_printed_as_text(console, hostile):
    print_statistics(console, hostile.statistics)
    print_findings(console, (Finding("a", "\x1b[31m[red]:smile:\x07", "", {}),))
    text = console.file.getvalue()
    assert "[red]:smile:[/red]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_data_set_is_said_in_two_lines_and_its_remarks(console, iris):
    print_data(console, iris.data)
    first, *second, remark = printed(console)
    assert [remark] == [*iris.data.remarks]
    assert first == "iris: 105 training, 23 validation, 22 test samples"
    assert " ".join(second) == (
        f"3 classes; each sample has 4 inputs, float64. {iris.data.origin}"
    )


def test_one_input_is_one_input(console):
    numbers = np.arange(40.0)[:, None]
    print_data(console, lw.Dataset.from_arrays(numbers, np.arange(40) % 2))
    assert "each sample has 1 input, float64." in " ".join(printed(console))


@pytest.fixture(scope="module")
def trained() -> Result:
    return fit(lw.MLP([]), lw.load("iris"), epochs=2, engine="eager", seed=0)


def test_a_training_is_said_with_its_figures(console, trained):
    print_training(console, trained)
    text = " ".join(printed(console))
    losses = trained.history.losses.astype(float)
    assert text.startswith("training finished: 8 steps, batch size 32, ")
    assert (
        f"min {losses.min():.3g}, mean {losses.mean():.3g}, last {losses[-1]:.3g}"
        in text
    )
    assert f"test accuracy {100 * trained.test.accuracy:.0f} %" in text


def test_a_speed_that_is_not_known_is_left_out(console, trained):
    print_training(console, replace(trained, seconds=4.0, steps_per_second=0.0))
    assert printed(console)[0] == "training finished: 8 steps, batch size 32, 4.0 s"


def test_a_diverged_training_names_its_step(console, trained):
    history = History(np.array([2, np.inf], np.float32), np.zeros(2, np.float32))
    print_training(console, replace(trained, status="diverged", history=history))
    text = " ".join(printed(console))
    assert "the loss of step 2 is not finite" in text
    assert "min 2, mean 2, last inf" in text


def test_steps_are_logged_once_each(console):
    losses = np.arange(1, 8, dtype=np.float32)
    history = History(losses, losses / 10)
    with TrainingBar(console, every=3) as watch:
        for step in (2, 4, 7):
            so_far = replace(
                history, losses=losses[:step], accuracies=history.accuracies[:step]
            )
            watch(progress(step=step, history=so_far))
    assert rows(console) == [
        ["step", "3", "loss", "3", "accuracy", "30.0", "%"],
        ["step", "6", "loss", "6", "accuracy", "60.0", "%"],
    ]


def progress(**changes) -> Progress:
    history = History(epochs=(Epoch(1, 50, 0.1, 0.5, 0.8, 0.6, 0.7),))
    begun = Progress(
        step=60,
        total_steps=100,
        epochs=2,
        loss=0.5,
        accuracy=0.8125,
        steps_per_second=1234.4,
        latest=history.epochs[-1],
        history=history,
    )
    return replace(begun, **changes)


def test_the_bar_shows_figures(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with TrainingBar(console) as watch:
        watch(progress())
    text = console.file.getvalue()
    assert "epoch 2/2" in text
    assert "loss 0.5  accuracy 81.2 %  1,234 steps/s" in text


def test_the_bar_shows_no_speed_before_there_is_one():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with TrainingBar(console) as watch:
        watch(progress(steps_per_second=0.0))
    assert "accuracy 81.2 %" in console.file.getvalue()
    assert "steps/s" not in console.file.getvalue()


def test_the_last_step_is_of_the_last_epoch():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with TrainingBar(console) as watch:
        watch(progress(step=100))
    assert "epoch 2/2" in console.file.getvalue()


def test_a_bar_of_rows_says_how_many_of_how_many():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with RowsBar(console) as watch:
        watch(1000, 2500)
    assert "1,000 of 2,500" in console.file.getvalue()


def test_a_bar_of_rows_goes_on_to_the_search_for_suspects():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with RowsBar(console) as watch:
        watch(1000, 2500)
        watch.judged(2, 7)
    text = console.file.getvalue()
    assert "judging labels out of fold" in text
    assert "2 of 7 parts" in text


def test_no_terminal_no_bar(console):
    with TrainingBar(console) as watch:
        watch(progress())
    assert console.file.getvalue() == ""


def test_no_colour_where_none_is_wanted(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with TrainingBar(console) as watch:
        watch(progress())
    assert "\x1b[3" not in console.file.getvalue()
    assert "epoch 2/2" in console.file.getvalue()
