"""What is measured of a layer, and from what: one table of names, one way to take them.

The same function measures the studied network on all its samples, and the untrained
one, the snapshots and shuffled labels on a stated sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int64

from layerwise.statistics import (
    MAX_UNITS,
    Correlations,
    LeastSquaresProbe,
    Moments,
    Share,
    angle_deviation,
    class_spread,
    confusion_counts,
    constant_units,
    duplicate_units,
    effective_rank,
    fisher_ratio,
    least_squares_probe,
    nearest_mean,
    norm_variation,
    participation_ratio,
    self_duality,
    separation,
    wilson_interval,
    within_collapse,
)
from layerwise.study.measures._sampled import (
    Neighbourhood,
    bootstrap_interval,
    logistic_probe,
    shuffled,
)

Confusion = Int64[np.ndarray, "classes classes"]
Weights = Float[np.ndarray, "units classes"]


class Measure(NamedTuple):
    """What a measure is, and how it is drawn.

    Parameters
    ----------
    meaning : str
        In a line; ``docs/measures.md`` explains it.
    title : str
        Its name in the figure of measures by layer; none where it is not drawn there.
    scale : str
        There: of shares from 0 to 1, from 0 on, or over powers of ten.
    looks_at_labels : bool
        Whether shuffling the labels changes it.
    """

    meaning: str
    title: str = ""
    scale: Literal["share", "log", "linear"] = "linear"
    looks_at_labels: bool = True


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "probe_accuracy": Measure(
            "accuracy of a linear (least-squares) probe", "linear probe", "share"
        ),
        "probe_accuracy_fitted": Measure(
            "its accuracy on the samples it was fitted on"
        ),
        "probe_recall": Measure("recall of each class by the linear probe"),
        "logistic_accuracy": Measure(
            "accuracy of a logistic-regression probe", "logistic probe", "share"
        ),
        "nearest_mean_accuracy": Measure(
            "accuracy of the nearest class mean", "nearest class mean", "share"
        ),
        "nearest_mean_recall": Measure(
            "recall of each class by the nearest class mean"
        ),
        "neighbour_purity": Measure(
            "share of the 10 nearest samples with the same label",
            "neighbour purity",
            "share",
        ),
        "silhouette": Measure("mean silhouette coefficient, -1 to 1"),
        "fisher_ratio": Measure(
            "variance between classes over variance within", "Fisher ratio", "log"
        ),
        "separation": Measure(
            "distance of two class means in standard deviations within"
        ),
        "mixed": Measure("share of two classes that the probe predicts as the other"),
        "spread": Measure("variance of a class over the mean variance of all"),
        "participation_ratio": Measure(
            "effective number of dimensions",
            "participation ratio",
            looks_at_labels=False,
        ),
        "effective_rank": Measure(
            "effective number of dimensions, by entropy",
            "effective rank",
            looks_at_labels=False,
        ),
        "dead_units": Measure(
            "units with the same output for all samples", looks_at_labels=False
        ),
        "duplicate_units": Measure(
            "units that repeat an earlier one", looks_at_labels=False
        ),
        "collapse_within": Measure(
            "NC1: variance within classes over that between", "NC1 (collapse)", "log"
        ),
        "collapse_norms": Measure(
            "NC2: variation of the class means' distances from the centre"
        ),
        "collapse_angles": Measure(
            "NC2: deviation of the means' angles from a simplex"
        ),
        "collapse_within_scored": Measure("NC1 on the scored samples"),
        "collapse_norms_scored": Measure("NC2, distances, on the scored samples"),
        "collapse_angles_scored": Measure("NC2, angles, on the scored samples"),
        "collapse_duality": Measure(
            "NC3: distance of the output's weights from the class means"
        ),
        "collapse_nearest_mean": Measure(
            "NC4: share where nearest class mean and network disagree"
        ),
        "trustworthiness": Measure(
            "are neighbours in the plot of components neighbours in the layer",
            looks_at_labels=False,
        ),
        "continuity": Measure(
            "are neighbours in the layer neighbours in the plot of components",
            looks_at_labels=False,
        ),
        "discriminant_trustworthiness": Measure(
            "trustworthiness of the plot of discriminants", looks_at_labels=False
        ),
        "discriminant_continuity": Measure(
            "continuity of the plot of discriminants", looks_at_labels=False
        ),
    }
)
"""Every measure by name, in the order of tables."""

PREFIX = MappingProxyType({"components": "", "discriminants": "discriminant_"})
"""What the name of a plane's trust begins with; others' with the plane's own name."""


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured of one layer; NaN where a measure has no meaning.

    Parameters
    ----------
    values : mapping of str to float
        Of the layer as a whole.
    by_class : mapping of str to array, shape (classes,)
    by_pair : mapping of str to array, shape (classes, classes)
    intervals : mapping of str to pair of float
        The 95 % interval of some of ``values``: Wilson's for shares, the percentile
        bootstrap for means over samples.
    """

    values: Mapping[str, float]
    by_class: Mapping[str, Float[np.ndarray, " classes"]]
    by_pair: Mapping[str, Float[np.ndarray, "classes classes"]]
    intervals: Mapping[str, tuple[float, float]]

    def trust(self, plane: str) -> tuple[float, float]:
        """Return how much of a plane is to be believed: trustworthiness, continuity."""
        trustworthiness, continuity = _trust_names(plane)
        return self.values[trustworthiness], self.values[continuity]

    def summary(self) -> dict[str, Any]:
        """Return the values and their intervals as JSON's types."""
        return {
            "values": dict(self.values),
            "by_class": {
                name: [float(v) for v in values]
                for name, values in self.by_class.items()
            },
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
        }


@dataclass(frozen=True, eq=False)
class LayerSample:
    """One layer's rows of the stated sample: those to fit on, and those to score."""

    fitting: Float[np.ndarray, "fitting units"]
    fitting_targets: Int[np.ndarray, " fitting"]
    scored: Float[np.ndarray, "scored units"]
    targets: Int[np.ndarray, " scored"]

    def moments(self, classes: int, max_units: int) -> tuple[Moments, Moments]:
        """Return the moments of the rows fitted on, and of those scored."""
        none = Moments.empty(self.fitting.shape[1], classes, max_units=max_units)
        return (
            none.updated(self.fitting, self.fitting_targets),
            none.updated(self.scored, self.targets),
        )


@dataclass(frozen=True, eq=False)
class LayerEvidence:
    """All that a layer's measures are taken from.

    The moments of the samples fitted on, and of those scored; of the latter the
    classes, and those that the least-squares probe and the nearest class mean say.
    """

    fitted: Moments
    scored: Moments
    targets: Int[np.ndarray, " samples"]
    probe_predictions: Int[np.ndarray, " samples"]
    nearest_means: Int[np.ndarray, " samples"]
    probe: LeastSquaresProbe
    sample: LayerSample

    @property
    def constant(self) -> bool:
        """Whether the layer says the same of every sample fitted on."""
        return bool(np.all(constant_units(self.fitted)))

    @classmethod
    def of_sample(
        cls, sample: LayerSample, classes: int, max_units: int = MAX_UNITS
    ) -> "LayerEvidence":
        """Return what a stated sample by itself says.

        Of more than ``max_units`` units, scatters are those of a projection.
        """
        fitted, scored = sample.moments(classes, max_units)
        return cls._read(sample, fitted, scored, Correlations.of(fitted))

    @classmethod
    def beside_chance(
        cls, sample: LayerSample, classes: int, max_units: int = MAX_UNITS
    ) -> tuple["LayerEvidence", "LayerEvidence"]:
        """Return what a stated sample says, and what with its labels shuffled.

        The rows are the same: their eigenproblems are solved once for both.
        """
        fitted, scored = sample.moments(classes, max_units)
        correlations = Correlations.of(fitted)
        _ = fitted.spectrum  # found here, it is kept under the other labels
        other = replace(
            sample,
            fitting_targets=shuffled(sample.fitting_targets, seed=0),
            targets=shuffled(sample.targets, seed=1),
        )
        by_chance = (
            fitted.relabelled(other.fitting, other.fitting_targets),
            scored.relabelled(other.scored, other.targets),
        )
        return (
            cls._read(sample, fitted, scored, correlations),
            cls._read(other, *by_chance, correlations),
        )

    @classmethod
    def _read(
        cls,
        sample: LayerSample,
        fitted: Moments,
        scored: Moments,
        correlations: Correlations,
    ) -> "LayerEvidence":
        probe = least_squares_probe(fitted, correlations=correlations)
        return cls(
            fitted=fitted,
            scored=scored,
            targets=sample.targets,
            probe_predictions=probe.predict(sample.scored),
            nearest_means=nearest_mean(sample.scored, fitted),
            probe=probe,
            sample=sample,
        )


def measured(
    evidence: LayerEvidence,
    neighbourhood: Neighbourhood | None = None,
    planes: Mapping[str, Float[np.ndarray, "scored 2"]] | None = None,
    output: tuple[Weights, Int[np.ndarray, " samples"]] | None = None,
) -> Measures:
    """Take the measures of one layer.

    Without the ``neighbourhood`` of the stated sample only the quick ones: no
    neighbours, no logistic probe. ``planes`` are the stated sample through some bases:
    how much of these pictures is to be believed. Where a linear ``output`` follows the
    layer, that is its weights, and what the network says of the scored samples.
    """
    found = _taken(evidence, neighbourhood, planes or {})
    if evidence.constant:
        return _undefined(found)
    if output is None:
        return found
    weights, predictions = output
    differs = np.count_nonzero(evidence.nearest_means != predictions)
    by_output = {
        "collapse_duality": self_duality(weights.T, evidence.fitted),
        "collapse_nearest_mean": differs / len(predictions),
    }
    return replace(found, values={**found.values, **by_output})


def _undefined(measures: Measures) -> Measures:
    """Return the measures of a layer that says the same of every sample: its units'.

    A probe of it always answers the same class and finds all of that; with no distance
    between any two samples, all are each other's neighbours.
    """
    nan = float("nan")
    units = ("dead_units", "duplicate_units")
    return Measures(
        values={k: v if k in units else nan for k, v in measures.values.items()},
        by_class={k: np.full_like(v, nan) for k, v in measures.by_class.items()},
        by_pair={k: np.full_like(v, nan) for k, v in measures.by_pair.items()},
        intervals=dict.fromkeys(measures.intervals, (nan, nan)),
    )


def _taken(
    evidence: LayerEvidence,
    neighbourhood: Neighbourhood | None,
    planes: Mapping[str, Float[np.ndarray, "scored 2"]],
) -> Measures:
    sample, classes = evidence.sample, len(evidence.fitted.counts)
    said = _said(evidence, brief=neighbourhood is None)
    right = {name: _right(counts) for name, counts in said.items()}
    means: dict[str, np.ndarray] = {}
    trust: dict[str, float] = {}
    if neighbourhood is not None:
        means["neighbour_purity"] = neighbourhood.purity(sample.targets)
        means["silhouette"] = neighbourhood.silhouette(sample.targets)
        trust = _trust(neighbourhood, planes)
    scored = _collapse(evidence.scored)
    return Measures(
        values={name: share.value for name, share in right.items()}
        | {name: _mean(values) for name, values in means.items()}
        | _of_moments(evidence.fitted)
        | {f"{name}_scored": value for name, value in scored.items()}
        | trust,
        by_class={
            "probe_recall": _recall(said["probe_accuracy"]),
            "nearest_mean_recall": _recall(said["nearest_mean_accuracy"]),
            "spread": class_spread(evidence.fitted),
        }
        | {
            name: np.array([_mean(values[sample.targets == c]) for c in range(classes)])
            for name, values in means.items()
        },
        by_pair={
            "separation": separation(evidence.fitted),
            "mixed": _mixed(said["probe_accuracy"]),
        },
        intervals={name: (share.low, share.high) for name, share in right.items()}
        | {name: bootstrap_interval(values, seed=0) for name, values in means.items()},
    )


def _said(evidence: LayerEvidence, *, brief: bool) -> dict[str, Confusion]:
    """Return how often each way of reading the class says what of which class.

    Counted, so that nothing is as long as the samples, of which there may be many.
    """
    sample, classes = evidence.sample, len(evidence.fitted.counts)
    pairs = {
        "probe_accuracy": (evidence.targets, evidence.probe_predictions),
        "probe_accuracy_fitted": (
            sample.fitting_targets,
            evidence.probe.predict(sample.fitting),
        ),
        "nearest_mean_accuracy": (evidence.targets, evidence.nearest_means),
    }
    if not brief:
        said = logistic_probe(sample.fitting, sample.fitting_targets, sample.scored)
        pairs["logistic_accuracy"] = sample.targets, said
    return {name: confusion_counts(*pair, classes) for name, pair in pairs.items()}


def _of_moments(fitted: Moments) -> dict[str, float]:
    return {
        "fisher_ratio": fisher_ratio(fitted),
        "participation_ratio": participation_ratio(fitted),
        "effective_rank": effective_rank(fitted),
        "dead_units": float(np.sum(constant_units(fitted))),
        "duplicate_units": float("nan")
        if fitted.projection
        else float(np.sum(duplicate_units(fitted))),
    } | _collapse(fitted)


def _collapse(moments: Moments) -> dict[str, float]:
    return {
        "collapse_within": within_collapse(moments),
        "collapse_norms": norm_variation(moments),
        "collapse_angles": angle_deviation(moments),
    }


def _trust(
    neighbourhood: Neighbourhood, planes: Mapping[str, Float[np.ndarray, "scored 2"]]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, plane in planes.items():
        found |= zip(_trust_names(name), neighbourhood.trust(plane), strict=True)
    return found


def _trust_names(plane: str) -> tuple[str, str]:
    prefix = PREFIX.get(plane, f"{plane}_")
    return f"{prefix}trustworthiness", f"{prefix}continuity"


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _right(counts: Confusion) -> Share:
    said_right, samples = int(np.trace(counts)), int(counts.sum())
    return Share(said_right, samples, *wilson_interval(said_right, samples))


def _recall(counts: Confusion) -> Float[np.ndarray, " classes"]:
    """Return the share of each class that is said right; NaN of one without samples."""
    of_class = counts.sum(axis=1)
    return counts.diagonal() / np.where(of_class, of_class, np.nan)


def _mixed(counts: Confusion) -> Float[np.ndarray, "classes classes"]:
    """Return for two classes the share of both that is taken for the other."""
    of_class = counts.sum(axis=1)
    crossed = counts + counts.T
    both = of_class[:, None] + of_class
    with np.errstate(invalid="ignore"):
        shares = crossed / both
    np.fill_diagonal(shares, 0)
    return shares
