"""What networks, neighbours and probes that were not told a label say of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from layerwise.arrays import Array
from layerwise.data import Dataset, Origins, Samples
from layerwise.errors import InputError
from layerwise.model import Architecture, Network
from layerwise.statistics import least_squares_probe, nearest_rows
from layerwise.study.passes import layer_moments
from layerwise.study.subjects import network_activations, network_subject
from layerwise.training import Recipe, fit

FLOOR = 1e-7
"""The least probability: float32's resolution beside 1, no certainty beyond it."""

PRIOR = 0.5
"""Votes added to each class's: the rule of Jeffreys, so that none is impossible."""

DOUBTFUL = np.log(20)
"""Labels with odds of 20 to 1 against them do not teach the later rounds' networks."""


@dataclass(frozen=True, eq=False)
class LabelEvidence:
    """What is said of every sample of a set by those who were not told its label.

    Parameters
    ----------
    part : str
        ``training`` or ``test``.
    probabilities : float64, shape (samples, classes)
        By networks that have not seen the sample.
    votes : int64, shape (samples, classes)
        How many of its nearest neighbours have which label; its own is not among them.
    probe_predictions : int64, shape (layers, samples)
        What each layer's least-squares probe says, fitted on other samples.
    judged : bool array, shape (samples,)
        Whether any other sample taught the label's class.
    out_of_fold : bool
        Whether the probabilities are of networks trained for this question.
    nearest : int array, shape (samples, neighbours), or None
        Where the neighbours stand in their set, nearest first, of which there are
        ``among`` samples; None: not known.
    """

    part: str
    targets: Int[np.ndarray, " samples"]
    probabilities: Float64[np.ndarray, "samples classes"]
    votes: Int64[np.ndarray, "samples classes"]
    layer_names: tuple[str, ...]
    probe_predictions: Int64[np.ndarray, "layers samples"]
    judged: Bool[np.ndarray, " samples"]
    origins: Origins | None = None
    among: int | None = None
    out_of_fold: bool = False
    nearest: Int[np.ndarray, "samples neighbours"] | None = None

    @property
    def supported(self) -> Bool[np.ndarray, " samples"]:
        """Whether more than the studied network's own mistake speaks for a suggestion.

        Networks trained out of fold, of which there are several, or more than half of
        the nearest neighbours. On digits with 2 and 5 % of the labels replaced, 68 % of
        such suspects were wrong labels, with a good network and with a weak one, and
        97 % of the wrong labels were among them; without this 41 %, and 100 %.
        """
        votes = self.votes[np.arange(len(self.votes)), self.suggestions]
        return self.out_of_fold | (2 * votes > self.votes.sum(axis=1))

    @property
    def suggestions(self) -> Int64[np.ndarray, " samples"]:
        """The class, other than the label, for which most speaks."""
        return _against(self.probabilities, self.votes, self.targets)[0]

    @property
    def scores(self) -> Float64[np.ndarray, " samples"]:
        """The suggestion's share of the evidence for it and for the label, 0 to 1.

        The evidence for a class is its probability by the networks times its share of
        the neighbours (half a vote is added to each class), as of two independent
        witnesses. They are not quite that, so the share ranks; it is no frequency. On
        MNIST, with 0.5 to 10 % of the labels replaced at random, the product ranked
        better than either factor and no worse than the mean of the two or of their
        ranks; weights fitted to predict the labels as given changed little. The layers'
        probes have no say: they told labels swapped within pairs better than a network
        taught by them did, but random ones worse; not to teach doubtful labels won
        about as much, and cost next to nothing elsewhere.

        A label that no other sample has cannot be judged and scores 0.
        """
        _, odds = _against(self.probabilities, self.votes, self.targets)
        odds[~self.judged] = -np.inf
        return np.exp(-np.logaddexp(0, -odds))

    @property
    def since(self) -> Int64[np.ndarray, " samples"]:
        """The first layer from which on all probes say the suggestion.

        Its place in ``layer_names``; their number where the last probe does not.
        """
        agree = self.probe_predictions == self.suggestions
        return len(agree) - np.sum(np.logical_and.accumulate(agree[::-1]), axis=0)


def _against(
    probabilities: Float64[np.ndarray, "samples classes"],
    votes: Int64[np.ndarray, "samples classes"],
    targets: Int[np.ndarray, " samples"],
) -> tuple[Int64[np.ndarray, " samples"], Float64[np.ndarray, " samples"]]:
    """Return the likeliest other class, and its log-odds against the label."""
    shares = votes + PRIOR
    shares /= shares.sum(axis=1, keepdims=True)
    evidence = np.log(np.maximum(probabilities, FLOOR)) + np.log(shares)
    rows = np.arange(len(targets))
    own = evidence[rows, targets]
    evidence[rows, targets] = -np.inf
    return np.argmax(evidence, axis=1), evidence.max(axis=1) - own


def doubtful(
    probabilities: Float64[np.ndarray, "samples classes"],
    votes: Int64[np.ndarray, "samples classes"],
    targets: Int[np.ndarray, " samples"],
) -> Bool[np.ndarray, " samples"]:
    """Return which labels have odds of 20 to 1 against them.

    None in a class of which that holds for more than half: there the doubt is doubtful.
    """
    against = _against(probabilities, votes, targets)[1] > DOUBTFUL
    share = np.bincount(targets, against) / np.maximum(np.bincount(targets), 1)
    return against & (share[targets] <= 0.5)


def geometric_mean(
    probabilities: Sequence[Float64[np.ndarray, "samples classes"]],
) -> Float64[np.ndarray, "samples classes"]:
    """Return the geometric mean of what several say, made to sum to 1."""
    logs = sum(np.log(np.maximum(said, FLOOR)) for said in probabilities)
    mean = np.exp(logs / len(probabilities))
    return mean / mean.sum(axis=1, keepdims=True)


FOLDS = 5
"""Each network trains on four fifths, and says something of the last fifth."""

NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class CrossFit:
    """One network for each fold of all samples, trained on those kept of the others."""

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
        """Return what probes say, fitted on the kept samples of the other folds."""
        layers = 1 + len(self.networks[0].layer_names)
        said = np.zeros((layers, len(self.samples)), np.int64)
        for network, held in zip(self.networks, self.folds, strict=True):
            fitted = self.samples.at(np.setdiff1d(np.flatnonzero(self.kept), held))
            said[:, held] = read_by_probes(network, fitted, self.samples.inputs[held])
        return said


def read_by_probes(
    network: Network, fitted: Samples, asked: Array
) -> Int64[np.ndarray, "layers samples"]:
    """Return what least-squares probes say: the input's first, then each layer's.

    They are fitted on other samples than those asked for.
    """
    seen = network_activations(network, fitted)
    moments = layer_moments(network_subject(network), seen)
    probes = [least_squares_probe(layer) for layer in moments]
    blocks = [
        [probe.predict(rows) for probe, rows in zip(probes, layers, strict=True)]
        for layers in network.activations(asked)
    ]
    return np.concatenate(blocks, axis=1)


def cross_fit(
    architecture: Architecture,
    data: Dataset,
    recipe: Recipe,
    kept: Bool[np.ndarray, " samples"],
    tick: Callable[[], None],
) -> CrossFit:
    """Train a network for each fold of the training set, on the others' kept samples.

    The recipe's seed deals the folds too; ``tick`` is called after each network.

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
        taught = samples.at(np.setdiff1d(np.flatnonzero(kept), held))
        fold = replace(data, train=taught, validation=asked, test=asked)
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


def neighbours(
    fitted: Float[np.ndarray, "fitted features"],
    asked: Float[np.ndarray, "samples features"] | None = None,
) -> Int64[np.ndarray, "samples neighbours"]:
    """Return where the nearest neighbours of each row stand, nearest first.

    `NEIGHBOURS` of each, or as many as there are other rows. Without ``asked`` those of
    ``fitted`` themselves, a row being no neighbour of its own. All of ``fitted`` are
    looked at: the time grows with the product of both numbers of rows, the memory with
    that of those asked.
    """
    own = asked is None
    rows = fitted if asked is None else asked
    k = min(NEIGHBOURS, len(fitted) - own)
    found = nearest_rows(rows, fitted, k + own)
    if own:
        others = found != np.arange(len(rows))[:, None]
        # Behind others that equal it a row does not find itself: the last one goes.
        others[others.all(axis=1), -1] = False
        found = found[others].reshape(-1, k)
    return found


def votes_of(
    labels: Int[np.ndarray, "samples neighbours"], classes: int
) -> Int64[np.ndarray, "samples classes"]:
    """Return how many of each row's neighbours have which label."""
    votes = np.zeros((len(labels), classes), np.int64)
    np.add.at(votes, (np.arange(len(labels))[:, None], labels), 1)
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
