"""How alike the layers of two studied networks are."""

import numpy as np
from jaxtyping import Float

from layerwise.errors import InputError
from layerwise.study.measures import layer_similarity
from layerwise.study.records import Study


def similarity_between(
    study: Study, other: Study
) -> dict[str, Float[np.ndarray, "_ _"]]:
    """Return how alike the layers of two studied networks are.

    Each network has seen the same stated sample: the networks may differ in
    everything else, width and depth among it.

    Parameters
    ----------
    study, other : Study
        Of the same scored samples.

    Returns
    -------
    dict of str to array, shape (layers of the one + 1, layers of the other + 1)
        ``debiased`` and ``biased``; the input comes first.

    Raises
    ------
    InputError
        If the two studies were made of different samples.
    """
    if study.sample_hash != other.sample_hash:
        raise InputError(
            "the two studies were made of different samples: inspect both networks "
            "with the same data"
        )
    return layer_similarity(
        [layer.sample for layer in study], [layer.sample for layer in other]
    )
