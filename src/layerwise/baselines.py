"""What simple methods reach on a data set: measured once, for diagnosis and study."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import Dataset, Samples, Scaling, drawn, fit_scaling
from layerwise.model import MLP, flatten
from layerwise.statistics import Share, auc, nearest_rows, share
from layerwise.training import Recipe, fit

__all__ = ["Baseline", "Baselines", "logistic_regression"]

FITTED, SCORED = 10_000, 2_000
"""So many samples at most, a stated, stratified draw, for all but the regression."""

SEVERAL = 15
"""Neighbours that vote: one follows the finest borders, several stand noise."""

RIDGE = 1e-2
"""Added to the covariance of unit-variance features: they may repeat each other."""

FEW_SAMPLES = 5_000
LINEAR_RATE = 0.1
"""A convex problem bears larger steps than a deep network, and with few samples needs
them to reach the accuracy of a solver that runs to the optimum."""

FOLDS = 5

CHANCE, BETTER = 1e-5, 0.55
"""An AUC is more than chance where chance makes one as large in so few cases (there can
be a hundred classes, by two methods), and worth a word where it is above 0.55."""

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


@dataclass(frozen=True, eq=False)
class Baselines:
    """Simple methods on a data set: each is fitted when first asked for, and once.

    `beside` scores on the samples that it is given. All else is what a diagnosis reads:
    scored on validation samples, since the test set has no say there, and without a
    training. Neighbours and least squares see every feature with unit variance (of
    pictures, all pixels together): a scaling that was chosen badly is no fault of the
    data.

    Parameters
    ----------
    data : Dataset
    seed : int
        Of the draws and of the logistic regression's training.
    """

    data: Dataset
    seed: int = 0

    def beside(
        self, scored: Samples, linear: Baseline | None = None
    ) -> tuple[Baseline, ...]:
        """Return the majority class, logistic regression and the nearest neighbour.

        Parameters
        ----------
        scored : Samples
            What they are scored on; the nearest neighbour on a stratified draw of it.
        linear : Baseline, optional
            The `logistic_regression` of these, where it is known already.
        """
        samples, searched = len(self.data.train), self._searched
        near = self._near if scored is self.data.validation else searched(scored)
        nearest = share(near[1][:, 0] == near[0])
        return (
            Baseline("majority class", share(scored.targets == self._common), samples),
            linear or logistic_regression(self.data, scored, self.seed),
            Baseline("nearest neighbour", nearest, len(self._fitted)),
        )

    @cached_property
    def best(self) -> Share:
        """The best of the four that follow."""
        return self._tried[self.best_name]

    @property
    def best_name(self) -> str:
        """What the best of them is called."""
        return max(self._tried, key=lambda name: self._tried[name].value)

    @cached_property
    def _tried(self) -> dict[str, Share]:
        return {
            "majority class": self.majority,
            "nearest neighbour": self.nearest,
            f"vote of {SEVERAL} neighbours": self.several,
            "linear classifier": self.linear,
        }

    @cached_property
    def majority(self) -> Share:
        """The commonest class of the training samples, on the validation samples."""
        return share(self.data.validation.targets == self._common)

    @property
    def nearest(self) -> Share:
        """The nearest neighbour, on the validation samples."""
        truth, near = self._near
        return share(near[:, 0] == truth)

    @property
    def recall(self) -> Float[np.ndarray, " classes"]:
        """The nearest neighbour's of each class; NaN where it has no sample."""
        truth, near = self._near
        found = np.bincount(truth, near[:, 0] == truth, self.data.classes)
        with np.errstate(invalid="ignore"):
            return found / np.bincount(truth, minlength=self.data.classes)

    @cached_property
    def several(self) -> Share:
        """The vote of the 15 nearest neighbours, on the validation samples."""
        truth, near = self._near
        votes = np.eye(self.data.classes)[near].sum(axis=1)
        return share(votes.argmax(axis=1) == truth)

    @cached_property
    def linear(self) -> Share:
        """Least squares on the classes, with a small ridge, on the validation samples.

        In closed form, where `logistic_regression` is a training.
        """
        asked = self._asked(self.data.validation)
        weights = self._least_squares(self._rows, self._fitted.targets)
        said = self.rows(asked) @ weights[:-1] + weights[-1]
        return share(said.argmax(axis=1) == asked.targets)

    def _least_squares(
        self,
        rows: Float[np.ndarray, "some features"],
        targets: Int[np.ndarray, " some"],
    ) -> Float[np.ndarray, "features+1 classes"]:
        """Return the weights of the classes; those of the constant stand last."""
        rows = np.c_[rows, np.ones(len(rows), np.float32)]
        wanted = np.eye(self.data.classes, dtype=np.float32)[targets]
        square = rows.T @ rows / len(rows) + RIDGE * np.eye(rows.shape[1])
        return np.linalg.solve(square, rows.T @ wanted / len(rows))

    @cached_property
    def found(self) -> Float[np.ndarray, " classes"]:
        """How well each class is told from the others, as an AUC; 1/2 where it is not.

        By least squares or by the votes of 15 neighbours, cross-validated on training
        samples. An accuracy cannot tell it of a rare class: always another one is right
        more often, whatever the inputs say. Chance counts as 1/2.
        """
        targets = self._fitted.targets
        scores = [self._linear_scores(), self._votes()]
        best = np.full(self.data.classes, 0.5)
        for c in range(self.data.classes):
            for said in scores:
                area, by_chance = auc(said[:, c], targets == c)
                if by_chance < CHANCE and area > BETTER:
                    best[c] = max(best[c], area)
        return best

    @property
    def weakest_seen(self) -> float:
        """The least AUC that would count as more than chance, of any class."""
        targets = self._fitted.targets
        counts = np.bincount(targets, minlength=self.data.classes)
        pairs = (counts * (len(targets) - counts)).max()
        deviation = math.sqrt((len(targets) + 1) / (12 * max(int(pairs), 1)))
        beyond = -NormalDist().inv_cdf(CHANCE) * deviation
        return 0.5 + max(beyond, BETTER - 0.5)

    def _linear_scores(self) -> Float[np.ndarray, "fitted classes"]:
        rows, targets = self._rows, self._fitted.targets
        fold = np.random.default_rng(self.seed).permutation(len(rows)) % FOLDS
        said = np.zeros((len(rows), self.data.classes))
        for k in range(min(FOLDS, len(rows))):
            weights = self._least_squares(rows[fold != k], targets[fold != k])
            said[fold == k] = rows[fold == k] @ weights[:-1] + weights[-1]
        return said

    def _votes(self) -> Float[np.ndarray, "fitted classes"]:
        rows, targets = self._rows, self._fitted.targets
        near = nearest_rows(rows, rows, SEVERAL + 1, "fast")
        other = near != np.arange(len(rows))[:, None]
        return (np.eye(self.data.classes)[targets[near]] * other[:, :, None]).sum(
            axis=1
        )

    def rows(self, samples: Samples) -> Float[np.ndarray, "samples features"]:
        """Return inputs as neighbours and least squares see them.

        What is not finite counts as the mean: a diagnosis has to live with it.
        """
        rows = flatten(self._scaling.apply(samples.inputs, np.float32))
        return np.nan_to_num(rows, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    @cached_property
    def _common(self) -> int:
        counts = np.bincount(self.data.train.targets, minlength=self.data.classes)
        return int(np.argmax(counts))

    @cached_property
    def _fitted(self) -> Samples:
        train = self.data.train
        return train.at(drawn(train.targets, FITTED, self.seed))

    @cached_property
    def _scaling(self) -> Scaling:
        if self.data.scaling == "standard":
            return self.data.fitted_scaling
        return fit_scaling(np.asarray(self._fitted.inputs), "standard")

    @cached_property
    def _rows(self) -> Float[np.ndarray, "fitted features"]:
        return self.rows(self._fitted)

    def _asked(self, scored: Samples) -> Samples:
        return scored.at(drawn(scored.targets, SCORED, self.seed))

    def _searched(
        self, scored: Samples
    ) -> tuple[Int[np.ndarray, " asked"], Int[np.ndarray, "asked near"]]:
        """Return the classes of a draw, and those of the nearest, nearest first."""
        asked = self._asked(scored)
        found = nearest_rows(self.rows(asked), self._rows, SEVERAL, "fast")
        return asked.targets, self._fitted.targets[found]

    @cached_property
    def _near(self) -> tuple[Int[np.ndarray, " asked"], Int[np.ndarray, "asked near"]]:
        return self._searched(self.data.validation)


def logistic_regression(data: Dataset, scored: Samples, seed: int) -> Baseline:
    """Return the score of a network without hidden layers."""
    samples = len(data.train)
    if samples < FEW_SAMPLES:
        recipe = Recipe(learning_rate=LINEAR_RATE)
    else:
        epochs = math.ceil(LINEAR_SEEN / samples)
        recipe = Recipe(epochs, LINEAR_BATCH, learning_rate=LINEAR_BATCH_RATE)
    # By NumPy, which a training in another thread does not disturb.
    recipe = replace(recipe, seed=seed, snapshots=0, evaluate_every=0, engine="eager")
    fitted = fit(MLP([]), data, recipe)
    # Whether they are in other units than training inputs is for findings to say.
    said = fitted.network.logits(scored.inputs).argmax(axis=1)
    name = "logistic regression"
    return Baseline(name, share(said == scored.targets), len(data.train))
