"""The benchmarks still run; how fast anything is, no test says."""

import functools
import importlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

COMPARE = Path(__file__).parents[1] / "benchmarks" / "compare.py"
ESTIMATORS = COMPARE.with_name("estimators.py")


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> str:
    """The moons table, with a yardstick that always claims the same."""
    baselines = tmp_path_factory.mktemp("baselines")
    yardstick = baselines / "textbook_loop.py"
    yardstick.write_text("print('1234.5 us/step accuracy 0.5')")
    options = ["--only", "moons", "--runs", "1", "--quick", "--markdown"]
    command = [
        sys.executable,
        "-X",
        "utf8",
        str(COMPARE),
        *options,
        "--baselines",
        str(baselines),
    ]
    return subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def cells(printed: str) -> dict[str, list[str]]:
    """The table's rows by their first cell."""
    lines = [line.strip("| ") for line in printed.splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    return {name: rest for name, *rest in split}


@pytest.mark.slow("benchmarks")
def test_every_contender_has_a_row(printed):
    assert list(cells(printed)) == [
        "layerwise",
        "layerwise, whole fit by its steps",
        "JAX, one jitted call per step",
        "scikit-learn MLPClassifier",
        "textbook loop",
        "layerwise, eager engine",
    ]


@pytest.mark.slow("benchmarks")
def test_ratios_are_to_layerwise(printed):
    table = cells(printed)
    ours = float(table["layerwise"][0])
    assert table["layerwise"][2] == "1.00"
    assert table["textbook loop"][:2] == ["1,234", "1,234 – 1,234"]
    # The median is printed to three digits, or to whole microseconds.
    ratio = float(table["textbook loop"][2])
    assert ratio == pytest.approx(1234.5 / ours, rel=6e-3)


@pytest.mark.slow("benchmarks")
def test_the_run_names_its_versions_and_its_date(printed):
    first = printed.splitlines()[0]
    assert re.search(r"logical cores, .* layerwise [\d.]+, numpy [\d.]+", first)
    assert re.search(r"\d{4}-\d\d-\d\d; medians of n = 1 runs", first)


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(COMPARE.parent)
    return importlib.import_module("compare")


def test_contenders_take_turns_after_one_unmeasured_run_each(compare):
    turns = []
    clock = itertools.count()

    def contender(name):
        turns.append(name)
        return float(next(clock))

    contest = compare.Contest(
        "t", "s", {name: functools.partial(contender, name) for name in "ab"}
    )
    figures = compare.interleaved(contest, runs=2)
    assert turns == list("ababab")
    assert figures == {"a": [2.0, 4.0], "b": [3.0, 5.0]}


def test_a_yardstick_that_is_not_there_is_not_found(compare):
    gone = functools.partial(compare.script, Path("nowhere.py"))
    contest = compare.Contest("t", "s", {"ours": lambda: 2.0, "gone": gone})
    rows = list(compare.rows(compare.interleaved(contest, runs=1)))
    assert rows == [("ours", "2", "2 – 2", "1.00"), ("gone", "not found", "", "")]


@pytest.mark.slow("benchmarks")
def test_the_estimators_are_timed_beside_scikit_learns():
    command = [sys.executable, "-W", "ignore", "-X", "utf8", str(ESTIMATORS)]
    options = ["--only", "grid", "--runs", "1", "--quick", "--markdown"]
    printed = subprocess.run(
        [*command, *options], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert list(cells(printed)) == ["layerwise", "scikit-learn"]


def script(name: str, *options: str) -> str:
    command = [sys.executable, "-X", "utf8", str(COMPARE.with_name(name)), *options]
    return subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8"
    ).stdout


@pytest.mark.slow("benchmarks")
@pytest.mark.usefixtures("mnist")
def test_steps_of_modules_are_timed_beside_a_plain_loop():
    options = ["--samples", "512", "--epochs", "1", "--runs", "1", "--markdown"]
    printed = script("torch_steps.py", *options)
    titles = [line for line in printed.splitlines() if line.startswith("###")]
    assert len(titles) == 3
    for table in printed.split("###")[1:]:
        assert list(cells(table)) == ["layerwise, engine torch", "PyTorch loop"]


@pytest.mark.slow("benchmarks")
def test_looking_is_timed_beside_a_forward_pass():
    options = ["--samples", "256", "--runs", "1", "--only", "perceptron,transformer"]
    _, *lines = script("capture_cost.py", *options).splitlines()
    assert [line.split()[0] for line in lines] == ["perceptron", "transformer"]
    assert all("% more" in line and "Gflop/s" in line for line in lines)


@pytest.fixture
def clinic(monkeypatch):
    monkeypatch.syspath_prepend(COMPARE.parent)
    return importlib.import_module("clinic")


QUICK = {
    "dead units",
    "learning rate too low",
    "underfitting",
    "left in evaluation mode",
    "healthy",
}


def small(case) -> bool:
    return case.data == "table" or (case.data, case.kind) == ("digits", "underfitting")


@pytest.mark.slow("benchmarks")
def test_the_clinic_names_and_fixes(clinic):
    """A handful of its cases; the whole of it is a benchmark."""
    chosen = {c.kind: c for c in clinic.cases() if small(c) and c.kind in QUICK}
    assert set(chosen) == QUICK
    for case in chosen.values():
        outcome = clinic.seen(case)
        assert clinic.is_right(outcome), outcome
        assert outcome.repaired in (True, None), outcome


@pytest.mark.slow("benchmarks")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_sample_of_the_clinic(clinic):
    chosen = [c for c in clinic.cases() if c.data in ("table", "digits")][::5]
    outcomes = [clinic.seen(case) for case in chosen]
    wrong = [o for o in outcomes if not clinic.is_right(o)]
    assert len(wrong) <= 1, wrong


def test_the_clinic_is_as_large_as_it_says(clinic):
    kinds = [case.kind for case in clinic.cases()]
    assert kinds.count("healthy") >= 30
    assert len(kinds) - kinds.count("healthy") >= 60


@pytest.mark.slow("benchmarks")
def test_whole_commands_have_their_rows(tmp_path):
    command = [sys.executable, "-X", "utf8", str(COMPARE.with_name("commands.py"))]
    options = ["--only", "start,moons,notebook", "--runs", "1", "--quick", "--markdown"]
    said = subprocess.run(
        [*command, *options, "--baselines", str(tmp_path)],
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    assert re.findall(r"^\| ((?:layerwise|lw).*?) \|", said, re.MULTILINE) == [
        "layerwise --help",
        "layerwise train moons, second",
        "layerwise train moons, first",
        "lw.fit of digits",
    ]


@pytest.mark.slow("benchmarks")
def test_a_step_is_timed_on_one_core():
    script = COMPARE.with_name("threads.py")
    options = ["--widths", "16", "--runs", "1", "--quick", "--markdown"]
    printed = subprocess.run(
        [sys.executable, "-X", "utf8", script, *options],
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    assert "784-16-16-10, batch 128" in printed
    first, *_ = cells(printed).items()
    assert (first[0], first[1][-1]) == ("1 core", "1.00")
