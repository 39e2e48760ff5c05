"""Findings on the accuracy: what is right, and what a confidence is worth."""

from dataclasses import replace

import numpy as np
import pytest

from layerwise.statistics._predictions import share
from layerwise.study.findings._predictions import accuracy, calibration, keepable
from layerwise.study.records._study import Keepable


def scored(study, right, confidence):
    """The study with samples that are right or wrong, and this confident."""
    right = np.asarray(right)
    targets = np.zeros(len(right), np.int32)
    return replace(
        study,
        targets=targets,
        predictions=np.where(right, 0, 1),
        confidence=np.broadcast_to(np.asarray(confidence, np.float32), len(right)),
        accuracy=share(right),
    )


def test_five_in_a_row(study):
    (found,) = accuracy(study)
    assert found.evidence["all_right"] == study.accuracy.value**5
    assert "five predictions in a row are all correct in" in found.detail


def test_nothing_is_kept_without_a_validation_set(study):
    assert len(list(keepable(study))) == 1
    assert not list(keepable(replace(study, keepable=None)))


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (99, "99.0 % are right here. The threshold was chosen on 900 validation"),
        (98, "98.0 % are right here, less than required, which for 100 samples may be"),
        (80, "are right here, less than required: the validation set promised too"),
    ],
)
def test_whether_what_is_kept_is_as_good_as_required(study, right, said):
    kept = share(np.arange(100) < right)
    keep = Keepable(0.99, 0.9999938, share(np.arange(120) < 100), kept, 900, 437)
    (found,) = keepable(replace(study, keepable=keep))
    assert found.headline == "83.3 % of samples can be accepted at 99 % accuracy"
    assert said in found.detail
    assert "with a confidence of at least 99.999 %: of those " in found.detail
    assert found.detail.endswith("Refer the other 20 to a person.")


def test_where_no_sample_reaches_the_threshold_that_is_said(study):
    none = share(np.zeros(100, bool))
    keep = Keepable(0.9, 0.98, none, share(np.zeros(0, bool)), 900, 42)
    (found,) = keepable(replace(study, keepable=keep))
    assert found.text == (
        "No sample is confident enough for 90 % accuracy. The confidence threshold is "
        "98.0 %; all 100 are below it."
    )


def test_where_all_are_kept_there_is_no_rest(study):
    right = share(np.arange(100) < 99)
    keep = Keepable(0.9, 0.5, share(np.arange(100) < 100), right, 900, 42)
    (found,) = keepable(replace(study, keepable=keep))
    assert "99.0 % are right here. " in found.detail
    assert "person" not in found.detail


class TestCalibration:
    @pytest.mark.parametrize(
        ("confidence", "verdict", "side"),
        [(0.95, "is overconfident", "above"), (0.85, "is underconfident", "below")],
    )
    def test_the_direction(self, study, confidence, verdict, side):
        (found,) = calibration(scored(study, np.arange(1000) >= 100, confidence))
        assert verdict in found.text
        assert f"divide the logits by a temperature {side} one: " in found.text
        evidence = found.evidence
        assert evidence["accuracy"] == 0.9
        assert evidence["mean_confidence"] == pytest.approx(confidence, rel=1e-6)
        assert evidence["expected_calibration_error"] == pytest.approx(0.05, rel=1e-5)

    def test_what_chance_makes_is_no_direction(self, study):
        """0.5 and 0.92 lie 2.3 standard errors apart, 0.92 and 0.905 only 1.7."""
        right = np.arange(1000) >= 95
        (found,) = calibration(scored(study, right, 0.92))
        assert "Confidence is well calibrated: " in found.text
        noise = 1.96 * np.sqrt(0.92 * 0.08 / 1000)
        assert found.evidence["noise"] == pytest.approx(noise, rel=1e-6)
        (found,) = calibration(scored(study, np.arange(1000) >= 100, 0.92))
        assert "overconfident" in found.text
        assert "well calibrated" not in found.text

    def test_what_few_samples_do_not_tell(self, study):
        assert not list(calibration(scored(study, np.arange(20) >= 3, 0.9)))
        (found,) = calibration(scored(study, np.arange(20) >= 12, 0.9))
        assert found.text.startswith("The network is overconfident: ")
