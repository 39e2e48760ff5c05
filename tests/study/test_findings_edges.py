"""Where there is nothing to say: collapsed networks, all right, few samples."""

from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.model import MLP, initial_network
from layerwise.statistics import share
from layerwise.study.findings import study_findings
from layerwise.study.findings._predictions import (
    accuracy,
    calibration,
    constant,
    decided_late,
    decided_wrong,
)


@pytest.fixture(scope="module")
def collapsed(digits):
    """Of a network whose hidden units never fire: it answers 6 whatever comes in."""
    network = initial_network(MLP([6, 5]), digits)
    never = network.parameters[0][0] | {"b": np.full(6, -1e6, np.float32)}
    first, second, (output,) = network.parameters
    bias = np.zeros(10, np.float32)
    bias[6] = 1
    parameters = ((never, *first[1:]), second, (output | {"b": bias},))
    return lw.inspect(replace(network, parameters=parameters), digits)


class TestCollapsed:
    def test_every_measure_is_undefined(self, collapsed):
        for layer in collapsed.layers:
            counted = ("dead_units", "duplicate_units")
            values = layer.measures.values
            assert values["dead_units"] == layer.units
            rest = [v for k, v in values.items() if k not in counted]
            assert np.isnan(rest).all(), layer.name
            assert np.isnan(layer.probe_accuracy.value)
            assert np.isnan(layer.probe_recall).all()
            for kind in (layer.measures.by_class, layer.measures.by_pair):
                assert all(np.isnan(v).all() for v in kind.values())
        assert collapsed.input.probe_accuracy.value > 0.8

    def test_the_constant_answer_is_the_finding(self, collapsed):
        first, second, *_ = collapsed.findings
        assert first.text == (
            "The network predicts 6 for every sample. It does so for all of 270 test "
            "samples. hidden1, hidden2 and output give the same output for each. "
            "Measures of constant activations are undefined. Check that the inputs are "
            "scaled as in training; or train with a lower learning rate or another "
            "initialisation."
        )
        assert second.kind == "accuracy"

    def test_no_finding_takes_constants_for_knowledge(self, collapsed):
        kinds = {finding.kind for finding in collapsed.findings}
        assert not kinds & {
            "apart",
            "mixed pair",
            "decided late",
            "decided wrong",
            "training",
            "collapse",
            "alike",
            "spread",
            "picture",
        }
        assert not any("nan" in f.text or "–" in f.text for f in collapsed.findings)

    def test_a_page_can_be_made(self, collapsed, tmp_path):
        page = collapsed.report(tmp_path / "page.html").read_text("utf-8")
        assert "predicts 6 for every sample" in page

    def test_one_class_alone_is_no_constant_answer(self, collapsed):
        of_one = replace(collapsed, targets=np.full_like(collapsed.targets, 6))
        (found,) = constant(of_one)
        assert "predicts" not in found.text

    def test_others_are_not_constant(self, study):
        assert not list(constant(study))


def answered(study, right, confidence=0.9):
    targets = np.arange(len(right), dtype=np.int32) % 2
    return replace(
        study,
        targets=targets,
        predictions=np.where(right, targets, 1 - targets),
        confidence=np.broadcast_to(np.float32(confidence), len(right)),
        accuracy=share(np.asarray(right)),
        scored_on=f"{len(right)} test samples",
    )


def test_all_right_needs_no_row_and_no_calibration(study):
    perfect = answered(study, np.ones(1000, bool), 0.99)
    (found,) = accuracy(perfect)
    assert found.text == (
        "Accuracy 100 % on 1000 test samples (95 % interval 99.6 to 100 %)."
    )
    assert not list(calibration(perfect))


def test_few_samples_are_too_few_to_judge(study):
    few = answered(study, np.arange(12) < 9)
    (found,) = accuracy(few)
    assert found.text.startswith(
        "Too few samples to judge: 9 of 12 are correct (95 % interval 47 to "
    )
    assert not list(calibration(few))


def test_half_a_point_is_neither_over_nor_underconfident(study):
    many = answered(study, np.arange(100_000) >= 100, 0.995)
    (found,) = calibration(many)
    assert "Confidence is well calibrated" in found.text


def told(study, layers, network):
    """The study, all of class 0, its two hidden layers' probes saying this."""
    hidden = [
        replace(layer, probe_predictions=np.asarray(said))
        for layer, said in zip(study.layers[:2], layers, strict=True)
    ]
    return replace(
        study,
        layers=(*hidden, study.layers[2]),
        targets=np.zeros(len(network), np.int32),
        predictions=np.asarray(network),
        confidence=np.ones(len(network), np.float32),
    )


def test_no_share_of_nothing_is_said(study):
    right = np.zeros(100, int)
    late = np.where(np.arange(100) < 30, 1, 0)
    (found,) = decided_late(told(study, (late, right), right))
    assert found.text.endswith("30 predictions are settled by hidden2 at the earliest.")
    (found,) = decided_late(told(study, (late, right), np.where(late, [1], 0)))
    assert found.text.endswith("at the earliest: 100 % of these are wrong.")


def test_no_mistake_of_a_kind_is_not_counted_as_zero(study):
    network = np.where(np.arange(100) < 30, 1, 0)
    (found,) = decided_wrong(told(study, (network, network), network))
    assert "still right" not in found.text
    right = np.zeros(100, int)
    (found,) = decided_wrong(told(study, (right, right), network))
    assert found.text == (
        "30 of 30 errors were still right in a probe of some hidden layer. They were "
        "lost in a later layer."
    )


@pytest.mark.parametrize("samples", [1, 2, 5, 12])
def test_small_test_sets_are_studied_without_zeros(trained, digits, samples):
    few = lw.Samples(digits.test.inputs[:samples], digits.test.targets[:samples])
    study = lw.inspect(trained, replace(digits, test=few))
    found = study_findings(study)
    texts = " ".join(finding.text for finding in found)
    assert "Too few samples to judge" in texts
    assert " 1 test samples" not in texts
