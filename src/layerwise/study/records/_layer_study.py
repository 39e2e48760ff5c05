"""What is known of one layer: of the studied network, and of one on its way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from layerwise.statistics import Discriminants, Moments, PrincipalComponents, Share
from layerwise.study.measures import Measures


@dataclass(frozen=True, eq=False)
class Turn:
    """How a plane is rotated about its centre, and mirrored if need be.

    Parameters
    ----------
    centre : array, shape (2,)
    rotation : array, shape (2, 2)
        Orthogonal.
    """

    centre: Float[np.ndarray, " 2"]
    rotation: Float[np.ndarray, "2 2"]

    def __call__(
        self, plane: Float[np.ndarray, "samples 2"]
    ) -> Float[np.ndarray, "samples 2"]:
        """Return a plane turned, in float32: no distance changes."""
        turned = (plane - self.centre) @ self.rotation + self.centre
        return turned.astype(np.float32)


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
    whole : bool
        Whether a row is all that the layer gives for a sample: not a mean over
        positions, one position, or one of several uses.
    sample : array, shape (sampled, units)
        What the layer gives for the stated sample.
    measures, shuffled : Measures
        Everything measured; and what the stated sample gives with its labels shuffled,
        which is what chance gives.
    turns : mapping of str to Turn
        What lays the planes ``components`` and ``discriminants`` on those of the layer
        before: so turned, layers and epochs can be followed. Empty for the input.
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
    whole: bool
    sample: Float[np.ndarray, "sampled units"]
    measures: Measures
    shuffled: Measures
    turns: Mapping[str, Turn] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"LayerStudy({self.name!r}, units={self.units}, "
            f"probe_accuracy={self.probe_accuracy.value})"
        )

    @property
    def projection(self) -> Float[np.ndarray, "shown 2"]:
        """The samples shown, on the first two components."""
        return self.planes["components"]

    def turned(
        self, plane: str, points: Float[np.ndarray, "samples 2"] | None = None
    ) -> Float[np.ndarray, "samples 2"]:
        """Return a plane laid on that of the layer before it.

        Parameters
        ----------
        plane : str
        points : array, shape (samples, 2), optional
            Others than the samples shown, on the same plane.
        """
        points = self.planes[plane] if points is None else points
        return self.turns[plane](points) if plane in self.turns else points

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
    frames : mapping of str to array, shape (shown, 2)
        The samples shown through the bases ``components`` and ``discriminants`` (its
        own), and ``fixed`` (the components of the studied network, for all epochs).
        Turned, and mirrored where need be, so that it lies as well as it can on the
        same layer's frame of the next snapshot; distances are as they were. Those of
        the studied network are its planes, turned.
    """

    name: str
    measures: Measures
    frames: Mapping[str, Float[np.ndarray, "shown 2"]]


@dataclass(frozen=True, eq=False)
class SnapshotStudy:
    """A network on its way: measured on the stated sample, all shown samples seen.

    Parameters
    ----------
    epoch : int or None
        0 is the untrained network; None the studied one, where no epoch is known.
    layers : tuple of SnapshotLayer
        The network's layers, in forward order; the input does not change.
    predictions, confidence : arrays, shape (shown,), or None
        What it says of the samples shown, and how probable it finds that; None: it says
        nothing.
    """

    epoch: int | None
    layers: tuple[SnapshotLayer, ...]
    predictions: Int[np.ndarray, " shown"] | None = None
    confidence: Float[np.ndarray, " shown"] | None = None
