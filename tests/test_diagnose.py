"""`layerwise diagnose`: what it says of a run, and the run that comes of --fix."""

import json
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.cli import main
from layerwise.experiment import Plan, Run, fix_run, restored
from layerwise.model import load_network

pytestmark = pytest.mark.usefixtures("unpainted", "unchecked")

SLOW = ["--hidden", "16", "--learning-rate", "1e-7", "--schedule", "constant"]


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_run_says_what_is_wrong_and_how_to_fix_it(folder, capsys):
    assert main(["train", "iris", *SLOW, "--epochs", "10", "--out", "slow"]) == 0
    printed = said(capsys)
    assert "diagnosis: learning rate too low" in printed
    assert "layerwise diagnose slow --fix" in printed
    summary = json.loads((folder / "slow" / "summary.json").read_text())
    assert summary["diagnosis"][0]["kind"] == "learning rate too low"
    assert summary["training"]["diagnosis"] == "learning rate too low"


def test_fix_trains_again_and_writes_a_run_that_can_be_used(folder, capsys):
    main(["train", "iris", *SLOW, "--epochs", "10", "--out", "slow"])
    before = load_network(folder / "slow")
    capsys.readouterr()
    assert main(["diagnose", "slow", "--fix"]) == 0
    assert "fixed run in slow-fixed-1" in said(capsys)
    run, result = restored("slow-fixed-1")
    data = lw.load("iris")
    hit = [
        np.mean(network.predict(data.validation.inputs) == data.validation.targets)
        for network in (before, load_network(run.folder))
    ]
    assert hit[1] > hit[0] + 0.2
    assert result.validation.accuracy == pytest.approx(hit[1])
    assert main(["report", "slow-fixed-1"]) == 0


def test_a_run_that_is_the_current_folder_is_fixed_beside_it(folder, monkeypatch):
    main(["train", "iris", *SLOW, "--epochs", "2", "--out", "slow"])
    monkeypatch.chdir("slow")
    assert main(["diagnose", ".", "--fix"]) == 0
    assert (folder / "slow-fixed-1" / "summary.json").is_file()


def test_a_healthy_run_is_left_alone(folder, capsys):
    main(["train", "iris", "--hidden", "16", "--out", "fine"])
    capsys.readouterr()
    assert main(["diagnose", "fine", "--fix", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"diagnosis": []}
    assert {path.name for path in folder.iterdir()} == {"fine"}


def test_a_cause_that_no_setting_fixes_is_not_tried(folder, capsys):
    rng = np.random.default_rng(0)
    np.savez("noise.npz", X=rng.normal(size=(200, 5)), y=np.arange(200) % 3)
    main(["train", "noise.npz", "--hidden", "8", "--epochs", "2", "--out", "noise"])
    printed = said(capsys)
    assert "labels without information" in printed
    assert "fix No setting fixes this" in printed
    assert "--fix" not in printed
    assert main(["diagnose", "noise", "--fix"]) == 0
    printed = said(capsys)
    assert "nothing was tried" in printed
    assert "no change was better" not in printed


def test_a_change_of_the_data_is_left_to_its_owner(folder):
    """Labels out of step are put back for the trial; no command asks for that again."""
    data = lw.load("digits")
    rolled = replace(data.train, targets=np.roll(data.train.targets, 1))
    shifted = replace(data, train=rolled)
    plan = Plan("digits", recipe=lw.Recipe(epochs=5), architecture=lw.MLP([32]))
    result = lw.fit(plan.architecture, shifted, plan.recipe)
    run = Run(folder / "shifted", plan, shifted, "never saved")
    new, fixed = fix_run(run, result)
    assert fixed.rounds[0].cause.kind == "inputs and labels out of step"
    assert fixed.result.validation.accuracy > 0.9
    assert new is None
    assert not list(folder.iterdir())
