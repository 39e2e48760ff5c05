"""What can be kept at a required accuracy: threshold on validation, counts on test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import layerwise as lw
from layerwise.study import Keepable


def brute_force(confidence, right, required):
    """The lowest of all thresholds at which what is kept is right often enough."""
    enough = [
        t for t in np.unique(confidence) if right[confidence >= t].mean() >= required
    ]
    return min(enough, default=np.inf)


def answers(network, samples):
    p = network.predict_proba(samples.inputs)
    return p.max(axis=1), network.predict(samples.inputs) == samples.targets


@pytest.mark.parametrize("required", [0.5, 0.9, 0.97, 0.99, 0.999])
def test_the_threshold_is_the_validation_sets(trained, digits, required):
    keepable = lw.inspect(trained, digits, required_accuracy=required).keepable
    expected = brute_force(*answers(trained, digits.validation), required)
    assert keepable.threshold == expected
    confidence, right = answers(trained, digits.test)
    kept = confidence >= expected
    assert keepable.kept.successes == kept.sum()
    assert keepable.kept.trials == len(kept)
    assert keepable.accuracy.successes == right[kept].sum()
    assert keepable.accuracy.trials == kept.sum()


def test_the_test_set_has_no_say_in_the_threshold(trained, digits):
    wrong = lw.Samples(digits.test.inputs, (digits.test.targets + 1) % 10)
    first, second = (
        lw.inspect(trained, d).keepable for d in (digits, replace(digits, test=wrong))
    )
    assert first.threshold == second.threshold
    assert first.kept == second.kept
    assert first.accuracy.value > 0.9 > 0.1 > second.accuracy.value


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.9]), st.booleans()), min_size=4
    ),
    st.sampled_from([0.4, 0.5, 0.75, 0.9]),
)
def test_any_confidences_ties_included(identity, rows, required):
    """Samples of equal confidence are kept or left together."""
    network = identity(2)
    confidence = np.array([c for c, _ in rows])
    right = np.array([r for _, r in rows])
    logits = np.stack([np.log(confidence), np.log(1 - confidence)], axis=1)
    # At 0.5 both logits are equal, and the first class is predicted.
    samples = lw.Samples(logits, np.where(right, 0, 1))
    data = lw.Dataset(
        name="made",
        train=samples,
        validation=samples,
        test=samples,
        class_names=network.class_names,
        feature_names=None,
        origin="",
        scaling="standard",
    )
    found = lw.inspect(network, data, required_accuracy=required).keepable
    expected = brute_force(network.predict_proba(logits).max(axis=1), right, required)
    assert found.threshold == expected


def test_where_no_threshold_will_do_nothing_is_kept(identity):
    network = identity(2)
    rng = np.random.default_rng(0)
    targets = np.arange(60) % 2
    inputs = rng.normal(size=(60, 2)) + np.eye(2)[1 - targets] * 9
    samples = lw.Samples(inputs, targets)
    data = lw.Dataset.from_arrays(inputs, targets)
    data = replace(data, train=samples, validation=samples, test=samples)
    study = lw.inspect(network, data)
    assert isinstance(study.keepable, Keepable)
    assert study.keepable.threshold == np.inf
    assert study.keepable.kept.value == 0
    assert np.isnan(study.keepable.accuracy.value)
    (finding,) = [f for f in study.findings if f.kind == "keepable"]
    assert "nothing can be kept" in finding.text
