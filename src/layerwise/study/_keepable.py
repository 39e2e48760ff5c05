"""How much can be kept where an accuracy is required."""

import numpy as np
from jaxtyping import Bool, Float

from layerwise.errors import InputError
from layerwise.statistics import share
from layerwise.study.records import Keepable, Study

__all__ = ["keepable"]


def keepable(study: Study, required: float) -> Keepable | None:
    """Return what can be kept: threshold by the validation set, counts by the scored.

    None without a validation set.

    Raises
    ------
    InputError
        If the required accuracy is not between 0 and 1.
    """
    if not 0 < required < 1:
        raise InputError(f"required accuracy must be between 0 and 1, not {required}")
    view = study.validation
    predictions, confidence = study.predictions, study.confidence
    if view is None or predictions is None or confidence is None:
        return None
    right = view.predictions == view.targets
    threshold = _threshold(view.confidence, right, required)
    kept = confidence >= threshold
    return Keepable(
        required=required,
        threshold=threshold,
        kept=share(kept),
        accuracy=share((predictions == study.targets)[kept]),
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
