"""How well a confidence keeps its word, against its definition."""

import numpy as np
import pytest

from layerwise.statistics import _predictions
from layerwise.statistics._predictions import calibration_of


class TestError:
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
        found = calibration_of(confidence, right).error
        assert found == pytest.approx(expected, rel=1e-12)

    def test_at_the_edges(self):
        confidence = np.array([0.0, 1 / 15, 1.0, 1.0])
        right = np.array([True, False, True, False])
        # The first two share the first bin, the others the last.
        expected = (abs(1 / 15 - 1) + abs(2 - 1)) / 4
        found = calibration_of(confidence, right).error
        assert found == pytest.approx(expected, rel=1e-12)

    def test_errors_of_two_bins_do_not_cancel(self):
        confidence = np.array([0.5, 0.5, 0.7, 0.7])
        right = np.array([True, True, False, True])
        assert confidence.mean() == pytest.approx(0.6)
        found = calibration_of(confidence, right).error
        assert found == pytest.approx((1.0 + 0.4) / 4, rel=1e-12)


def test_by_blocks_as_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, size=1000).astype(np.float32)
    right = rng.random(1000) < confidence
    whole = calibration_of(confidence, right)
    monkeypatch.setattr(_predictions, "BLOCK", 7)
    cut = calibration_of(confidence, right)
    assert cut.samples.tolist() == whole.samples.tolist()
    assert cut.right.tolist() == whole.right.tolist()
    assert np.isnan(whole.confidence).tolist() == [True] * 4 + [False] * 11
    np.testing.assert_allclose(cut.confidence, whole.confidence, rtol=1e-14)
    p = confidence.astype(np.float64)
    assert cut.variance == pytest.approx(np.sum(p * (1 - p)), rel=1e-13)
    assert cut.mean_confidence == pytest.approx(p.mean(), rel=1e-13)
    assert cut.accuracy == right.mean()


def test_a_rounding_above_one_is_in_the_last_bin():
    found = calibration_of(np.array([1 + 1e-7]), np.array([True]))
    assert found.samples[-1] == found.right[-1] == 1
