"""The way of the data through a whole run: checked once, scaled by one record."""

import pytest

import layerwise as lw
from layerwise.baselines import logistic_regression
from layerwise.data import Samples, fit_scaling
from layerwise.experiment import Plan, finish, open_run, reopen_run, train
from layerwise.statistics import nearest_rows
from layerwise.training import fingerprint


@pytest.fixture
def counted(monkeypatch):
    """How often each is done: by its name, the samples that it was done to."""
    seen = {"built": [], "scaled": [], "fingerprinted": []}
    checked = Samples.__post_init__

    def built(samples):
        seen["built"].append(len(samples.inputs))
        checked(samples)

    def scaled(inputs, kind):
        seen["scaled"].append(len(inputs))
        return fit_scaling(inputs, kind)

    def fingerprinted(architecture, data, recipe):
        seen["fingerprinted"].append(len(data.train))
        return fingerprint(architecture, data, recipe)

    monkeypatch.setattr(Samples, "__post_init__", built)
    monkeypatch.setattr("layerwise.data._records.fit_scaling", scaled)
    for module in ("experiment._folder", "training._checkpoint"):
        monkeypatch.setattr(f"layerwise.{module}.fingerprint", fingerprinted)
    return seen


def test_a_run_checks_scales_and_names_its_data_once(counted, monkeypatch, tmp_path):
    monkeypatch.setattr("layerwise.experiment._path.page", lambda *_: "")
    plan = Plan("iris", recipe=lw.Recipe(epochs=1), architecture=lw.MLP([8]))
    with open_run(plan, str(tmp_path / "run")) as run:
        finish(run, *train(run))
    trained = len(run.data.train)
    assert counted["built"].count(trained) == 1
    assert counted["scaled"] == [trained]
    assert counted["fingerprinted"] == [trained]


def test_a_run_measures_simple_methods_once(monkeypatch, tmp_path):
    """For its diagnosis, on validation samples, and for its page, on test samples."""
    asked, trained = [], []

    def searched(queries, *rest):
        asked.append(len(queries))
        return nearest_rows(queries, *rest)

    def regressed(data, scored, seed):
        trained.append(scored)
        return logistic_regression(data, scored, seed)

    monkeypatch.setattr("layerwise.baselines.nearest_rows", searched)
    monkeypatch.setattr("layerwise.baselines.logistic_regression", regressed)
    monkeypatch.setattr("layerwise.experiment._path.page", lambda *_: "")
    plan = Plan("iris", recipe=lw.Recipe(epochs=1), architecture=lw.MLP([8]))
    with open_run(plan, str(tmp_path / "run")) as run:
        finish(run, *train(run))
    assert asked == [len(run.data.validation), len(run.data.test)]
    assert trained == [run.data.test]


def test_a_run_that_goes_on_names_its_training_once(counted, tmp_path):
    folder = str(tmp_path / "run")
    plan = Plan("iris", recipe=lw.Recipe(epochs=1), architecture=lw.MLP([8]))
    with open_run(plan, folder) as run:
        train(run)
        # As if it had been killed behind its last checkpoint.
        summary = tmp_path / "run" / "summary.json"
        summary.write_text(summary.read_text().replace('"finished"', '"running"'))
    counted["fingerprinted"].clear()
    with reopen_run(folder) as again:
        assert again.checkpoint is not None
        train(again)
    assert counted["fingerprinted"] == [len(run.data.train)]
