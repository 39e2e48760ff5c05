"""What others say of a sample: networks that have not seen it, and its neighbours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from jaxtyping import Bool, Float, Int, Int64

from layerwise.data import Dataset, Samples
from layerwise.errors import InputError
from layerwise.model import Architecture, Network
from layerwise.statistics import Moments, least_squares_probe, nearest_rows
from layerwise.training import Recipe, fit

__all__ = ["FOLDS", "NEIGHBOURS", "CrossFit", "cross_fit", "neighbour_votes"]

FOLDS = 5
"""Each network trains on four fifths, and says something of the last fifth."""

NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class CrossFit:
    """One network for each fold, trained on the other folds.

    Parameters
    ----------
    samples : Samples
        All of them.
    kept : bool array, shape (samples,)
        Those that were trained on, each in all folds but its own.
    folds : tuple of int arrays
        The positions of each fold's samples, kept or not.
    networks : tuple of Network
        One for each fold.
    """

    samples: Samples
    kept: Bool[np.ndarray, " samples"]
    folds: tuple[Int64[np.ndarray, " _"], ...]
    networks: tuple[Network, ...]

    def probabilities(self) -> Float[np.ndarray, "samples classes"]:
        """Return each sample's class probabilities by the network of its fold."""
        classes = len(self.networks[0].class_names)
        probabilities = np.zeros((len(self.samples), classes))
        for network, held in zip(self.networks, self.folds, strict=True):
            said = network.predict_proba(self.samples.inputs[held])
            probabilities[held] = said
        return probabilities

    def probe_predictions(self) -> Int64[np.ndarray, "layers samples"]:
        """Return what least-squares probes say: the input's first, then each layer's.

        They too are fitted on the kept samples of the other folds.
        """
        names = self.networks[0].layer_names
        said = np.zeros((1 + len(names), len(self.samples)), np.int64)
        inputs = self._input_moments()
        for network, held, moments in zip(
            self.networks, self.folds, inputs, strict=True
        ):
            rows = self.samples.inputs[held]
            said[0, held] = least_squares_probe(moments).predict(_flat(rows))
            fitted = self.samples.at(_others(self.kept, held))
            probes = [least_squares_probe(m) for m in _block_moments(network, fitted)]
            start = 0
            for _, *arrays in network.activations(rows):
                block = held[start : start + len(arrays[0])]
                start += len(block)
                for layer, outputs in enumerate(arrays):
                    said[1 + layer, block] = probes[layer].predict(outputs)
        return said

    def _input_moments(self) -> Iterator[Moments]:
        """Yield, for each fold, the moments of the inputs of all the others.

        Every input is added up once, whatever the folds; a probe is the same for inputs
        before and after scaling, and bytes are added up faster.
        """
        classes = len(self.networks[0].class_names)
        own: list[Moments] = []
        for held in self.folds:
            part = self.samples.at(held[self.kept[held]])
            own.append(Moments.of(_flat(part.inputs), part.targets, classes))
        for fold in range(len(own)):
            yield reduce(Moments.merge, own[:fold] + own[fold + 1 :])


def cross_fit(
    architecture: Architecture,
    data: Dataset,
    recipe: Recipe,
    kept: Bool[np.ndarray, " samples"],
    tick: Callable[[], None],
) -> CrossFit:
    """Train a network for each fold of the training set, on the others' kept samples.

    Parameters
    ----------
    architecture : Architecture
    data : Dataset
        Its training set is dealt into folds; the other two are not looked at.
    recipe : Recipe
        Its seed deals the folds too.
    kept : bool array, shape (samples,)
        The samples to train on.
    tick : callable
        Called after each network.

    Raises
    ------
    InputError
        If a training diverges.
    KeyboardInterrupt
        On Ctrl-C.
    """
    # Stopping by the held-out labels would let them have a say in their own judgement.
    recipe = replace(recipe, patience=None, snapshots=0, evaluate_every=0)
    samples = data.train
    folds = _dealt(samples.targets, recipe.seed)
    networks: list[Network] = []
    for held in folds:
        asked = samples.at(held)
        fold = replace(
            data,
            train=samples.at(_others(kept, held)),
            validation=asked,
            test=asked,
        )
        result = fit(architecture, fold, recipe)
        if result.status == "interrupted":
            raise KeyboardInterrupt
        if result.status == "diverged":
            raise InputError(
                f"{data.name}: a training for the suspect labels diverged: give a "
                f"learning rate below {result.recipe.learning_rate:g}"
            )
        assert isinstance(result.network, Network), "an MLP comes back as one"
        networks.append(result.network)
        tick()
    return CrossFit(samples, kept, folds, tuple(networks))


def neighbour_votes(
    fitted: Float[np.ndarray, "fitted features"],
    labels: Int[np.ndarray, " fitted"],
    classes: int,
    asked: Float[np.ndarray, "samples features"] | None = None,
) -> Int64[np.ndarray, "samples classes"]:
    """Return how many of each row's nearest neighbours have which label.

    Parameters
    ----------
    fitted : array, shape (fitted, features)
        The rows among which neighbours are looked for, all of them: the time grows with
        the product of both numbers of rows, the memory with that of those asked.
    labels : array, shape (fitted,)
    classes : int
    asked : array, shape (samples, features), optional
        Whose neighbours are looked for; by default those of ``fitted`` themselves, a
        row being no neighbour of its own.

    Returns
    -------
    int64, shape (samples, classes)
        Rows add up to `NEIGHBOURS`, or to as many as there are other rows.
    """
    own = asked is None
    rows = fitted if asked is None else asked
    k = min(NEIGHBOURS, len(fitted) - own)
    votes = np.zeros((len(rows), classes), np.int64)
    found = nearest_rows(rows, fitted, k + own)
    if own:
        others = found != np.arange(len(rows))[:, None]
        # Behind others that equal it a row does not find itself: the last one goes.
        others[others.all(axis=1), -1] = False
        found = found[others].reshape(-1, k)
    np.add.at(votes, (np.arange(len(rows))[:, None], labels[found]), 1)
    return votes


def _dealt(
    targets: Int[np.ndarray, " samples"], seed: int
) -> tuple[Int64[np.ndarray, " _"], ...]:
    """Return the positions of each fold: shuffled, then dealt class by class.

    Folds are of equal size but for one, and so are each class's shares of them: the
    smallest classes do not all meet in the first.
    """
    shuffled = np.random.default_rng(seed).permutation(len(targets))
    queue = shuffled[np.argsort(targets[shuffled], kind="stable")]
    return tuple(np.sort(queue[first::FOLDS]) for first in range(FOLDS))


def _others(
    kept: Bool[np.ndarray, " samples"], held: Int64[np.ndarray, " held"]
) -> Int64[np.ndarray, " others"]:
    """Return the positions of the kept samples that are not held out."""
    others = kept.copy()
    others[held] = False
    return np.flatnonzero(others)


def _flat(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1)


def _block_moments(network: Network, samples: Samples) -> list[Moments]:
    """Return the moments of every layer's outputs, the input left out."""
    classes = len(network.class_names)
    moments: list[Moments] = []
    start = 0
    for _, *arrays in network.activations(samples.inputs):
        labels = samples.targets[start : start + len(arrays[0])]
        start += len(labels)
        moments = moments or [Moments.empty(a.shape[1], classes) for a in arrays]
        moments = [m.updated(a, labels) for m, a in zip(moments, arrays, strict=True)]
    return moments
