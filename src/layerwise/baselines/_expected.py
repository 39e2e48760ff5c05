"""What simple methods make of a data set: a yardstick for what a network should reach.

Nearest neighbours and a least-squares classifier, fitted on training samples and scored
on validation samples.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import Dataset, Samples, fit_scaling
from layerwise.model import flatten
from layerwise.statistics import nearest_rows

__all__ = ["Expected", "Neighbours", "expected_of", "neighbours_of"]

MOST_FITTED = 4_000
MOST_SCORED = 1_000
"""Samples that the yardsticks are fitted on and scored on, at most."""

SEVERAL = 15
"""Neighbours that vote: one follows the finest borders, several stand noise."""

RIDGE = 1e-2
"""Added to the covariance of unit-variance features: they may repeat each other."""


class Neighbours(NamedTuple):
    """For some samples, which others are nearest: places in all training samples."""

    places: Int[np.ndarray, " rows"]
    nearest: Int[np.ndarray, "rows neighbours"]


@dataclass(frozen=True, eq=False)
class Expected:
    """What simple methods reach on the validation samples.

    Parameters
    ----------
    majority : float
        The share of the commonest class of the training samples, among them.
    nearest, several, linear : float
        Accuracy of the nearest neighbour, of several, and of a linear classifier.
    recall : array, shape (classes,)
        The nearest neighbour's for each class; NaN where it has no sample.
    """

    majority: float
    nearest: float
    several: float
    linear: float
    recall: Float[np.ndarray, " classes"]

    @property
    def accuracy(self) -> float:
        """The best of them."""
        return max(self.majority, self.nearest, self.several, self.linear)


def expected_of(data: Dataset) -> Expected:
    """Fit the yardsticks and score them; what is not finite counts as the mean."""
    train, validation = data.train, data.validation
    fitted = train.at(train.spread(MOST_FITTED))
    scored = validation.at(validation.spread(MOST_SCORED))
    rows, others = _rows(fitted, scored)
    found = nearest_rows(others, rows, SEVERAL, "fast")
    votes = np.eye(data.classes)[fitted.targets[found]]
    truth, one = scored.targets, fitted.targets[found[:, 0]]
    common = np.argmax(np.bincount(data.train.targets, minlength=data.classes))
    right = one == truth
    with np.errstate(invalid="ignore"):
        recall = np.bincount(truth, right, data.classes) / np.bincount(
            truth, minlength=data.classes
        )
    return Expected(
        majority=float(np.mean(truth == common)),
        nearest=float(np.mean(right)),
        several=float(np.mean(votes.sum(axis=1).argmax(axis=1) == truth)),
        linear=float(np.mean(_linear(rows, fitted.targets, others) == truth)),
        recall=recall,
    )


def neighbours_of(data: Dataset, most: int = MOST_SCORED) -> Neighbours:
    """Return for some training samples which others are nearest to them."""
    (rows,) = _rows(data.train)
    places = data.train.spread(most)
    found = nearest_rows(rows[places], rows, 2, "fast")
    # The first is the sample itself, or one that equals it.
    own = found[:, :1] == places[:, None]
    return Neighbours(places, np.where(own, found[:, 1:], found[:, :1]))


def _linear(
    rows: Float[np.ndarray, "rows features"],
    targets: Int[np.ndarray, " rows"],
    others: Float[np.ndarray, "others features"],
) -> Int[np.ndarray, " others"]:
    wide = np.c_[rows, np.ones(len(rows))].astype(np.float64)
    wanted = np.eye(int(targets.max()) + 1)[targets]
    square = wide.T @ wide / len(rows) + RIDGE * np.eye(wide.shape[1])
    weights = np.linalg.solve(square, wide.T @ wanted / len(rows))
    return np.argmax(np.c_[others, np.ones(len(others))] @ weights, axis=1)


def _rows(
    fitted: Samples, *others: Samples
) -> list[Float[np.ndarray, "rows features"]]:
    """Return inputs as flat rows, each feature of unit variance among the fitted."""
    inputs = np.asarray(fitted.inputs)
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        inputs = inputs[np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1)]
    scaling = fit_scaling(inputs, "standard")
    sets = (fitted, *others)
    scaled = (flatten(scaling.apply(each.inputs, np.float32)) for each in sets)
    return [np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0) for rows in scaled]
