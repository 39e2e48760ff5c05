"""Simple methods on the raw inputs: what a network's score is to be compared with."""

import math
from dataclasses import dataclass, replace

import numpy as np

from layerwise.data import Dataset, Samples, drawn
from layerwise.model import MLP, flatten
from layerwise.statistics import Share, nearest_rows, share
from layerwise.training import Recipe, fit

__all__ = ["Baseline", "baselines", "logistic_regression"]

NEIGHBOURS_FITTED = 10_000
NEIGHBOURS_SCORED = 2_000
"""Distances are taken between so many samples at most: a stated, stratified draw."""

FEW_SAMPLES = 5_000
LINEAR_RATE = 0.1
"""A convex problem bears larger steps than a deep network, and with few samples needs
them to reach the accuracy of a solver that runs to the optimum."""

LINEAR_BATCH = 512
LINEAR_BATCH_RATE = 0.03
LINEAR_SEEN = 256_000
"""With more, batches that a matrix product is fast on, until so many samples have been
seen: on MNIST nearer to the optimum than batches of 128, in a fifth of the time."""


@dataclass(frozen=True)
class Baseline:
    """What a simple method reaches on the same raw inputs.

    Parameters
    ----------
    name : str
        ``majority class``, ``logistic regression`` or ``nearest neighbour``.
    accuracy : Share
        On the samples it was scored on.
    fitted_on : int
        How many training samples it saw.
    """

    name: str
    accuracy: Share
    fitted_on: int


def baselines(
    data: Dataset,
    scored: Samples,
    *,
    seed: int = 0,
    linear: Baseline | None = None,
) -> tuple[Baseline, ...]:
    """Return the majority class, logistic regression and the nearest neighbour.

    Parameters
    ----------
    data : Dataset
        Whose training set they are fitted on.
    scored : Samples
        What they are scored on; the nearest neighbour on a stratified draw of it.
    seed : int
        Of the regression's training and the draws.
    linear : Baseline, optional
        The `logistic_regression` of these, where it is known already.
    """
    majority = np.argmax(np.bincount(data.train.targets, minlength=data.classes))
    return (
        Baseline("majority class", share(scored.targets == majority), len(data.train)),
        linear or logistic_regression(data, scored, seed),
        _nearest_neighbour(data, scored, seed),
    )


def logistic_regression(data: Dataset, scored: Samples, seed: int) -> Baseline:
    """Return the score of a network without hidden layers."""
    samples = len(data.train)
    if samples < FEW_SAMPLES:
        recipe = Recipe(learning_rate=LINEAR_RATE)
    else:
        epochs = math.ceil(LINEAR_SEEN / samples)
        recipe = Recipe(epochs, LINEAR_BATCH, learning_rate=LINEAR_BATCH_RATE)
    recipe = replace(recipe, seed=seed, snapshots=0, evaluate_every=0)
    fitted = fit(MLP([]), data, recipe)
    said = fitted.network.predict(scored.inputs)
    name = "logistic regression"
    return Baseline(name, share(said == scored.targets), len(data.train))


def _nearest_neighbour(data: Dataset, scored: Samples, seed: int) -> Baseline:
    fitted = data.train.at(drawn(data.train.targets, NEIGHBOURS_FITTED, seed))
    asked = scored.at(drawn(scored.targets, NEIGHBOURS_SCORED, seed))
    rows, asked_rows = (
        flatten(data.fitted_scaling.apply(samples.inputs, np.float32))
        for samples in (fitted, asked)
    )
    (nearest,) = nearest_rows(asked_rows, rows, 1, "fast").T
    right = fitted.targets[nearest] == asked.targets
    return Baseline("nearest neighbour", share(right), len(fitted))
