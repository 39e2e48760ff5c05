"""What can be kept at a required accuracy: threshold on validation, counts on test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import beta

import layerwise as lw
from layerwise.statistics import fewest_to_promise, promised
from layerwise.study import Keepable


def bound_reaches(right, required):
    """Clopper and Pearson's lower bound, at a quarter of 5 %."""
    good, wrong = right.sum(), (~right).sum()
    return good > 0 and beta.ppf(0.0125, good, wrong + 1) >= required


def by_hand(confidence, right, required):
    """Four walks downwards, each up to the first threshold that fails."""
    fewest = fewest_to_promise(required)
    lowest = np.inf
    if len(right) < fewest:
        return lowest
    for start in np.geomspace(fewest, len(right), 4, endpoint=False):
        for t in np.unique(confidence)[::-1]:
            kept = confidence >= t
            if kept.sum() < np.rint(start):
                continue
            if not bound_reaches(right[kept], required):
                break
            lowest = min(lowest, t)
    return lowest


def answers(network, samples):
    p = network.predict_proba(samples.inputs)
    return p.max(axis=1), network.predict(samples.inputs) == samples.targets


@pytest.mark.parametrize("required", [0.5, 0.9, 0.97, 0.99])
def test_the_threshold_is_the_validation_sets(trained, digits, required):
    keepable = lw.inspect(trained, digits, required_accuracy=required).keepable
    expected = by_hand(*answers(trained, digits.validation), required)
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
        lw.inspect(trained, d, required_accuracy=0.9).keepable
        for d in (digits, replace(digits, test=wrong))
    )
    assert first.threshold == second.threshold
    assert first.kept == second.kept
    assert first.accuracy.value > 0.9 > 0.1 > second.accuracy.value


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.9]), st.booleans()),
        min_size=4,
        max_size=60,
    ),
    st.sampled_from([0.2, 0.4, 0.5, 0.75]),
)
def test_any_confidences_ties_included(rows, required):
    """Samples of equal confidence are kept or left together."""
    confidence = np.array([c for c, _ in rows])
    right = np.array([r for _, r in rows])
    found = promised(confidence, right, required)
    assert found == by_hand(confidence, right, required)


@pytest.mark.parametrize("required", [0.95, 0.99])
@pytest.mark.parametrize("samples", [600, 2000])
@pytest.mark.parametrize("slack", [0.25, 0.5])
def test_95_of_100_draws_keep_the_promise(required, samples, slack):
    """Chosen and judged on the same samples, about half of the draws did not.

    The sureness u is uniform and a sample is right with probability 1 - slack·u²; kept
    are those below a u, right in 1 - slack·u²/3 of cases. On other samples, as many,
    chance alone may make it less.
    """
    rng = np.random.default_rng(0)
    held, held_on_others, draws = 0, 0, 250
    for _ in range(draws):
        u, v = rng.random((2, samples))
        threshold = promised(-u, rng.random(samples) > slack * u**2, required)
        held += np.isinf(threshold) or 1 - slack * threshold**2 / 3 >= required
        kept = rng.random(samples)[-v >= threshold] > slack * v[-v >= threshold] ** 2
        held_on_others += not len(kept) or kept.mean() >= required
    assert held >= 0.95 * draws
    assert held_on_others >= 0.92 * draws


def test_the_margin_costs_little():
    rng = np.random.default_rng(1)
    u = rng.random(6000)
    threshold = promised(-u, rng.random(6000) > 0.25 * u**8, 0.99)
    # 99 % of the samples below u = 0.88 are right.
    assert 0.8 < -threshold < 0.88


def test_where_no_threshold_will_do_nothing_is_kept(identity):
    network = identity(2)
    rng = np.random.default_rng(0)
    targets = np.arange(60) % 2
    inputs = rng.normal(size=(60, 2)) + np.eye(2)[1 - targets] * 9
    samples = lw.Samples(inputs, targets)
    data = lw.Dataset.from_arrays(inputs, targets)
    data = replace(data, train=samples, validation=samples, test=samples)
    study = lw.inspect(network, data, required_accuracy=0.9)
    assert isinstance(study.keepable, Keepable)
    assert study.keepable.threshold == np.inf
    assert study.keepable.kept.value == 0
    assert np.isnan(study.keepable.accuracy.value)
    (finding,) = [f for f in study.findings if f.kind == "keepable"]
    assert "no prediction can be accepted" in finding.text
    study = lw.inspect(network, data, required_accuracy=0.99)
    (finding,) = [f for f in study.findings if f.kind == "keepable"]
    assert finding.text == (
        "Too few validation samples for a threshold that promises 99 % accuracy. A "
        "confidence threshold for it needs at least 437 validation samples, all of "
        "them right; there are 60. A lower required accuracy needs fewer."
    )
