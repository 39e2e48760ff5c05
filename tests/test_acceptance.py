"""What the main job promises, on real data, through the command line."""

import json
import os

import pytest

from layerwise.cli import main

pytestmark = pytest.mark.usefixtures("unchecked")

SGD = ["--batch-size", "32", "--optimizer", "sgd", "--learning-rate", "0.05"]


def summary_of(tmp_path, *argv: str) -> dict:
    assert main(["train", *argv, "--out", str(tmp_path / "run")]) == 0
    return json.loads((tmp_path / "run" / "summary.json").read_text())


@pytest.fixture
def mnist():
    if not os.environ.get("LAYERWISE_DATA"):
        pytest.skip("LAYERWISE_DATA names no folder with MNIST")


@pytest.mark.slow("long trainings")
def test_run_mnist_ends_above_97_5_percent_with_a_page(tmp_path, mnist, capsys):
    run = tmp_path / "run"
    assert main(["run", "mnist", "--out", str(run), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["training"]["test_accuracy"] >= 0.975
    assert summary["training"]["status"] == "finished"
    assert (run / "report.html").stat().st_size <= 10_000_000
    probes = [layer["probe_accuracy"] for layer in summary["layers"]]
    assert summary["input"]["probe_accuracy"] < probes[0] < probes[3]
    baselines = summary["baselines"]
    assert 0.9 < baselines["logistic regression"]["accuracy"] < 0.94
    kinds = {finding["kind"] for finding in summary["findings"]}
    assert {"accuracy", "keepable", "mixed pair", "apart", "spread"} <= kinds


@pytest.mark.slow("long trainings")
def test_textbook_setting_on_mnist_beats_the_textbooks_94_percent(tmp_path, mnist):
    settings = "--hidden 100,100,100,100 --batch-size 16 --optimizer adam"
    settings += " --learning-rate 1e-4 --schedule constant --epochs 5"
    training = summary_of(tmp_path, "mnist", *settings.split())["training"]
    # Adam at 1e-4 has not converged after five epochs. He's scale gets further than
    # the narrower draw of the textbook's framework, which ends between 0.94 and 0.96.
    assert 0.95 <= training["test_accuracy"] <= 0.97
    assert training["steps"] == 5 * 3375


def test_digits_end_above_96_percent(tmp_path):
    training = summary_of(tmp_path, "digits")["training"]
    assert training["test_accuracy"] >= 0.96


def test_moons_end_above_99_8_percent(tmp_path):
    options = ["--hidden", "30,30", "--epochs", "10", *SGD]
    training = summary_of(tmp_path, "moons", *options)["training"]
    assert training["test_accuracy"] >= 0.998
    assert training["steps"] == 2500


@pytest.mark.slow("long trainings")
def test_eight_layers_train_with_he_scale(tmp_path):
    training = summary_of(tmp_path, "moons", "--hidden", "30x8", *SGD)["training"]
    assert training["test_accuracy"] >= 0.998
