"""What a study is made of: records, from which every figure and sentence follows."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from layerwise.inspection._measures import Measures
from layerwise.inspection._suspects import Suspect
from layerwise.inspection._table import Entry, table
from layerwise.statistics import Discriminants, Moments, PrincipalComponents

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Baseline",
    "Finding",
    "InputStudy",
    "Keepable",
    "LayerStudy",
    "Share",
    "SnapshotLayer",
    "SnapshotStudy",
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
    certainty : str
        How sure it is: ``counted`` (of all samples or units named), ``measured`` (on
        samples that stand for others, with an interval or a stated sample), or
        ``rule of thumb`` (a threshold that others might set elsewhere).
    """

    kind: str
    text: str
    evidence: dict[str, Any]
    certainty: str = "measured"


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
    discriminants : Discriminants
        The directions that part the classes best, of those moments.
    planes : mapping of str to array, shape (shown samples, 2)
        The samples shown, looked at through ``components``, ``discriminants``, and any
        transformer that was given; a plane of one direction has zeros in the second
        column.
    probe_predictions : array, shape (scored samples,)
        What the least-squares probe, fitted on the moments, says of the scored samples.
    probe_accuracy : Share
        How many of them are right.
    probe_recall : array, shape (classes,)
        The same for each class, 0 to 1; NaN where it has no scored sample.
    dead, duplicate : array, shape (units,)
        Units with one and the same output for every sample fitted on; units that are a
        multiple of an earlier one, plus a constant.
    sample : array, shape (sampled, units)
        What the layer gives for the stated sample.
    measures, shuffled : Measures
        Everything measured; and what the stated sample gives with its labels shuffled,
        which is what chance gives.
    """

    name: str
    units: int
    moments: Moments
    components: PrincipalComponents
    discriminants: Discriminants
    planes: Mapping[str, Float[np.ndarray, "shown 2"]]
    probe_predictions: Int[np.ndarray, " samples"]
    probe_accuracy: Share
    probe_recall: Float[np.ndarray, " classes"]
    dead: Bool[np.ndarray, " units"]
    duplicate: Bool[np.ndarray, " units"]
    sample: Float[np.ndarray, "sampled units"]
    measures: Measures
    shuffled: Measures

    @property
    def projection(self) -> Float[np.ndarray, "shown 2"]:
        """The samples shown, on the first two components."""
        return self.planes["components"]

    @property
    def separability(self) -> float:
        """How well a line parts the classes: the least-squares probe's accuracy."""
        return self.probe_accuracy.value

    @property
    def participation_ratio(self) -> float:
        """(Σλ)² / Σλ² of the covariance's eigenvalues: the effective dimension."""
        return self.measures.values["participation_ratio"]

    @property
    def spread(self) -> Float[np.ndarray, " classes"]:
        """Each class's variance within, relative to the classes' mean."""
        return self.measures.by_class["spread"]

    @property
    def separation(self) -> Float[np.ndarray, "classes classes"]:
        """Distance of two classes' means, in standard deviations within classes."""
        return self.measures.by_pair["separation"]

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
            "measures": self.measures.summary(),
            "shuffled": self.shuffled.summary(),
        }


@dataclass(frozen=True, eq=False)
class SnapshotLayer:
    """One layer of a network on its way: measured on the stated sample.

    Parameters
    ----------
    name : str
    measures : Measures
        Fitted on the stated fitting sample, scored on the stated scored one.
    frames : mapping of str to array, shape (sampled, 2)
        The stated sample through the bases ``components`` and ``discriminants`` (its
        own), and ``fixed`` (the components of the studied network, for all epochs).
        Turned, and mirrored where need be, so that it lies as well as it can on the
        same layer's frame of the next snapshot; distances are as they were.
    """

    name: str
    measures: Measures
    frames: Mapping[str, Float[np.ndarray, "sampled 2"]]


@dataclass(frozen=True, eq=False)
class SnapshotStudy:
    """A network on its way, looked at like the studied one but on the stated sample.

    Parameters
    ----------
    epoch : int or None
        0 is the untrained network; None the studied one, where no epoch is known.
    layers : tuple of SnapshotLayer
        The network's layers, in forward order; the input does not change.
    """

    epoch: int | None
    layers: tuple[SnapshotLayer, ...]


@dataclass(frozen=True, eq=False)
class ValidationView:
    """The validation samples, to which all advice looks: no test sample has a say.

    Parameters
    ----------
    targets, predictions : arrays, shape (samples,)
        As labelled, and as the network says.
    confidence : array, shape (samples,)
        The network's probability of the class it predicts.
    probe_predictions : array, shape (layers + 1, samples)
        What each layer's probe says, the input's first.
    """

    targets: Int[np.ndarray, " samples"]
    predictions: Int[np.ndarray, " samples"]
    confidence: Float[np.ndarray, " samples"]
    probe_predictions: Int[np.ndarray, "layers samples"]


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
    fitted_accuracy : Share
        How many of the stated fitting sample are predicted right.
    shown, sampled : arrays of positions
        The scored samples that the planes show, at most 10,000; and the stated sample,
        at most 1,500, on which neighbours and snapshots are measured.
    similarity : mapping of str to array, shape (layers + 1, layers + 1)
        Linear CKA of every two layers, the input first, on the stated sample:
        ``debiased`` and ``biased``.
    snapshots : tuple of SnapshotStudy
        The untrained network, those on the way, and the studied one, in this order.
    suspects : tuple of Suspect
        Scored samples whose label looks wrong to the network and to their neighbours,
        the most suspect first.
    validation : ValidationView or None
        None without a validation set.
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
    fitted_accuracy: Share
    shown: Int[np.ndarray, " shown"]
    sampled: Int[np.ndarray, " sampled"]
    similarity: Mapping[str, Float[np.ndarray, "layers layers"]]
    snapshots: tuple[SnapshotStudy, ...]
    suspects: tuple[Suspect, ...]
    validation: ValidationView | None
    keepable: Keepable | None
    findings: tuple[Finding, ...]

    @property
    def sample_hash(self) -> str:
        """The SHA-256 of the stated sample's inputs: the same for the same samples."""
        inputs = np.ascontiguousarray(self.inputs[self.sampled])
        kind = f"{inputs.dtype.str} {inputs.shape}".encode()
        return hashlib.sha256(kind + inputs.tobytes()).hexdigest()

    @property
    def untrained(self) -> SnapshotStudy:
        """The network before its first step, measured on the stated sample."""
        return self.snapshots[0]

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
            "similarity": {
                name: [[float(v) for v in row] for row in matrix]
                for name, matrix in self.similarity.items()
            },
            "snapshots": [
                {
                    "epoch": snapshot.epoch,
                    "layers": {
                        layer.name: layer.measures.summary()
                        for layer in snapshot.layers
                    },
                }
                for snapshot in self.snapshots
            ],
            "suspects": [asdict(suspect) for suspect in self.suspects],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """Return every measure as a tidy table.

        Returns
        -------
        pandas.DataFrame
            Columns ``layer``; ``class`` (empty for all classes together, two names
            with `` | `` between them for a pair); ``epoch`` (missing for the studied
            network itself); ``labels`` (``true``, or ``shuffled`` for what chance
            gives); ``measure``, one of ``MEASURES``; ``value``.

        Raises
        ------
        ImportError
            If pandas is not installed: ``pip install layerwise[pandas]``.
        """
        return table(self._entries(), self.class_names)

    def _entries(self) -> Iterator[Entry]:
        for layer in self:
            yield Entry(layer.name, None, "true", layer.measures)
            yield Entry(layer.name, None, "shuffled", layer.shuffled)
        for snapshot in self.snapshots:
            # The studied network stands there on the whole of the samples already.
            if snapshot.epoch is not None:
                for layer in snapshot.layers:
                    yield Entry(layer.name, snapshot.epoch, "true", layer.measures)

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
    scored_on : str
        ``validation`` or ``test``: which set was scored.
    targets : array, shape (shown samples,)
        The classes of the samples that the layer's planes show.
    baselines : tuple of Baseline
        Simple methods on the raw inputs.
    findings : tuple of Finding
        What all this shows, in sentences.
    """

    layer: LayerStudy
    scored_on: str
    targets: Int[np.ndarray, " shown"]
    baselines: tuple[Baseline, ...]
    findings: tuple[Finding, ...]
