"""Samples made up for the pictures of ``docs/measures.md``, and what is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from layerwise.study.measures._measures import (
    LayerEvidence,
    LayerSample,
    Measures,
    measured,
)
from layerwise.study.measures._sampled import Neighbourhood, shuffled

__all__ = [
    "Case",
    "Draw",
    "Labelled",
    "at_random",
    "case",
    "case_of",
    "clouds",
    "islands",
    "polygon",
    "random_layer",
    "ring",
    "with_weights",
]

Labelled: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Rows and their classes."""

Draw: TypeAlias = Callable[[np.random.Generator], Labelled]


@dataclass(frozen=True, eq=False)
class Case:
    """One panel of a picture.

    Parameters
    ----------
    title : str
    fitting, scored : Labelled
        Rows and classes: fitted on, and scored.
    measures : Measures
        What the package measures of them.
    """

    title: str
    fitting: Labelled
    scored: Labelled
    measures: Measures


def case(title: str, scored: Draw, fitting: Draw | None = None) -> Case:
    """Draw samples to fit on, and others to score: from the same by default."""
    rng = np.random.default_rng(0)
    return case_of(title, (fitting or scored)(rng), scored(rng))


def case_of(
    title: str,
    fitting: Labelled,
    scored: Labelled,
    planes: Mapping[str, np.ndarray] | None = None,
) -> Case:
    """Measure these samples, and planes of those that are scored."""
    evidence = _evidence(fitting, scored)
    found = measured(evidence, Neighbourhood.of(scored[0]), planes)
    return Case(title, fitting, scored, found)


def with_weights(title: str, original: Case, weights: np.ndarray) -> Case:
    """Put an output layer without biases behind a case, and measure it too."""
    evidence = _evidence(original.fitting, original.scored)
    predictions = np.argmax(original.scored[0] @ weights, axis=1)
    near = Neighbourhood.of(original.scored[0])
    found = measured(evidence, near, output=(weights, predictions))
    return replace(original, title=title, measures=found)


def _evidence(fitting: Labelled, scored: Labelled) -> LayerEvidence:
    classes = 1 + int(fitting[1].max())
    return LayerEvidence.of_sample(LayerSample(*fitting, *scored), classes)


def clouds(
    means: ArrayLike, width: ArrayLike = 1.0, each: int | Sequence[int] = 100
) -> Draw:
    """Return what draws a normal cloud about each mean, every one a class.

    Parameters
    ----------
    means : array, shape (classes, units)
    width : array that broadcasts to the means' shape
        Standard deviations.
    each : int, or one for every class
        How many samples.
    """
    centres = np.asarray(means, float)
    deviations = np.broadcast_to(width, centres.shape)

    def draw(rng: np.random.Generator) -> Labelled:
        targets = np.repeat(np.arange(len(centres)), each)
        noise = rng.normal(size=(len(targets), centres.shape[1]))
        return centres[targets] + noise * deviations[targets], targets

    return draw


def ring(rng: np.random.Generator, each: int = 100) -> Labelled:
    """Draw a class, and another all round it."""
    targets = np.repeat([0, 1], each)
    radii = np.array([0.5, 3.0])[targets] + 0.25 * rng.normal(size=len(targets))
    angles = rng.uniform(0, 2 * np.pi, len(targets))
    return (radii * [np.cos(angles), np.sin(angles)]).T, targets


def islands(rng: np.random.Generator) -> Labelled:
    """Draw two classes of two islands each, at opposite corners."""
    rows, island = clouds([(4, 4), (4, -4), (-4, -4), (-4, 4)], each=50)(rng)
    return rows, island % 2


def polygon(classes: int, radius: float) -> np.ndarray:
    """Return means at equal angles; three of them are a simplex."""
    angles = np.pi / 2 + 2 * np.pi * np.arange(classes) / classes
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def random_layer(samples: Labelled, units: int) -> Labelled:
    """Return what ReLU units that nobody has trained give for the samples."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(samples[0].shape[1], units))
    biases = rng.normal(size=units)
    return np.maximum(samples[0] @ weights + biases, 0), samples[1]


def at_random(samples: Labelled) -> Labelled:
    """Return the rows with their classes in random order."""
    return samples[0], shuffled(samples[1], seed=2)
