"""A simple method beside the network: said where it is as good, and how surely."""

from dataclasses import replace

import numpy as np
import pytest

from layerwise.baselines import Baseline
from layerwise.statistics import Share, wilson_interval
from layerwise.study import Finding, Suspect, beside, with_suspects


def share(right, samples):
    return Share(right, samples, *wilson_interval(right, samples))


def methods(nearest, samples, linear=0.5):
    """Return the majority class, a regression, and the nearest neighbour."""
    counts = (samples // 10, round(linear * samples), nearest)
    names = ("majority class", "logistic regression", "nearest neighbour")
    return [
        Baseline(name, share(right, samples), 100)
        for name, right in zip(names, counts, strict=True)
    ]


@pytest.fixture
def right(study):
    """Makes a study of a network with so many samples right."""
    return lambda n, of: replace(study, accuracy=share(n, of))


def found(study):
    return [one for one in study.findings if one.kind == "simple method"]


def test_it_comes_after_the_accuracy(right):
    told = beside(right(9740, 10_000), methods(9810, 10_000))
    kinds = [finding.kind for finding in told.findings]
    assert kinds[:2] == ["accuracy", "simple method"]
    (one,) = found(told)
    assert one.headline == (
        "Nearest neighbour beats the network: 98.1 % and 97.4 % correct"
    )
    assert (
        "the difference is 0.7 points (± 0.4 points). That is more than" in one.detail
    )


def test_a_lead_that_may_be_chance_is_said_to_be(right):
    (one,) = found(beside(right(262, 270), methods(265, 270)))
    assert one.headline.startswith("Nearest neighbour is as good as the network: 98.1")
    assert "That may be chance: " in one.detail
    (one,) = found(beside(right(265, 270), methods(265, 270)))
    assert one.headline.startswith(
        "Nearest neighbour is as good as the network: 98.1 %"
    )


def test_a_lead_of_most_of_the_noise_is_no_equality(right):
    (one,) = found(beside(right(102, 135), methods(114, 135)))
    assert one.headline == (
        "Nearest neighbour may be better than the network: 84.4 % and 75.6 % correct"
    )
    assert "8.9 points (± 9.5 points). That may be chance: " in one.detail


def test_an_accuracy_that_guessing_reaches_is_called_so(study, unchecked):
    targets = np.array([0] * 408 + [1] * 12)
    rare = replace(
        study,
        accuracy=share(410, 420),
        targets=targets,
        predictions=np.where(np.arange(420) < 418, 0, targets),
        class_names=("no", "yes"),
    )
    (one,) = found(beside(rare, guessing(408, 420)))
    assert one.text.startswith(
        "No sure gain over guessing the majority class: 97.6 % and 97.1 %. Predicting "
        "the most frequent class for all 420 samples is right for 408; the difference "
        "is +0.5 points (± 2.2 points). The network finds 2 of 12 samples of class "
        '"yes". Judge'
    )
    assert one.evidence["method"] == "majority class"
    better = replace(rare, accuracy=share(420, 420), predictions=targets)
    assert not found(beside(better, guessing(408, 420)))


def guessing(right, samples):
    return [Baseline("majority class", share(right, samples), 100)]


def test_the_best_method_is_named(right):
    (one,) = found(beside(right(900, 1000), methods(910, 1000, linear=0.95)))
    assert one.evidence["method"] == "logistic regression"


def test_a_network_that_is_better_is_no_finding(right):
    better = right(9741, 10_000)
    assert beside(better, methods(9740, 10_000)).findings == better.findings


def test_of_few_samples_nothing_is_said(right):
    assert not found(beside(right(15, 19), methods(19, 19)))
    assert found(beside(right(15, 20), methods(20, 20)))


def test_other_suspects_change_their_finding_alone(study):
    """Those of the networks out of fold take the place of the study's own."""
    before = replace(study, findings=(Finding("first", "1", "", {}), *study.findings))
    suspect = Suspect("test", 7, 9, 4, 1.0, 0.0, 0.99, 9, 10, None)
    after = with_suspects(before, (suspect,))
    (told,) = [one for one in after.findings if one.kind == "suspect labels"]
    assert "Check test sample 7 first" in told.detail
    others = [one for one in after.findings if one.kind != "suspect labels"]
    assert others == [one for one in before.findings if one.kind != "suspect labels"]
