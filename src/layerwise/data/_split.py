"""Cut a set into parts that hold every class in proportion."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, Integer

from layerwise.errors import InputError

__all__ = ["drawn", "stratified_split"]


def stratified_split(
    targets: Integer[np.ndarray, " samples"], shares: Sequence[float], seed: int
) -> list[Int64[np.ndarray, " _"]]:
    """Draw parts without replacement, each with the classes in proportion.

    The sizes of the parts follow the shares, rounded. A class with as many samples as
    there are parts is in every part; one with fewer is in the first parts.

    Parameters
    ----------
    targets : integer array, shape (samples,)
        The class of each sample.
    shares : sequence of float
        The parts' shares, all above 0; only their ratios matter.
    seed : int
        The same seed gives the same parts.

    Returns
    -------
    list of int64 arrays
        The samples of each part, in increasing order; every sample is in one part.

    Raises
    ------
    InputError
        If a share is not above 0, or the seed is below.
    """
    if not all(share > 0 for share in shares):
        raise InputError(f"shares {tuple(shares)}: give numbers above 0")
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or more")
    rng = np.random.default_rng(seed)
    # Half the memory: there may be more samples than inputs that fit into it.
    narrow = np.int32 if len(targets) <= np.iinfo(np.int32).max else np.int64
    queues = [
        rng.permutation(np.flatnonzero(targets == one).astype(narrow))
        for one in np.unique(targets)
    ]
    counts = np.array([len(queue) for queue in queues], np.int64)
    parts: list[np.ndarray] = []
    # The first part takes what the others leave, so that it is served last.
    for later in range(len(shares) - 1, 0, -1):
        share = shares[later] / sum(shares[: later + 1])
        taken = _allotted(counts, share, counts - later)
        part = [queue[:n] for queue, n in zip(queues, taken, strict=True)]
        parts.append(np.concatenate(part) if part else np.zeros(0, np.int64))
        queues = [queue[n:] for queue, n in zip(queues, taken, strict=True)]
        counts = counts - taken
    parts.append(np.concatenate(queues) if queues else np.zeros(0, np.int64))
    return [np.sort(part).astype(np.int64) for part in reversed(parts)]


def _allotted(
    counts: Int64[np.ndarray, " classes"],
    share: float,
    most: Int64[np.ndarray, " classes"],
) -> Int64[np.ndarray, " classes"]:
    """Share out ``round(share * sum(counts))`` places by largest remainder.

    No class takes more than ``most``, and each takes one where that lets it.
    """
    quotas = counts * share
    most = np.maximum(most, 0)
    places = np.clip(np.floor(quotas).astype(np.int64), np.minimum(most, 1), most)
    missing = round(float(quotas.sum())) - int(places.sum())
    by_remainder = np.argsort(places - quotas, kind="stable")
    open_classes = by_remainder[places[by_remainder] < most[by_remainder]]
    places[open_classes[: max(missing, 0)]] += 1
    return places


def drawn(
    targets: Integer[np.ndarray, " samples"], most: int, seed: int
) -> Int64[np.ndarray, " drawn"]:
    """Return ``most`` positions at most, a stratified draw, in increasing order."""
    if len(targets) <= most:
        return np.arange(len(targets))
    part = most / len(targets)
    return stratified_split(targets, [part, 1 - part], seed)[0]
