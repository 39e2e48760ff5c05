"""The look inside: one pass to fit, one pass to score, every layer at once."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import Dataset, Samples, stratified_split
from layerwise.errors import InputError
from layerwise.inspection._findings import study_findings
from layerwise.inspection._keepable import keepable
from layerwise.inspection._study import LayerStudy, Share, Study
from layerwise.model import Network
from layerwise.statistics import (
    LeastSquaresProbe,
    Moments,
    PrincipalComponents,
    class_spread,
    constant_units,
    least_squares_probe,
    participation_ratio,
    principal_components,
    separation,
    wilson_interval,
)

__all__ = ["inspect", "layer_moments", "share", "study_of_layer"]

COMPONENTS = 10


def inspect(
    network: Network,
    data: Dataset | Samples,
    *,
    fit_on: Samples | None = None,
    required_accuracy: float = 0.99,
) -> Study:
    """Look at every layer of a network: what its activations know of the classes.

    Parameters
    ----------
    network : Network
        A trained one; untrained is possible too.
    data : Dataset or Samples
        With a data set, moments and probes are fitted on its training samples and
        scored on its test samples. Samples alone are scored; what is fitted is fitted
        on ``fit_on``, or, without it, on the half that is not being scored.
    fit_on : Samples, optional
        What to fit on.
    required_accuracy : float
        For ``Study.keepable``, between 0 and 1; a data set's validation samples choose
        the threshold.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there are no samples, or too few to cross-fit; if they do not have the
        network's input shape; or if the network's outputs are not finite.
    """
    if isinstance(data, Dataset):
        fit_on, scored = data.train, data.test
        name, validation = data.name, data.validation
        words = "training samples", "test samples"
    else:
        scored, name, validation = data, "samples", None
        words = ("samples given to fit on", "samples given")
    folds = (
        _halves(scored) if fit_on is None else [_Fold(fit_on, np.arange(len(scored)))]
    )
    if not all(len(fold.fit_on) and len(fold.positions) for fold in folds):
        raise InputError("too few samples: give some to fit on and some to score")
    fitted = [layer_moments(network, fold.fit_on) for fold in folds]
    bases = [_Basis.of(layer) for layer in zip(*fitted, strict=True)]
    passed = _pass(network, scored, bases, folds)
    fitted_on = f"{sum(len(f.fit_on) for f in folds):,} {words[0]}"
    if fit_on is None:
        fitted_on = "the other half of the samples (cross-fitted)"
    names = ("input", *network.layer_names)
    layers = [
        study_of_layer(n, basis.moments, basis.components, seen, scored.targets)
        for n, basis, seen in zip(names, bases, passed.layers, strict=True)
    ]
    probabilities = network.loss.probabilities(passed.logits)
    predictions = np.argmax(passed.logits, axis=1)
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
        keepable=None,
        findings=(),
    )
    if validation is not None:
        kept = keepable(network, validation, study, required_accuracy)
        study = replace(study, keepable=kept)
    return replace(study, findings=study_findings(study))


@dataclass(frozen=True, eq=False)
class _Fold:
    """Samples to fit on, and the positions of those that they score."""

    fit_on: Samples
    positions: Int[np.ndarray, " positions"]


def _halves(samples: Samples) -> list[_Fold]:
    """Return two folds: each half is scored by what was fitted on the other.

    Both hold every class in proportion, in whatever order the samples come.
    """
    first, second = stratified_split(samples.targets, [0.5, 0.5], seed=0)

    def half(rows: np.ndarray) -> Samples:
        return Samples(samples.inputs[rows], samples.targets[rows])

    return [_Fold(half(second), first), _Fold(half(first), second)]


@dataclass(frozen=True, eq=False)
class _Basis:
    """What one layer's scored samples are looked at with."""

    moments: Moments
    components: PrincipalComponents
    probes: tuple[LeastSquaresProbe, ...]

    @classmethod
    def of(cls, folds: tuple[Moments, ...]) -> "_Basis":
        """Fit one probe to each fold, the components to all of them."""
        moments = folds[0]
        for other in folds[1:]:
            moments = moments.merge(other)
        count = min(COMPONENTS, len(moments.shift))
        probes = tuple(least_squares_probe(fold) for fold in folds)
        return cls(moments, principal_components(moments, count), probes)


@dataclass(frozen=True, eq=False)
class LayerPass:
    """One layer's scored samples: where they lie, and what the probe says of them."""

    projection: Float[np.ndarray, "samples 2"]
    predictions: Int[np.ndarray, " samples"]


@dataclass(frozen=True, eq=False)
class _Pass:
    layers: list[LayerPass]
    logits: Float[np.ndarray, "samples classes"]


def layer_moments(network: Network, samples: Samples) -> list[Moments]:
    """Return the moments of the scaled inputs and of every layer, in one pass."""
    classes = len(network.class_names)
    moments: list[Moments] = []
    start = 0
    for arrays in network.activations(samples.inputs):
        labels = samples.targets[start : start + len(arrays[0])]
        start += len(labels)
        moments = moments or [Moments.empty(a.shape[1], classes) for a in arrays]
        moments = [m.updated(a, labels) for m, a in zip(moments, arrays, strict=True)]
    return moments


def _pass(
    network: Network, scored: Samples, bases: list[_Basis], folds: list[_Fold]
) -> _Pass:
    """Return every layer's projections and probe predictions, and the logits."""
    projections: list[list[np.ndarray]] = [[] for _ in bases]
    votes: list[list[np.ndarray]] = [[] for _ in bases]
    logits: list[np.ndarray] = []
    for arrays in network.activations(scored.inputs):
        for i, (basis, rows) in enumerate(zip(bases, arrays, strict=True)):
            plane = basis.components.project(rows)[:, :2]
            projections[i].append(plane.astype(np.float32))
            votes[i].append(np.stack([p.predict(rows) for p in basis.probes]))
        logits.append(arrays[-1])
    fold_of = np.zeros(len(scored), np.int64)
    for number, fold in enumerate(folds):
        fold_of[fold.positions] = number
    everywhere = np.arange(len(scored))
    layers = [
        LayerPass(
            _two_columns(np.concatenate(planes)),
            np.concatenate(said, axis=1)[fold_of, everywhere],
        )
        for planes, said in zip(projections, votes, strict=True)
    ]
    return _Pass(layers, np.concatenate(logits))


def _two_columns(plane: np.ndarray) -> np.ndarray:
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))


def study_of_layer(
    name: str,
    moments: Moments,
    components: PrincipalComponents,
    seen: LayerPass,
    targets: Int[np.ndarray, " samples"],
) -> LayerStudy:
    """Put one layer's figures together."""
    right = seen.predictions == targets
    classes = len(moments.counts)
    scored = np.bincount(targets, minlength=classes)
    hits = np.bincount(targets[right], minlength=classes)
    with np.errstate(invalid="ignore"):
        recall = hits / scored
    return LayerStudy(
        name=name,
        units=len(moments.shift),
        moments=moments,
        components=components,
        projection=seen.projection,
        probe_predictions=seen.predictions,
        probe_accuracy=share(right),
        probe_recall=recall,
        participation_ratio=participation_ratio(moments),
        dead=constant_units(moments),
        spread=class_spread(moments),
        separation=separation(moments),
    )


def share(right: np.ndarray) -> Share:
    """Return the share of true entries, with its interval."""
    successes, trials = int(np.sum(right)), len(right)
    low, high = wilson_interval(successes, trials)
    return Share(successes, trials, float(low), float(high))
