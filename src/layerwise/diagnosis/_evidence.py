"""What the rules look at, a training's records and its data, and what they give."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from jaxtyping import Float, Int

from layerwise.arrays import leaves
from layerwise.baselines import Baselines
from layerwise.data import Dataset, Samples
from layerwise.model import (
    MLP,
    Activation,
    Layer,
    LayerNorm,
    Network,
    ReLU,
    Residual,
    TrainedNetwork,
    flatten,
    layers_within,
)
from layerwise.statistics import (
    FEW,
    NOTABLE,
    ClassScores,
    Share,
    class_scores,
    confusion_counts,
    exceeds,
)
from layerwise.training import (
    LEARNING_RATES,
    Health,
    History,
    LayerHealth,
    Optimiser,
    ResolvedRecipe,
    Result,
    Score,
)
from layerwise.wording import listed, number

if TYPE_CHECKING:
    from layerwise.modules import TorchNetwork

ADVICE: Mapping[tuple[str, Any], str] = {
    ("activation", "leaky-relu"): "leaky ReLUs (--activation leaky-relu)",
    ("activation", "relu"): "ReLUs (--activation relu)",
    ("init", "he"): "He's initialisation (--init he)",
    ("init", "glorot"): "Glorot's initialisation (--init glorot)",
    ("normalise", True): "normalisation (--normalise)",
    ("residual", True): "skip connections (--residual)",
    ("optimizer", "adamw"): "AdamW (--optimizer adamw)",
    ("schedule", "one-cycle"): "a one-cycle schedule (--schedule one-cycle)",
    ("patience", 3): "an early stop (--patience 3)",
    ("class_weight", "balanced"): "class weights (--class-weight balanced)",
    ("scaling", "standard"): "scaled inputs (--scaling standard)",
    ("dropout", 0.3): "dropout (--dropout 0.3)",
}
"""Settings in words."""

ADAMW = {"optimizer": "adamw", "learning_rate": LEARNING_RATES["adamw"]}
ONE_CYCLE = {"schedule": "one-cycle"}
"""What is advised where the steps were of another kind."""

LOWER = 0.1
"""What a learning rate is multiplied with that was too high."""

GAP = 0.08
"""So much more right on training than on validation samples, beyond noise. Less is
common where a network fits its data well, and its layers are found among findings."""


def advised(change: Mapping[str, Any]) -> str:
    """Return a change in words, as a sentence lists them.

    >>> advised({"init": "he", "learning_rate": 0.001})
    "He's initialisation (--init he) and a learning rate of 0.001"
    """
    words = {"learning_rate": "a learning rate of"}
    return listed(
        [
            ADVICE[key, value]
            if (key, value) in ADVICE
            else f"{words[key]} {number(value)}"
            for key, value in change.items()
        ]
    )


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong with a training.

    Parameters
    ----------
    kind : str
        What it is: ``exploding``, ``dead units``, …; the same for the same rule.
    headline : str
        What is wrong, in about twelve words, with a number; no full stop.
    detail : str
        What was measured, and why it matters, in two or three sentences.
    fix : str
        What to change, in words.
    change : mapping of str to Any
        The same as settings: fields of ``MLP`` and ``Recipe``, ``scaling``, and those
        of the data that `Setup.changed` knows; empty where no setting fixes it.
    evidence : mapping of str to Any
        Every number in headline and detail, by name.
    layer : str, optional
        Where it began.
    step : int, optional
        When: updates done by then.
    """

    kind: str
    headline: str
    detail: str
    fix: str
    change: Mapping[str, Any]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    layer: str | None = None
    step: int | None = None

    @property
    def text(self) -> str:
        """Headline, detail and fix as sentences."""
        return f"{self.headline}. {self.detail} {self.fix}"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training, the cause to fix first standing first.

    Parameters
    ----------
    causes : tuple of Cause
        Empty where the training is healthy.
    """

    causes: tuple[Cause, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.causes

    @property
    def first(self) -> Cause | None:
        """The cause to fix first."""
        return self.causes[0] if self.causes else None

    def summary(self) -> list[dict[str, Any]]:
        """Return the causes as JSON's types, but for numbers of NumPy."""
        return [asdict(cause) for cause in self.causes]

    def __str__(self) -> str:
        if self.healthy:
            return "healthy: no problem found"
        return "\n".join(f"{cause.kind}: {cause.text}" for cause in self.causes)


DEEP = 10
"""Hidden layers from which depth itself is a reason."""

UNSURE = 0.95
"""Of the loss of equal probabilities, log classes."""

FAR_ABOVE = 50.0
"""So many times the loss of equal probabilities: worse than knowing nothing."""

LEAST_LOG = 88.0
"""Cross-entropy of the least probability that single precision holds, e⁻⁸⁸."""

MOST_ROWS = 2_000
"""Samples that are looked at where a sample of them will do."""


def scores_of(
    samples: Samples, predictions: Int[np.ndarray, " samples"], classes: int
) -> ClassScores:
    """Return how well predictions tell each class."""
    return class_scores(confusion_counts(samples.targets, predictions, classes))


@dataclass(frozen=True, eq=False)
class Evidence:
    """A training that has ended, as the rules see it.

    Its fields are those of the `Result`, and what simple methods reach on the data.
    """

    network: TrainedNetwork
    data: Dataset
    recipe: ResolvedRecipe
    optimiser: Optimiser
    history: History
    status: str
    validation: Score
    baselines: Baselines

    @classmethod
    def of(cls, result: Result, baselines: Baselines) -> "Evidence":
        """Return what a training's result shows."""
        names = {field.name for field in fields(cls)} - {"baselines"}
        return cls(**{n: getattr(result, n) for n in names}, baselines=baselines)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The layers' names."""
        return self.network.layer_names

    @cached_property
    def records(self) -> tuple[Health, ...]:
        """The layers' health; the first is that of the untrained network."""
        return self.history.records

    @cached_property
    def untrained(self) -> TrainedNetwork:
        """The network before its first step."""
        return self.network.redrawn(self.recipe.seed)

    @property
    def diverged(self) -> bool:
        """Whether the training stopped at a loss that is not finite."""
        return self.status == "diverged"

    @property
    def by_hand(self) -> Network | None:
        """The network, where its layers are by hand and can be looked into."""
        return self.network if isinstance(self.network, Network) else None

    @property
    def module(self) -> "TorchNetwork":
        """The network, where it is a torch module."""
        assert not isinstance(self.network, Network)
        return cast("TorchNetwork", self.network)

    @cached_property
    def within(self) -> tuple[Layer, ...]:
        """Every layer of the network, those of layers too; none of a torch module."""
        return tuple(layers_within(self.by_hand.layer)) if self.by_hand else ()

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """Every activation of the network, in forward order."""
        return tuple(one for one in self.within if isinstance(one, Activation))

    @property
    def rectified(self) -> bool:
        """Whether the hidden layers are of ReLUs."""
        return bool(self.activations) and all(
            isinstance(one, ReLU) for one in self.activations
        )

    @property
    def mlp(self) -> MLP | None:
        """The settings, where the network is one of ours."""
        found = self.network.architecture
        return found if isinstance(found, MLP) else None

    def unused(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a change the training did not have: there is no other advice.

        Of a network that is not one of ours the settings are not known.
        """
        held = vars(self.recipe) | (vars(self.mlp) if self.mlp else {})
        held |= {"scaling": self.network.scaling.kind}
        return {k: v for k, v in change.items() if k not in held or held[k] != v}

    @cached_property
    def hidden_count(self) -> int:
        """The number of hidden layers."""
        return len(self.names) - 1

    @cached_property
    def training_rows(self) -> Samples:
        """Some of the training samples, evenly from all of them."""
        train = self.data.train
        return train.at(train.spread(MOST_ROWS))

    @cached_property
    def scaled(self) -> Float[np.ndarray, "rows features"]:
        """Those samples as the network sees them."""
        return np.asarray(
            flatten(self.network.scaling.apply(self.training_rows.inputs, np.float64))
        )

    @cached_property
    def finite_inputs(self) -> bool:
        """Whether every training input is a finite number."""
        inputs = self.data.train.inputs
        return inputs.dtype.kind != "f" or bool(np.isfinite(inputs).all())

    @cached_property
    def predictions(self) -> np.ndarray:
        """The class that the network gives each of the validation samples.

        Where what it gives is NaN, the first: a training that failed is judged too.
        """
        return np.argmax(self.network.logits(self.data.validation.inputs), axis=1)

    @cached_property
    def few_validated(self) -> bool:
        """Whether there are too few validation samples to judge by."""
        return len(self.data.validation) < FEW

    @cached_property
    def beyond_precision(self) -> bool:
        """Whether wrong samples cost more than any probability can that is not 0.

        And so much that the mean loss is far above that of equal probabilities: where
        a handful of thousands of samples are wrong, it is not.
        """
        loss, wrong = self.validation.loss, 1 - self.validation.accuracy
        chance = float(np.log(self.data.classes))
        return wrong > 0 and not loss < max(LEAST_LOG * wrong, FAR_ABOVE * chance)

    @property
    def unsure(self) -> bool:
        """Whether the validation loss is hardly below that of equal probabilities."""
        return self.validation.loss > UNSURE * float(np.log(self.data.classes))

    @cached_property
    def learnt(self) -> bool:
        """Whether the network does as well as simple methods, but for noise.

        Not where its losses have left all bounds, whatever its accuracy.
        """
        if self.diverged or self.beyond_precision:
            return False
        simple, reached = self.baselines.best, self.reached
        if self.recipe.class_weight:  # then accuracy is not what was asked for
            reached = Share.of(self.class_scores.balanced_accuracy, reached.trials)
            recall = float(np.nanmean(self.baselines.recall))
            simple = Share.of(recall, reached.trials)
        return not exceeds(simple, reached, NOTABLE)

    @cached_property
    def class_scores(self) -> ClassScores:
        """How well the network tells each class in the validation samples."""
        return scores_of(self.data.validation, self.predictions, self.data.classes)

    @property
    def reached(self) -> Share:
        """The validation samples that are right."""
        return Share.of(self.validation.accuracy, len(self.data.validation))

    @property
    def of_training(self) -> Share:
        """The training samples that were right when last looked at; none before."""
        epochs = self.history.epochs
        known = epochs[-1].train_accuracy if epochs else 0.0
        return Share.of(known, len(self.data.train))

    @cached_property
    def of_training_as_validated(self) -> Share:
        """The training samples that are right, classes in the validation set's shares.

        Where a rare class is missed, training and validation accuracy differ for that.
        """
        rows = self.training_rows
        predicted = self.network.logits(rows.inputs).argmax(axis=1)
        scores = scores_of(rows, predicted, self.data.classes)
        asked = np.where(scores.samples, self.class_scores.samples, 0)
        recall = np.nan_to_num(scores.recall)
        return Share.of(float(recall @ asked / max(asked.sum(), 1)), len(rows))

    @cached_property
    def update_ratios(self) -> Float[np.ndarray, "records layers"]:
        """Update by weights, of every layer in every record."""
        place = LayerHealth._fields.index("update_ratio")
        return self.history.health[..., place].astype(np.float64)

    @cached_property
    def path(self) -> float:
        """How far the weights went in all, in lengths of themselves.

        The sum over all steps of update by weights, of the layer that went farthest.
        """
        if not self.records:
            return 0.0
        steps = len(self.history.losses) / len(self.records)
        return float(np.nansum(self.update_ratios, axis=0).max() * steps)

    @cached_property
    def weight_variances(self) -> tuple[tuple[int, float], ...]:
        """For every layer fan-in and variance of its first matrix, untrained."""
        return tuple((len(w), float(np.var(w))) for w in self._first_weights)

    @property
    def _first_weights(self) -> Iterator[np.ndarray]:
        """Every layer's first weights, of shape (inputs, units)."""
        untrained = self.untrained
        none = np.array([[-1.0, 1.0]])  # one input, and a variance of 1
        if isinstance(untrained, Network):
            for tree in untrained.parameters:
                yield next((leaf for leaf in leaves(tree) if leaf.ndim == 2), none)
            return
        for name in untrained.layer_names:
            weights = untrained.followed.get(f"{name}.weight", np.zeros(0))
            # Torch has the units first: as (units, inputs), or (channels, channels, …).
            yield weights.reshape(len(weights), -1).T if weights.ndim > 1 else none

    @property
    def has_skips(self) -> bool:
        """Whether skip connections or normalisation carry the signal."""
        return any(isinstance(one, Residual | LayerNorm) for one in self.within)
