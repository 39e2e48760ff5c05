"""What a study is made of: records, from which every figure and sentence follows."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import KeptInputs, Origins, StoredRows
from layerwise.errors import InputError
from layerwise.files import write_atomically
from layerwise.statistics import (
    Calibration,
    ClassScores,
    Share,
    are_uneven,
    calibration_of,
    class_scores,
    confusion_counts,
    fewest_to_promise,
    promised,
    share,
)
from layerwise.study.records._columns import Importance, WeakSpots
from layerwise.study.records._found import Crowd, Finding, MixedPair, Nearest, Suspect
from layerwise.study.records._layer_study import LayerStudy, SnapshotStudy
from layerwise.study.records._table import Row, table

if TYPE_CHECKING:
    import pandas as pd

Inputs: TypeAlias = np.ndarray | StoredRows | KeptInputs
"""Inputs found by position: all of a set, or some."""


REQUIRED = 0.99
"""The accuracy that is required of what is kept where none is asked for."""


@dataclass(frozen=True)
class Keepable:
    """What can be kept where only confident predictions are to be trusted.

    The threshold is chosen on the *validation* set, with a margin: in 95 % of draws of
    that set or more, samples kept are right as often as required (see
    `layerwise.statistics.promised`). What it keeps is counted on the scored samples.

    Parameters
    ----------
    required : float
        The accuracy asked for, 0 to 1.
    threshold : float
        The least probability of the predicted class that is kept; infinite where no
        threshold can promise so much.
    kept, accuracy : Share
        The samples kept, and those of them that are right.
    chosen_on : int
        How many validation samples there were.
    needed : int
        How many a promise needs at least, if all of them are right.
    """

    required: float
    threshold: float
    kept: Share
    accuracy: Share
    chosen_on: int
    needed: int


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
    input : LayerStudy or None
        The scaled inputs themselves, as if they were a layer: what to compare with.
        None where the inputs are no table of numbers.
    layers : tuple of LayerStudy
        The network's layers, in forward order.
    output : str or None
        The last layer's name where it is the network's output; None where all layers
        are hidden ones.
    inputs : array, shape (scored samples, *shape), or KeptInputs, or None
        The scored samples themselves, in their own dtype; of samples that only passed
        by, those of the worst mistakes.
    targets, predictions : arrays, shape (scored samples,)
        Class indices: as labelled, and as the network says (None: it says nothing).
    confidence : array, shape (scored samples,), or None
        The network's probability of the class it predicts.
    accuracy : Share or None
        How many predictions are right.
    fitted_accuracy : Share or None
        How many of the stated fitting sample are predicted right.
    shown, sampled : arrays of positions
        The scored samples that the planes show, at most 10,000; and the stated sample,
        at most 1,500, on which neighbours and snapshots are measured.
    sample_hash : str
        The SHA-256 of the stated sample's inputs: the same for the same samples.
    similarity : mapping of str to array, shape (layers + 1, layers + 1)
        Linear CKA of every two layers, the input first, on the stated sample:
        ``debiased`` and ``biased``.
    snapshots : tuple of SnapshotStudy
        The untrained network, those on the way, and the studied one, in this order;
        none where the network's past is not known.
    suspects : tuple of Suspect
        Scored samples whose label looks wrong to the network and to their neighbours,
        the most suspect first.
    validation : ValidationView or None
        None without a validation set.
    keepable : Keepable or None
        What can be kept at the required accuracy; None without a validation set.
    findings : tuple of Finding
        Most useful first.
    origins : Origins or None
        Where the scored samples stand in what they were read from; None: not known.
    pairs : tuple of MixedPair
        The five most confused pairs of classes at most, the worst first.
    nearest : Nearest or None
        The nearest samples fitted on, of the surest mistakes and the stated sample;
        None where the inputs are no table of numbers.
    crowd : Crowd or None
        Up to 100,000 scored samples as they end; None where all are shown.
    importance : Importance or None
        Which columns of a table the network leans on; None where it is no table, or
        there are no validation samples.
    weak_spots : WeakSpots or None
        Values and ranges of columns, and classes, where the network is worse than
        elsewhere by more than chance; None where it is no table.
    """

    name: str
    class_names: tuple[str, ...]
    fitted_on: str
    scored_on: str
    input: LayerStudy | None
    layers: tuple[LayerStudy, ...]
    output: str | None
    inputs: Inputs | None
    targets: Int[np.ndarray, " samples"]
    predictions: Int[np.ndarray, " samples"] | None
    confidence: Float[np.ndarray, " samples"] | None
    accuracy: Share | None
    fitted_accuracy: Share | None
    shown: Int[np.ndarray, " shown"]
    sampled: Int[np.ndarray, " sampled"]
    sample_hash: str
    similarity: Mapping[str, Float[np.ndarray, "layers layers"]]
    snapshots: tuple[SnapshotStudy, ...]
    suspects: tuple[Suspect, ...]
    validation: ValidationView | None
    keepable: Keepable | None
    findings: tuple[Finding, ...]
    origins: Origins | None = None
    pairs: tuple[MixedPair, ...] = ()
    nearest: Nearest | None = None
    crowd: Crowd | None = None
    importance: Importance | None = None
    weak_spots: WeakSpots | None = None

    def __repr__(self) -> str:
        return (
            f"Study({self.name!r}, scored_on={self.scored_on!r}, "
            f"layers={[layer.name for layer in self.layers]}, "
            f"accuracy={self.accuracy and self.accuracy.value}, "
            f"findings={len(self.findings)})"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: its layers, and over them its page."""
        from layerwise.presentation import study_html

        return study_html(self)

    @property
    def hidden(self) -> tuple[LayerStudy, ...]:
        """The layers before the output; all, where the last is not the output."""
        return self.layers if self.output is None else self.layers[:-1]

    @property
    def last_hidden(self) -> LayerStudy:
        """The last hidden layer; the output where there is no hidden one."""
        return (self.hidden or self.layers)[-1]

    @property
    def untrained(self) -> SnapshotStudy | None:
        """The network before its first step, on the stated sample; None: not known."""
        return self.snapshots[0] if self.snapshots else None

    @property
    def confusion(self) -> Int[np.ndarray, "classes classes"]:
        """Scored samples counted by label (row) and prediction (column).

        Raises
        ------
        InputError
            If the study has no predictions.
        """
        classes = len(self.class_names)
        return confusion_counts(self.targets, self.answers[0], classes)

    @property
    def class_scores(self) -> ClassScores:
        """Recall, precision and F1 of each class on the scored samples.

        Raises
        ------
        InputError
            If the study has no predictions.
        """
        return class_scores(self.confusion)

    @property
    def is_uneven(self) -> bool:
        """Whether a class was fitted on at least twice the samples of another."""
        return are_uneven(self.layers[0].moments.counts)

    @property
    def calibration(self) -> Calibration:
        """Scored samples by their confidence: how often it keeps its word.

        Raises
        ------
        InputError
            If the study has no predictions.
        """
        predictions, confidence = self.answers
        return calibration_of(confidence, predictions == self.targets)

    @property
    def constant_answer(self) -> int | None:
        """The class predicted for all samples, which have several; else None."""
        said = self.predictions
        if said is None or not len(said) or np.all(self.targets == self.targets[0]):
            return None
        return int(said[0]) if np.all(said == said[0]) else None

    @property
    def settled(self) -> Int[np.ndarray, " samples"]:
        """The layer that settles each scored sample: from it on, all probes agree.

        The place, in the order of iteration, of the first layer from which on the probe
        of each, up to the last hidden one, says what the network says; -1 where not
        even that of the last hidden layer does.

        Raises
        ------
        InputError
            If the study has no predictions.
        """
        said, _ = self.answers
        layers = [*self] if self.output is None else [*self][:-1]
        agreeing = np.ones(len(said), bool)
        place = np.full(len(said), -1, np.int16)
        for own in reversed(range(len(layers))):
            agreeing &= layers[own].probe_predictions == said
            place[agreeing] = own
        return place

    @property
    def mistakes(self) -> Int[np.ndarray, " mistakes"]:
        """Positions of the scored samples that are wrong, the most confident first."""
        predictions, confidence = self.answers
        wrong = np.flatnonzero(predictions != self.targets)
        return wrong[np.argsort(-confidence[wrong], kind="stable")]

    @property
    def answers(
        self,
    ) -> tuple[Int[np.ndarray, " samples"], Float[np.ndarray, " samples"]]:
        """The predictions and their confidence.

        Raises
        ------
        InputError
            If the study has none.
        """
        if self.predictions is None or self.confidence is None:
            raise InputError(
                f"{self.name}: nothing was predicted, so there are no mistakes: "
                "inspect with predict= or a network that has outputs"
            )
        return self.predictions, self.confidence

    def summary(self) -> dict[str, Any]:
        """Return the layers' figures and the findings as JSON's types."""
        return {
            "scored_on": self.scored_on,
            "fitted_on": self.fitted_on,
            "accuracy": None if self.accuracy is None else self.accuracy.value,
            **self._by_class(),
            "input": None if self.input is None else self.input.summary(),
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
            "importance": None if self.importance is None else asdict(self.importance),
            "weak_spots": None
            if self.weak_spots is None
            else self.weak_spots.summary(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def _by_class(self) -> dict[str, Any]:
        if self.predictions is None:
            return {}
        scores = self.class_scores
        rows = zip(self.class_names, *(own.tolist() for own in scores), strict=True)
        return {
            "balanced_accuracy": scores.balanced_accuracy,
            "classes": [
                dict(zip(("name", *scores._fields), row, strict=True)) for row in rows
            ],
        }

    def report(self, path: str | Path, *, command: str = "") -> Path:
        """Write the page on this study: one HTML file that opens offline.

        Parameters
        ----------
        path : str or Path
        command : str, optional
            What to type to get this again; it stands on the page.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        MachineError
            If it cannot be written.
        """
        from layerwise.presentation import page, study_payload

        write_atomically(Path(path), page(study_payload(self, command)).encode())
        return Path(path)

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
        return table(self._rows(), self.class_names)

    def _rows(self) -> Iterator[Row]:
        for layer in self:
            yield layer.name, None, "true", layer.measures
            yield layer.name, None, "shuffled", layer.shuffled
        for snapshot in self.snapshots:
            # The studied network stands there on the whole of the samples already.
            if snapshot.epoch is not None:
                for layer in snapshot.layers:
                    yield layer.name, snapshot.epoch, "true", layer.measures

    def __iter__(self) -> Iterator[LayerStudy]:
        """Yield the input, where there is one, then every layer."""
        if self.input is not None:
            yield self.input
        yield from self.layers


def keepable(study: Study, required: float) -> Keepable | None:
    """Return what can be kept: threshold by the validation set, counts by the scored.

    None without a validation set.

    Raises
    ------
    InputError
        If the required accuracy is not between 0 and 1.
    """
    if not 0 < required < 1:
        raise InputError(f"required accuracy must be between 0 and 1, not {required}")
    view = study.validation
    predictions, confidence = study.predictions, study.confidence
    if view is None or predictions is None or confidence is None:
        return None
    right = view.predictions == view.targets
    threshold = promised(view.confidence, right, required)
    kept = confidence >= threshold
    return Keepable(
        required=required,
        threshold=threshold,
        kept=share(kept),
        accuracy=share((predictions == study.targets)[kept]),
        chosen_on=len(right),
        needed=fewest_to_promise(required),
    )
