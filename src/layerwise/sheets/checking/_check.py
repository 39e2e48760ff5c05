"""A part looked at: twice alone, once after another batch, once with one sample."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from layerwise.sheets.checking._differences import Slopes, slopes, step_for
from layerwise.sheets.recognising import Case, Claims, Part

__all__ = ["Observation", "Observed", "alone", "observe", "right"]

BATCHES = (7, 4)
"""Two batch sizes: what follows both is a factor of the batch, and nothing else is."""

TOLERANCE = {64: 1e-6, 32: 2e-3, 16: 5e-2}
"""What a gradient may be off, relative to its largest entry, by the bits of numbers."""

FLOOR = 1e-2
"""Gradients whose largest entry is smaller are compared absolutely, to this share."""


class RandomError(Exception):
    """A part's outputs are random, and cannot be held."""


@dataclass(frozen=True)
class Observation:
    """What a part claimed at one case, and what is true there.

    ``cotangent`` is the gradient from above. ``slopes`` are how the outputs depend on
    the arrays; None where the part says itself what is true. ``before`` is the pass
    that the same object did before.
    """

    case: Case
    cotangent: np.ndarray
    slopes: Slopes | None
    claims: Claims
    truth: dict[str, np.ndarray]
    before: "Observation | None" = None

    def tolerance(self, key: str) -> float:
        """Return how far off an array's gradient may be."""
        largest = float(np.max(np.abs(self.truth[key]), initial=0.0))
        return TOLERANCE[self.claims.bits] * max(largest, FLOOR)

    def smooth(self, key: str) -> np.ndarray:
        """Return which entries of an array the outputs have a derivative by."""
        if self.slopes is not None and key in self.slopes.smooth:
            return self.slopes.smooth[key]
        return np.ones(self.truth[key].shape, bool)

    def pair(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what a gradient is claimed to be, which it must be, and what it is."""
        claimed = self.claims.gradients[key]
        assert claimed is not None
        return claimed, self.truth[key]

    def wrong(self, key: str) -> np.ndarray | None:
        """Return which entries of a gradient are wrong; None where its shape is."""
        claimed, true = self.claims.gradients.get(key), self.truth[key]
        if claimed is None or claimed.shape != true.shape:
            return None
        near = np.abs(claimed - true) <= self.tolerance(key)
        return ~near & self.smooth(key)

    def passes(self, key: str) -> bool:
        """Return whether a gradient is right, kinks left out."""
        wrong = self.wrong(key)
        return wrong is not None and not np.any(wrong)


@dataclass(frozen=True)
class Observed:
    """All observations of a part; what could not be made is the exception instead.

    ``alone`` are two passes, each by a new object, ``again`` the second pass of one
    object, ``single`` a batch of one. ``kinks`` are the entries that were left out,
    ``automatic`` is whether automatic differentiation says the same as the differences.
    """

    part: Part
    alone: tuple[Observation, ...]
    again: "Observation | Exception"
    single: "Observation | Exception"
    kinks: int = 0
    automatic: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, also in the second pass and with one sample."""
        later = (self.again, self.single)
        return not self.wrong_arrays() and all(
            isinstance(one, Observation) and all(one.passes(k) for k in one.truth)
            for one in later
        )

    def wrong_arrays(self) -> list[str]:
        """Return the arrays whose gradient is wrong in a pass by a new object."""
        return [
            key
            for key in self.alone[0].truth
            if not all(one.passes(key) for one in self.alone)
        ]


def observe(part: Part, seed: int = 0) -> Observed:
    """Look at a part.

    Raises
    ------
    Exception
        What the part raises on a batch.
    """
    rng = np.random.default_rng(seed)
    twice = tuple(alone(part, part.case(rng, n), rng) for n in BATCHES)
    again = _or_error(lambda: _pass(part, part.case(rng, BATCHES[0]), rng, twice[0]))
    single = _or_error(lambda: alone(part, part.case(rng, 1), rng))
    kinks = sum(int(np.sum(~s)) for one in twice if one.slopes
                for s in one.slopes.smooth.values())  # fmt: skip
    return Observed(part, twice, again, single, kinks, _automatic(part, twice[0]))


def _or_error(look: Callable[[], Observation]) -> Observation | Exception:
    try:
        return look()
    except Exception as error:
        return error


def alone(part: Part, case: Case, rng: np.random.Generator) -> Observation:
    """Look at a pass by a new object."""
    y = part.outputs(case)
    if not np.array_equal(y, part.outputs(case), equal_nan=True):
        raise RandomError(
            "two calls with equal inputs differ: it draws random numbers that cannot "
            "be held; draw them from numpy, torch, random, or from a generator it keeps"
        )
    if not np.all(np.isfinite(y)):
        raise ValueError("its outputs are not finite")
    return _pass(part, case, rng)


def _pass(
    part: Part, case: Case, rng: np.random.Generator, first: Observation | None = None
) -> Observation:
    """Look at a pass by a new object, or by the one that did a first."""
    y = part.outputs(case)
    cotangent = np.ones(()) if part.scalar and y.size == 1 else rng.normal(size=y.shape)
    return _observation(part, case, cotangent, first)


def _observation(
    part: Part, case: Case, cotangent: np.ndarray, before: Observation | None = None
) -> Observation:
    earlier = [(before.case, before.cotangent)] if before else []
    claims = part.claims(*earlier, (case, cotangent))
    if claims.truth is not None:
        return Observation(case, cotangent, None, claims, dict(claims.truth), before)
    found = slopes(part, case, step_for(claims.bits))
    truth = found.gradients(cotangent)
    return Observation(case, cotangent, found, claims, truth, before)


def _automatic(part: Part, one: Observation) -> bool:
    """Return whether torch finds the gradients that the differences do."""
    if one.slopes is None:
        return False
    try:
        found = part.automatic(one.case, one.cotangent)
    except Exception:
        # Its graph is cut, or it changes a leaf in place: there is no second witness.
        return False
    return found is not None and all(
        np.allclose(found[key], true, rtol=1e-6, atol=1e-8)
        for key, true in one.truth.items()
        if one.slopes.smooth[key].all()
    )


def right(part: Part, key: str, seen: Observed, forward_too: bool) -> bool:
    """Return whether a changed part's gradient of an array is right.

    What is true is what was for the part as it was ``seen``; or, where its forward pass
    may have changed too, what it computes now.
    """
    for one in seen.alone:
        if forward_too or one.slopes is None:
            new = _observation(part, one.case, one.cotangent)
        else:
            new = replace(one, claims=part.claims((one.case, one.cotangent)))
        if not new.passes(key):
            return False
    return True
