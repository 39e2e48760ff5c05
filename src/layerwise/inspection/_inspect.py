"""The look inside: one pass to fit, one pass to score, every layer at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from layerwise.arrays import leaves
from layerwise.data import Dataset, Samples
from layerwise.inspection._capture import (
    Basis,
    Fold,
    drawn,
    folds_of,
    layer_moments,
    layer_rows,
    score_pass,
    two_columns,
)
from layerwise.inspection._findings import study_findings
from layerwise.inspection._keepable import keepable
from layerwise.inspection._label_evidence import LabelEvidence
from layerwise.inspection._measures import (
    LayerEvidence,
    LayerSample,
    Measures,
    measured,
    with_output,
)
from layerwise.inspection._out_of_fold import neighbour_votes
from layerwise.inspection._sampled import Neighbourhood, shuffled
from layerwise.inspection._shares import share
from layerwise.inspection._similarity import layer_similarity
from layerwise.inspection._snapshots import (
    StatedSample,
    aligned,
    layer_samples,
    snapshot_study,
)
from layerwise.inspection._study import (
    LayerStudy,
    SnapshotStudy,
    Study,
    ValidationView,
)
from layerwise.inspection._suspects import Suspect, ranked
from layerwise.inspection._together import each
from layerwise.model import Linear, Network, Sequential, flatten
from layerwise.statistics import constant_units, duplicate_units
from layerwise.training import Snapshot

__all__ = ["inspect"]

SHOWN = 10_000
"""At most so many scored samples are shown."""

ASKED, VOTERS = 500, 10_000
"""So many mistakes at most are looked at for suspect labels, those of which the network
is surest; their neighbours are looked for among so many samples fitted on."""

FITTING, SAMPLED = 3_000, 1_500
"""The stated sample: so many fitted on, and so many scored, at most."""


@threadpool_limits.wrap(limits=1, user_api="blas")
def inspect(
    network: Network,
    data: Dataset | Samples,
    *,
    fit_on: Samples | None = None,
    required_accuracy: float = 0.99,
    snapshots: Sequence[Snapshot] = (),
    transformer: Any = None,
) -> Study:
    """Look at every layer of a network: what its activations know of the classes.

    Parameters
    ----------
    network : Network
        A trained one; untrained is possible too.
    data : Dataset or Samples
        With a data set, everything fitted is fitted on its training samples and
        scored on its test samples. Samples alone are scored; what is fitted is fitted
        on ``fit_on``, or, without it, on the half that is not being scored.
    fit_on : Samples, optional
        What to fit on.
    required_accuracy : float
        For ``Study.keepable``, between 0 and 1; a data set's validation samples choose
        the threshold.
    snapshots : sequence of Snapshot
        The network on its way: ``Result.snapshots``. Without them the untrained
        network is drawn anew, with seed 0, to compare with.
    transformer : scikit-learn transformer, optional
        One more way to look at the samples shown, fitted on the stated sample
        (``umap.UMAP()``, say); without a ``transform`` it is fitted on what it shows.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there are no samples, or too few to cross-fit; if they do not have the
        network's input shape; or if the network's outputs are not finite.
    """
    validation = None
    if isinstance(data, Dataset):
        fit_on, scored, name = data.train, data.test, data.name
        validation = data.validation
        words, part = ("training samples", "test samples"), "test"
    else:
        scored, name = data, "samples"
        words, part = ("samples given to fit on", "samples given"), "samples"
    folds = folds_of(scored, fit_on)
    fitted_on = f"{sum(len(f.fit_on) for f in folds):,} {words[0]}"
    if fit_on is None:
        fitted_on = "the other half of the samples (cross-fitted)"
    seen = _Seen(network, scored, folds, transformer)
    predictions = np.argmax(seen.logits, axis=1)
    probabilities = network.loss.probabilities(seen.logits)
    layers = seen.layers(predictions)
    fitting = seen.sample.fitting
    study = Study(
        name=name,
        class_names=network.class_names,
        fitted_on=fitted_on,
        scored_on=f"{len(scored):,} {words[1]}",
        input=layers[0],
        layers=tuple(layers[1:]),
        inputs=scored.inputs,
        targets=scored.targets,
        predictions=predictions,
        confidence=np.max(probabilities, axis=1),
        accuracy=share(predictions == scored.targets),
        fitted_accuracy=share(network.predict(fitting.inputs) == fitting.targets),
        shown=seen.shown,
        sampled=seen.sampled,
        similarity=layer_similarity([layer.sample for layer in layers]),
        snapshots=_snapshots(network, snapshots, seen.sample, layers[1:]),
        suspects=seen.suspects(probabilities, part),
        validation=None,
        keepable=None,
        findings=(),
    )
    if validation is not None:
        view = _validation(network, validation, seen.bases)
        study = replace(study, validation=view)
    study = replace(study, keepable=keepable(study, required_accuracy))
    return replace(study, findings=study_findings(study))


class _Seen:
    """What the passes over the samples give, from which every layer is studied."""

    def __init__(
        self,
        network: Network,
        scored: Samples,
        folds: tuple[Fold, ...],
        transformer: Any,
    ) -> None:
        self._network = network
        self._scored, self._folds = scored, folds
        self._transformer = transformer
        # Shown and sampled are samples on which the planes were not fitted.
        first = folds[0]
        own = first.positions
        self.shown = own[drawn(scored.targets[own], SHOWN, seed=0)]
        self._among_shown = drawn(scored.targets[self.shown], SAMPLED, seed=0)
        self.sampled = self.shown[self._among_shown]
        fitting = first.fit_on.at(drawn(first.fit_on.targets, FITTING, seed=0))
        self.sample = StatedSample(fitting, scored.at(self.sampled))
        fitted = [layer_moments(network, fold.fit_on) for fold in folds]
        self.bases = each(Basis.of, zip(*fitted, strict=True))
        passed = score_pass(network, scored, self.bases, folds, self.shown)
        self._passes, self.logits = passed.layers, passed.logits
        self.samples = layer_samples(network, self.sample)

    def layers(self, predictions: Int[np.ndarray, " samples"]) -> list[LayerStudy]:
        """Return the study of the input and of every layer."""
        names = ("input", *self._network.layer_names)
        extra = [{}] * len(names) if self._transformer is None else self._transformed()
        weights = _output_weights(self._network)

        def studied(place: int) -> LayerStudy:
            name, basis, seen = names[place], self.bases[place], self._passes[place]
            evidence = LayerEvidence(
                fitted=basis.folds[0],
                scored=seen.moments,
                targets=self._scored.targets,
                probe_predictions=seen.probe_predictions,
                nearest_means=seen.nearest_means,
                probe=basis.probes[0],
                sample=self.samples[place],
            )
            planes = seen.planes | extra[place]
            frames = {key: plane[self._among_shown] for key, plane in planes.items()}
            neighbourhood = Neighbourhood.of(evidence.sample.scored)
            measures = measured(evidence, neighbourhood, frames)
            if place == len(names) - 2 and weights is not None:
                measures = with_output(measures, evidence, weights, predictions)
            return LayerStudy(
                name=name,
                units=len(evidence.fitted.shift),
                moments=evidence.fitted,
                components=basis.components,
                discriminants=basis.discriminants,
                planes=planes,
                probe_predictions=evidence.probe_predictions,
                probe_accuracy=share(evidence.probe_predictions == evidence.targets),
                probe_recall=measures.by_class["probe_recall"],
                dead=constant_units(evidence.fitted),
                duplicate=duplicate_units(evidence.fitted),
                sample=evidence.sample.scored,
                measures=measures,
                shuffled=_by_chance(evidence.sample, neighbourhood, self._network),
            )

        return each(studied, range(len(names)))

    def suspects(
        self, probabilities: Float[np.ndarray, "samples classes"], part: str
    ) -> tuple[Suspect, ...]:
        """Return the mistakes in which the label, not the network, may be wrong.

        Beside the network, which has not learnt from them, the nearest of the samples
        fitted on have a say, measured in the inputs.
        """
        targets = self._scored.targets
        predictions, confidence = (
            probabilities.argmax(axis=1),
            probabilities.max(axis=1),
        )
        wrong = np.flatnonzero(predictions != targets)
        asked = wrong[np.argsort(-confidence[wrong], kind="stable")[:ASKED]]
        said = np.stack([seen.probe_predictions for seen in self._passes])
        found: list[Suspect] = []
        for fold in self._folds:
            own = asked[np.isin(asked, fold.positions)]
            if not len(own):
                continue
            evidence = LabelEvidence(
                part=part,
                targets=targets[own],
                probabilities=probabilities[own].astype(np.float64),
                votes=self._votes(fold.fit_on, self._scored.inputs[own]),
                layer_names=("input", *self._network.layer_names),
                probe_predictions=said[:, own],
                judged=np.isin(targets[own], fold.fit_on.targets),
            )
            found += [
                replace(suspect, position=int(own[suspect.position]))
                for suspect in ranked(evidence)
            ]
        return tuple(sorted(found, key=lambda suspect: -suspect.score))

    def _votes(
        self, fitted: Samples, inputs: np.ndarray
    ) -> Int[np.ndarray, "samples classes"]:
        """Count the labels of the nearest of at most `VOTERS` samples fitted on."""
        voters = fitted.at(drawn(fitted.targets, VOTERS, seed=0))
        rows, asked = (
            flatten(self._network.scaling.apply(each_one, np.float32))
            for each_one in (voters.inputs, inputs)
        )
        classes = len(self._network.class_names)
        return neighbour_votes(rows, voters.targets, classes, asked)

    def _transformed(self) -> list[dict[str, Float[np.ndarray, "shown 2"]]]:
        from sklearn.base import clone

        name = type(self._transformer).__name__
        shown = layer_rows(self._network, self._scored.inputs[self.shown])
        planes: list[dict[str, np.ndarray]] = []
        for sample, rows in zip(self.samples, shown, strict=True):
            model = cast("Any", clone(self._transformer))
            if hasattr(model, "transform"):
                model.fit(sample.fitting, sample.fitting_targets)
                plane = model.transform(rows)
            else:
                plane = model.fit_transform(rows)
            planes.append({name: two_columns(np.asarray(plane)[:, :2])})
        return planes


def _by_chance(
    sample: LayerSample, neighbourhood: Neighbourhood, network: Network
) -> Measures:
    """Return what the stated sample gives with its labels shuffled."""
    relabelled = replace(
        sample,
        fitting_targets=shuffled(sample.fitting_targets, seed=0),
        targets=shuffled(sample.targets, seed=1),
    )
    evidence = LayerEvidence.of_sample(relabelled, len(network.class_names))
    return measured(evidence, neighbourhood)


def _output_weights(network: Network) -> Float[np.ndarray, "units classes"] | None:
    """Return the weights of the output layer, None where it is not a linear one."""
    last = network.layer.layers[-1]
    if isinstance(last, Sequential) and isinstance(last.layers[0], Linear):
        return np.asarray(network.parameters[-1][0]["W"])
    return None


def _snapshots(
    network: Network,
    snapshots: Sequence[Snapshot],
    sample: StatedSample,
    studied: Sequence[LayerStudy],
) -> tuple[SnapshotStudy, ...]:
    taken: list[tuple[int | None, Network]] = [(s.epoch, s.network) for s in snapshots]
    if not taken:
        taken.append((0, network.redrawn(seed=0)))
    last = leaves(taken[-1][1].parameters)
    if not all(map(np.array_equal, leaves(network.parameters), last)):
        taken.append((None, network))
    return aligned([snapshot_study(*one, sample, studied) for one in taken])


def _validation(
    network: Network, validation: Samples, bases: Sequence[Basis]
) -> ValidationView:
    logits: list[np.ndarray] = []
    said: list[list[np.ndarray]] = []
    for arrays in network.activations(validation.inputs):
        logits.append(arrays[-1])
        said.append(
            [b.probes[0].predict(rows) for b, rows in zip(bases, arrays, strict=True)]
        )
    outputs = np.concatenate(logits)
    return ValidationView(
        targets=validation.targets,
        predictions=np.argmax(outputs, axis=1),
        confidence=np.max(network.loss.probabilities(outputs), axis=1),
        probe_predictions=np.concatenate(said, axis=1),
    )
