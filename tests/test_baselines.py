"""Simple methods: against scikit-learn, measured once, and without the test set."""

from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise import baselines
from layerwise.baselines import Baselines
from layerwise.data import Samples, fit_scaling


def rows(data):
    scaling = fit_scaling(data.train.inputs, data.scaling)
    return [
        scaling.apply(s.inputs, np.float32).reshape(len(s), -1)
        for s in (data.train, data.validation, data.test)
    ]


@pytest.mark.parametrize("name", ["digits", "iris"])
class TestAgainstScikitLearn:
    def test_beside_a_network(self, name, request):
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier

        data = request.getfixturevalue(name)
        train, _, test = rows(data)
        majority, linear, neighbour = Baselines(data).beside(data.test)
        expected = [
            model.fit(train, data.train.targets).score(test, data.test.targets)
            for model in (
                DummyClassifier(strategy="most_frequent"),
                LogisticRegression(max_iter=2000),
                KNeighborsClassifier(1),
            )
        ]
        assert majority.accuracy.value == expected[0]
        assert linear.accuracy.value == pytest.approx(expected[1], abs=0.02)
        assert neighbour.accuracy.value == expected[2]
        assert [b.name for b in (majority, linear, neighbour)] == [
            "majority class",
            "logistic regression",
            "nearest neighbour",
        ]
        assert {b.fitted_on for b in (majority, linear, neighbour)} == {len(data.train)}

    def test_for_a_diagnosis(self, name, request):
        from sklearn.metrics import recall_score
        from sklearn.neighbors import KNeighborsClassifier

        data = request.getfixturevalue(name)
        train, validation, _ = rows(data)
        truth, found = data.validation.targets, Baselines(data)
        for neighbours, accuracy in ((1, found.nearest), (15, found.several)):
            model = KNeighborsClassifier(neighbours).fit(train, data.train.targets)
            said = model.predict(validation)
            assert accuracy.value == np.mean(said == truth)
            if neighbours == 1:
                recall = recall_score(truth, said, average=None)
        assert np.array_equal(found.recall, recall)
        assert found.majority.value == np.mean(
            truth == np.bincount(data.train.targets).argmax()
        )
        assert found.best.value == max(
            a.value for a in (found.nearest, found.several, found.linear)
        )


def test_least_squares_against_scikit_learn(digits):
    from sklearn.linear_model import Ridge

    train, validation, _ = rows(replace(digits, scaling="standard"))
    model = Ridge(baselines.RIDGE * len(train))
    model.fit(train, np.eye(10)[digits.train.targets])
    said = model.predict(validation).argmax(axis=1)
    expected = np.mean(said == digits.validation.targets)
    assert Baselines(digits).linear.value == pytest.approx(expected, abs=0.005)


def test_many_samples_are_drawn_from(moons, monkeypatch):
    monkeypatch.setattr("layerwise.baselines.FITTED", 500)
    monkeypatch.setattr("layerwise.baselines.SCORED", 100)
    found = Baselines(moons, seed=1)
    *_, neighbour = found.beside(moons.test)
    assert (neighbour.fitted_on, neighbour.accuracy.trials) == (500, 100)
    assert neighbour.accuracy.value > 0.95
    assert found.nearest.trials == found.linear.trials == 100


def test_the_test_set_has_no_say_in_a_diagnosis(iris):
    spoilt = replace(iris, test=Samples(iris.test.inputs * 0, iris.test.targets * 0))
    one, other = Baselines(iris), Baselines(spoilt)
    for name in ("majority", "nearest", "several", "linear", "best"):
        assert getattr(one, name) == getattr(other, name)


def test_a_badly_chosen_scaling_is_no_fault_of_the_data(iris):
    far = replace(iris, scaling="none")
    inputs = [s.inputs * [1, 1000, 1, 1e-3] for s in (far.train, far.validation)]
    far = replace(
        far,
        train=Samples(inputs[0], far.train.targets),
        validation=Samples(inputs[1], far.validation.targets),
    )
    assert Baselines(far).nearest == Baselines(iris).nearest
    assert Baselines(far).linear == Baselines(iris).linear


def test_each_is_fitted_once(iris, monkeypatch):
    """Whatever a run asks for: its diagnosis, that of a fix, and its page."""
    calls = []

    def counted(queries, fitted, *rest):
        calls.append(len(queries))
        return nearest_rows(queries, fitted, *rest)

    nearest_rows = baselines.nearest_rows
    monkeypatch.setattr(baselines, "nearest_rows", counted)
    found = Baselines(iris)
    result = lw.fit(lw.MLP([4]), iris, epochs=1, engine="eager")
    for _ in range(2):
        lw.diagnose(result, found)
    found.beside(iris.validation)
    assert calls == [len(iris.validation)]
    found.beside(iris.test)
    assert calls == [len(iris.validation), len(iris.test)]
