"""Which samples are for training, which for validation and which for the test."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, Integer

from layerwise.errors import InputError


def shares_of(
    has_validation: bool, has_test: bool, test_share: float | None
) -> tuple[list[float], str]:
    """Return the shares of the parts to draw, and a sentence on them.

    The parts are training, then validation and test where they are not given.
    """
    given = "The validation set is the one given; the test set is "
    if has_test and has_validation:
        return [1.0], "Validation and test set are the ones given"
    if has_test:
        return [0.9, 0.1], (
            "The test set is the one given; validation is a stratified 10 % of the"
            " other samples"
        )
    if test_share is None:
        if has_validation:
            return [0.85, 0.15], f"{given}a stratified 15 % of the other samples"
        return [0.7, 0.15, 0.15], (
            "Training, validation and test are a stratified split of 70, 15 and 15 %"
        )
    if not 0 < test_share < 1:
        raise InputError(f"test share {test_share}: give a number between 0 and 1")
    rest = 1 - test_share
    if has_validation:
        return [rest, test_share], (
            f"{given}a stratified {test_share:.3g} of the other samples"
        )
    return [0.9 * rest, 0.1 * rest, test_share], (
        f"The test set is a stratified {test_share:.3g} of the samples; validation is"
        " a stratified 10 % of the others"
    )


def stratified_split(
    targets: Integer[np.ndarray, " samples"], shares: Sequence[float], seed: int
) -> list[Int64[np.ndarray, " _"]]:
    """Draw parts without replacement, each with the classes in proportion.

    The sizes of the parts follow the shares, rounded, of which only the ratios matter.
    A class with as many samples as there are parts is in every part; one with fewer is
    in the first parts.

    Returns
    -------
    list of int64 arrays
        The samples of each part, in increasing order; every sample is in one part.
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
    nothing = np.zeros(0, narrow)  # where there are no classes
    # The first part takes what the others leave, so that it is served last.
    for later in range(len(shares) - 1, 0, -1):
        share = shares[later] / sum(shares[: later + 1])
        taken = _allotted(counts, share, counts - later)
        part = [queue[:n] for queue, n in zip(queues, taken, strict=True)]
        parts.append(np.concatenate([*part, nothing]))
        queues = [queue[n:] for queue, n in zip(queues, taken, strict=True)]
        counts = counts - taken
    parts.append(np.concatenate([*queues, nothing]))
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


def grouped_split(
    targets: Integer[np.ndarray, " samples"],
    groups: Integer[np.ndarray, " samples"],
    shares: Sequence[float],
    seed: int,
) -> list[Int64[np.ndarray, " _"]]:
    """Draw parts so that no group stands in two of them.

    Groups are given out one by one, the largest first and those of one size in an order
    drawn from the seed, each to the part that lacks most of what the group has: samples
    of its classes. Sizes and classes follow the shares as far as the groups let them.
    Classes and groups are counted from 0; the rest is as for `stratified_split`.
    """
    classes = int(targets.max()) + 1
    held = np.zeros((int(groups.max()) + 1, classes))
    np.add.at(held, (groups, targets), 1)
    lacking = np.outer(np.asarray(shares) / np.sum(shares), held.sum(axis=0))
    order = np.random.default_rng(seed).permutation(len(held))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]
    part_of = np.zeros(len(held), np.int64)
    empty = set(range(len(shares)))
    for left, group in zip(range(len(order), 0, -1), order, strict=True):
        wanted = lacking @ held[group]
        if left <= len(empty):  # the last ones: no part stays without a group
            wanted[[part for part in range(len(shares)) if part not in empty]] = -np.inf
        part = int(np.argmax(wanted))
        part_of[group] = part
        lacking[part] -= held[group]
        empty.discard(part)
    parts = part_of[groups]
    return [np.flatnonzero(parts == part) for part in range(len(shares))]
