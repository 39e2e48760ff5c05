"""Permutation importance of columns: scikit-learn's, and what chance makes of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance

import layerwise as lw
from layerwise.data.columns import Columns, Number
from layerwise.study import _tables
from layerwise.study._tables import importance_of
from layerwise.study.findings._inputs import leans_on

ROWS = 900


def table(seed: int = 0) -> pd.DataFrame:
    """A number and a category that tell the label, and columns that do not."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure": rng.exponential(20, ROWS).round(1),
            "town": rng.choice(["Ulm", "Köln", "Bonn"], ROWS),
            "age": rng.integers(18, 90, ROWS).astype(float),
            "since": pd.date_range("2019-01-07", periods=ROWS),
        }
    )
    score = (frame.tenure < 12) * 2.5 + (frame.town == "Ulm") * 1.6
    frame["churn"] = np.where(score + rng.normal(0, 0.5, ROWS) > 1.4, "goes", "stays")
    frame.loc[::7, "age"] = np.nan
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def data(frame) -> lw.Dataset:
    return lw.Dataset.from_frame(frame, "churn")


@pytest.fixture(scope="module")
def network(data) -> lw.Network:
    return lw.fit(lw.MLP([16]), data, epochs=20, engine="eager", seed=0).network


@pytest.fixture(scope="module")
def study(network, data) -> lw.Study:
    return lw.inspect(network, data)


class Wrapped(ClassifierMixin, BaseEstimator):
    """A network that takes the table's own columns, for scikit-learn."""

    def __init__(self, network=None):
        self.network = network

    def fit(self, X, y):  # noqa: ARG002 - as scikit-learn has it
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.network.predict(X)


def answer(network):
    return lambda rows: np.argmax(network.logits(rows), axis=1)


def labelled(samples):
    return np.asarray(samples.inputs), samples.targets


def test_is_that_of_scikit_learn(frame, data, network, monkeypatch):
    monkeypatch.setattr(_tables, "PERMUTATIONS", 30)
    parts = labelled(data.validation), labelled(data.train)
    ours = importance_of(answer(network), data.columns, *parts)
    rows = frame.drop(columns="churn").iloc[data.validation.rows]
    wrapped = Wrapped(network).fit(rows, data.validation.targets)
    theirs = permutation_importance(
        wrapped, rows, data.validation.targets, scoring="accuracy", n_repeats=30,
        random_state=0,
    )  # fmt: skip
    means = dict(zip(rows.columns, theirs.importances_mean, strict=True))
    noise = dict(zip(rows.columns, theirs.importances_std, strict=True))
    assert {one.column for one in ours.columns} == {*rows.columns}
    for one in ours.columns:
        both = noise[one.column] * np.sqrt(2 / 30)
        assert one.drop == pytest.approx(means[one.column], abs=5 * both + 1e-12)
    assert means["tenure"] > 0.1  # or nothing was compared


def test_all_inputs_of_a_column_move_together(data, network):
    inputs = np.asarray(data.validation.inputs)
    given = []

    def watched(rows):
        given.append(rows.copy())
        return answer(network)(rows)

    importance_of(
        watched, data.columns, labelled(data.validation), labelled(data.train)
    )
    first, *shuffled = given
    assert np.array_equal(first, inputs)
    assert len(shuffled) == 5 * len(data.columns.used)
    for place, rows in enumerate(shuffled):
        own = data.columns.places[data.columns.used[place // 5].name]
        others = np.ones(inputs.shape[1], bool)
        others[own] = False
        assert np.array_equal(rows[:, others], inputs[:, others])
        assert not np.array_equal(rows[:, own], inputs[:, own])
        as_rows = (sorted(map(tuple, one[:, own])) for one in (rows, inputs))
        assert len({str(one) for one in as_rows}) == 1


def test_the_same_samples_give_the_same(network, data, study):
    assert lw.inspect(network, data).importance == study.importance


def test_the_most_important_column_is_named(study):
    (found,) = (one for one in study.findings if one.kind == "leans on")
    first = study.importance.columns[0]
    assert first.column == "tenure"
    evidence = found.evidence
    assert evidence["column"] == "tenure"
    assert evidence["drop"] == first.drop
    assert evidence["accuracy"] - evidence["shuffled"] == pytest.approx(first.drop)
    assert evidence["low"] > 0
    assert [*evidence["others"]][:1] == ["town"]
    assert found.headline.startswith('The network leans most on "tenure": ')
    assert len(found.headline.split()) <= 14
    assert "no sure difference" in found.detail


def test_intervals_hold_the_drop(study):
    for one in study.importance.columns:
        assert one.low <= one.drop <= one.high
        assert one.error == pytest.approx((one.drop - one.low) / 1.96)


def test_in_noise_no_column_is_said_to_matter(study):
    """In at most 5 % of studies: some noise network leans on whatever it leans on."""
    said = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows, targets = rng.normal(size=(200, 8)), rng.integers(0, 2, 200)
        weights, mixed = rng.normal(size=8), rng.normal(size=(8, 6))
        columns = Columns(tuple(Number(f"c{at}", 0.0) for at in range(8)), "float64")

        def guessed(x, weights=weights, mixed=mixed):
            return (np.tanh(x @ mixed).sum(axis=1) + x @ weights > 0).astype(int)

        pair = rows, targets
        found = importance_of(guessed, columns, pair, pair)
        said += len([*leans_on(replace(study, importance=found))])
    assert said <= 6  # 3 are expected at most; more than 6 in 3 % of cases


def test_of_too_few_samples_nothing_is_known(data, network):
    few = np.asarray(data.validation.inputs)[:19], data.validation.targets[:19]
    assert importance_of(answer(network), data.columns, few, few) is None


def test_of_very_many_columns_some_are_tried(data, network, monkeypatch):
    rows = np.asarray(data.validation.inputs)
    monkeypatch.setattr(_tables, "BUDGET", 2 * 5 * rows.size)
    study = lw.inspect(network, data)
    found = study.importance
    assert {one.column for one in found.columns} == {"tenure", "town"}
    assert found.of == 4
    (told,) = leans_on(study)
    assert "Tried were 2 of 4 columns" in told.detail


def test_samples_are_limited(monkeypatch, data, network):
    monkeypatch.setattr(_tables, "SHUFFLED", 50)
    assert lw.inspect(network, data).importance.samples == 50


def test_pictures_and_arrays_have_no_columns():
    iris = lw.load("iris")
    network = lw.fit(lw.MLP([]), iris, epochs=1, engine="eager").network
    study = lw.inspect(network, iris)
    assert (study.importance, study.weak_spots) == (None, None)


def test_a_module_has_the_same(data, network, study):
    torch = pytest.importorskip("torch")
    module = lw.to_torch(network)
    assert isinstance(module, torch.nn.Module)
    found = lw.inspect(module, data)
    assert found.importance == study.importance
    assert found.weak_spots.tested == study.weak_spots.tested
