"""What a study is made of: records, from which every figure and sentence follows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from layerwise.statistics import Moments, PrincipalComponents

__all__ = [
    "Baseline",
    "Finding",
    "InputStudy",
    "Keepable",
    "LayerStudy",
    "Share",
    "Study",
]


@dataclass(frozen=True)
class Share:
    """A share of samples, with its 95 % interval (Wilson 1927).

    Parameters
    ----------
    successes, trials : int
        What was counted, of how many.
    low, high : float
        The ends of the interval, 0 to 1.
    """

    successes: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN where nothing was counted."""
        return self.successes / self.trials if self.trials else float("nan")


@dataclass(frozen=True)
class Finding:
    """One thing found out, as a sentence with its numbers.

    Parameters
    ----------
    kind : str
        What rule found it; the same for the same rule.
    text : str
        The sentence.
    evidence : dict
        Every number in the sentence, by name.
    """

    kind: str
    text: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Keepable:
    """What can be kept where only confident predictions are to be trusted.

    The threshold is the lowest at which the samples kept of the *validation* set reach
    the required accuracy; what it keeps is counted on the scored samples.

    Parameters
    ----------
    required : float
        The accuracy asked for, 0 to 1.
    threshold : float
        The least probability of the predicted class that is kept.
    kept, accuracy : Share
        The samples kept, and those of them that are right.
    """

    required: float
    threshold: float
    kept: Share
    accuracy: Share


@dataclass(frozen=True, eq=False)
class LayerStudy:
    """One layer's activations: fitted on some samples, scored on others.

    Parameters
    ----------
    name : str
        ``input``, ``hidden1``, …, ``output``.
    units : int
        How many numbers it gives for a sample.
    moments : Moments
        Of the samples it was fitted on.
    components : PrincipalComponents
        The first ten at most, of those moments.
    projection : array, shape (scored samples, 2)
        The scored samples on the first two components; a layer of one unit has zeros
        in the second column.
    probe_predictions : array, shape (scored samples,)
        What the least-squares probe, fitted on the moments, says of the scored samples.
    probe_accuracy : Share
        How many of them are right.
    probe_recall : array, shape (classes,)
        The same for each class, 0 to 1; NaN where it has no scored sample.
    participation_ratio : float
        (Σλ)² / Σλ² of the covariance's eigenvalues: the effective dimension.
    dead : array, shape (units,)
        Units with one and the same output for every sample fitted on.
    spread : array, shape (classes,)
        Each class's variance within, relative to the classes' mean.
    separation : array, shape (classes, classes)
        Distance of two classes' means, in standard deviations within classes.
    """

    name: str
    units: int
    moments: Moments
    components: PrincipalComponents
    projection: Float[np.ndarray, "samples 2"]
    probe_predictions: Int[np.ndarray, " samples"]
    probe_accuracy: Share
    probe_recall: Float[np.ndarray, " classes"]
    participation_ratio: float
    dead: Bool[np.ndarray, " units"]
    spread: Float[np.ndarray, " classes"]
    separation: Float[np.ndarray, "classes classes"]

    @property
    def dead_units(self) -> int:
        """How many units are dead."""
        return int(np.sum(self.dead))

    @property
    def variance_shown(self) -> Float[np.ndarray, " 2"]:
        """The shares of the variance that the projection's two axes show."""
        ratio = self.components.explained_variance_ratio[:2]
        return np.pad(ratio, (0, 2 - len(ratio)))

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON's types."""
        probe = self.probe_accuracy
        return {
            "name": self.name,
            "units": self.units,
            "probe_accuracy": probe.value,
            "probe_interval": [probe.low, probe.high],
            "probe_recall": [float(r) for r in self.probe_recall],
            "variance_shown": [float(v) for v in self.variance_shown],
            "participation_ratio": self.participation_ratio,
            "dead_units": self.dead_units,
            "spread": [float(s) for s in self.spread],
        }


@dataclass(frozen=True, eq=False)
class Study:
    """What every layer of a trained network knows.

    Parameters
    ----------
    name : str
        The data's.
    class_names : tuple of str
        By class index.
    fitted_on, scored_on : str
        Which samples the measures were fitted on, and which they were scored on.
    input : LayerStudy
        The scaled inputs themselves, as if they were a layer: what to compare with.
    layers : tuple of LayerStudy
        The network's layers, in forward order.
    inputs : array, shape (scored samples, *shape)
        The scored samples themselves, in their own dtype.
    targets, predictions : arrays, shape (scored samples,)
        Class indices: as labelled, and as the network says.
    confidence : array, shape (scored samples,)
        The network's probability of the class it predicts.
    accuracy : Share
        How many predictions are right.
    keepable : Keepable or None
        What can be kept at the required accuracy; None without a validation set.
    findings : tuple of Finding
        Most useful first.
    """

    name: str
    class_names: tuple[str, ...]
    fitted_on: str
    scored_on: str
    input: LayerStudy
    layers: tuple[LayerStudy, ...]
    inputs: np.ndarray
    targets: Int[np.ndarray, " samples"]
    predictions: Int[np.ndarray, " samples"]
    confidence: Float[np.ndarray, " samples"]
    accuracy: Share
    keepable: Keepable | None
    findings: tuple[Finding, ...]

    @property
    def confusion(self) -> Int[np.ndarray, "classes classes"]:
        """Scored samples counted by label (row) and prediction (column)."""
        classes = len(self.class_names)
        pairs = self.targets.astype(np.int64) * classes + self.predictions
        counts = np.bincount(pairs, minlength=classes * classes)
        return counts.reshape(classes, classes)

    @property
    def mistakes(self) -> Int[np.ndarray, " mistakes"]:
        """Positions of the scored samples that are wrong, the most confident first."""
        wrong = np.flatnonzero(self.predictions != self.targets)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]

    def summary(self) -> dict[str, Any]:
        """Return the layers' figures and the findings as JSON's types."""
        return {
            "scored_on": self.scored_on,
            "fitted_on": self.fitted_on,
            "accuracy": self.accuracy.value,
            "input": self.input.summary(),
            "layers": [layer.summary() for layer in self.layers],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def __iter__(self) -> Iterator[LayerStudy]:
        """Yield the input, then every layer."""
        yield self.input
        yield from self.layers


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
class InputStudy:
    """A data set before any network: how it looks, and how hard it is.

    Parameters
    ----------
    layer : LayerStudy
        The scaled inputs as if they were a layer; fitted on training samples, scored
        on the validation set.
    targets : array, shape (scored samples,)
        The scored samples' classes.
    baselines : tuple of Baseline
        Simple methods on the raw inputs.
    findings : tuple of Finding
        What all this shows, in sentences.
    """

    layer: LayerStudy
    targets: Int[np.ndarray, " samples"]
    baselines: tuple[Baseline, ...]
    findings: tuple[Finding, ...]
