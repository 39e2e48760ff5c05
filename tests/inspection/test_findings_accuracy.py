"""Findings on the accuracy: what is right, and what a confidence is worth."""

from dataclasses import replace

import numpy as np
import pytest

from layerwise.inspection._findings_accuracy import (
    accuracy,
    calibration,
    calibration_error,
    keepable,
)
from layerwise.inspection._share import share


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
    assert "a five-digit postcode" in found.text
    (renamed,) = accuracy(replace(study, class_names=tuple("abcdefghij")))
    assert "five samples in a row" in renamed.text


def test_nothing_is_kept_without_a_validation_set(study):
    assert len(list(keepable(study))) == 1
    assert not list(keepable(replace(study, keepable=None)))


class TestCalibrationError:
    @pytest.mark.parametrize("seed", range(5))
    def test_against_its_definition(self, seed):
        """Guo et al. 2017, equations 2 and 3, bin by bin."""
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(size=400) ** 0.3
        right = rng.random(400) < confidence**2
        expected = 0.0
        for low in range(15):
            inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
            if inside.any():
                gap = abs(right[inside].mean() - confidence[inside].mean())
                expected += inside.sum() / 400 * gap
        found = calibration_error(confidence, right)
        assert found == pytest.approx(expected, rel=1e-12)

    def test_at_the_edges(self):
        confidence = np.array([0.0, 1 / 15, 1.0, 1.0])
        right = np.array([True, False, True, False])
        # The first two share the first bin, the others the last.
        expected = (abs(1 / 15 - 1) + abs(2 - 1)) / 4
        found = calibration_error(confidence, right)
        assert found == pytest.approx(expected, rel=1e-12)

    def test_errors_of_two_bins_do_not_cancel(self):
        confidence = np.array([0.5, 0.5, 0.7, 0.7])
        right = np.array([True, True, False, True])
        assert confidence.mean() == pytest.approx(0.6)
        found = calibration_error(confidence, right)
        assert found == pytest.approx((1.0 + 0.4) / 4, rel=1e-12)


class TestCalibration:
    @pytest.mark.parametrize(
        ("confidence", "verdict"),
        [(0.95, "is overconfident"), (0.85, "is underconfident")],
    )
    def test_the_direction(self, study, confidence, verdict):
        (found,) = calibration(scored(study, np.arange(1000) >= 100, confidence))
        assert verdict in found.text
        evidence = found.evidence
        assert evidence["accuracy"] == 0.9
        assert evidence["mean_confidence"] == pytest.approx(confidence, rel=1e-6)
        assert evidence["expected_calibration_error"] == pytest.approx(0.05, rel=1e-5)

    def test_what_chance_makes_is_no_direction(self, study):
        """0.5 and 0.92 lie 2.3 standard errors apart, 0.92 and 0.905 only 1.7."""
        right = np.arange(1000) >= 95
        (found,) = calibration(scored(study, right, 0.92))
        assert "neither over- nor underconfident" in found.text
        noise = 1.96 * np.sqrt(0.92 * 0.08 / 1000)
        assert found.evidence["noise"] == pytest.approx(noise, rel=1e-6)
        (found,) = calibration(scored(study, np.arange(1000) >= 100, 0.92))
        assert "overconfident" in found.text
        assert "neither" not in found.text
