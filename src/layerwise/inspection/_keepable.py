"""How much can be kept where an accuracy is required."""

import numpy as np
from jaxtyping import Bool, Float

from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.inspection._study import Keepable, Share, Study
from layerwise.model import Network
from layerwise.statistics import wilson_interval

__all__ = ["keepable"]


def keepable(
    network: Network, validation: Samples, study: Study, required: float
) -> Keepable:
    """Return what can be kept: threshold by the validation set, counts by the scored.

    Raises
    ------
    InputError
        If the required accuracy is not between 0 and 1.
    """
    if not 0 < required < 1:
        raise InputError(f"required accuracy must be between 0 and 1, not {required}")
    logits = network.logits(validation.inputs)
    confidence = np.max(network.loss.probabilities(logits), axis=1)
    right = np.argmax(logits, axis=1) == validation.targets
    threshold = _threshold(confidence, right, required)
    kept = study.confidence >= threshold
    hits = (study.predictions == study.targets)[kept]
    return Keepable(
        required=required,
        threshold=threshold,
        kept=_share(int(kept.sum()), len(kept)),
        accuracy=_share(int(hits.sum()), int(kept.sum())),
    )


def _threshold(
    confidence: Float[np.ndarray, " samples"],
    right: Bool[np.ndarray, " samples"],
    required: float,
) -> float:
    """Return the lowest confidence down to which the required accuracy holds."""
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    accuracy = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    # Samples of equal confidence are kept or left together: only the last of them
    # is a possible end.
    last = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    enough = np.flatnonzero((accuracy >= required) & last)
    return float(sorted_confidence[enough[-1]]) if len(enough) else np.inf


def _share(successes: int, trials: int) -> Share:
    if trials == 0:
        return Share(0, 0, 0.0, 1.0)
    low, high = wilson_interval(successes, trials)
    return Share(successes, trials, float(low), float(high))
