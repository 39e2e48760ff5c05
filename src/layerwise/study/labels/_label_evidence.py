"""What speaks for and against a label: networks that were not told it, neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64

__all__ = ["LabelEvidence", "doubtful", "geometric_mean"]

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
    targets : int array, shape (samples,)
        The labels.
    probabilities : float64, shape (samples, classes)
        By networks that have not seen the sample.
    votes : int64, shape (samples, classes)
        How many of its nearest neighbours have which label; its own is not among them.
    layer_names : tuple of str
        ``input``, ``hidden1``, …, ``output``.
    probe_predictions : int64, shape (layers, samples)
        What each layer's least-squares probe says, fitted on other samples.
    judged : bool array, shape (samples,)
        Whether any other sample taught the label's class.
    """

    part: str
    targets: Int[np.ndarray, " samples"]
    probabilities: Float64[np.ndarray, "samples classes"]
    votes: Int64[np.ndarray, "samples classes"]
    layer_names: tuple[str, ...]
    probe_predictions: Int64[np.ndarray, "layers samples"]
    judged: Bool[np.ndarray, " samples"]

    @property
    def suggestions(self) -> Int64[np.ndarray, " samples"]:
        """The class, other than the label, for which most speaks."""
        evidence = _log_evidence(self.probabilities, self.votes)
        evidence[np.arange(len(evidence)), self.targets] = -np.inf
        return np.argmax(evidence, axis=1)

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
        odds = _log_odds(self.probabilities, self.votes, self.targets)
        odds[~self.judged] = -np.inf
        return np.exp(-np.logaddexp(0, -odds))

    @property
    def since(self) -> Int64[np.ndarray, " samples"]:
        """The first layer from which on all probes say the suggestion.

        Its place in ``layer_names``; their number where the last probe does not.
        """
        agree = self.probe_predictions == self.suggestions
        return len(agree) - np.sum(np.logical_and.accumulate(agree[::-1]), axis=0)


def _log_evidence(
    probabilities: Float64[np.ndarray, "samples classes"],
    votes: Int64[np.ndarray, "samples classes"],
) -> Float64[np.ndarray, "samples classes"]:
    """Return the logarithm of probability times share of votes, for every class."""
    shares = votes + PRIOR
    shares /= shares.sum(axis=1, keepdims=True)
    return np.log(np.maximum(probabilities, FLOOR)) + np.log(shares)


def _log_odds(
    probabilities: Float64[np.ndarray, "samples classes"],
    votes: Int64[np.ndarray, "samples classes"],
    targets: Int[np.ndarray, " samples"],
) -> Float64[np.ndarray, " samples"]:
    """Return the log-odds of the likeliest other class against the label."""
    evidence = _log_evidence(probabilities, votes)
    rows = np.arange(len(targets))
    own = evidence[rows, targets]
    evidence[rows, targets] = -np.inf
    return evidence.max(axis=1) - own


def doubtful(
    probabilities: Float64[np.ndarray, "samples classes"],
    votes: Int64[np.ndarray, "samples classes"],
    targets: Int[np.ndarray, " samples"],
) -> Bool[np.ndarray, " samples"]:
    """Return which labels have odds of 20 to 1 against them.

    None in a class of which that holds for more than half: there the doubt is doubtful.
    """
    against = _log_odds(probabilities, votes, targets) > DOUBTFUL
    share = np.bincount(targets, against) / np.maximum(np.bincount(targets), 1)
    return against & (share[targets] <= 0.5)


def geometric_mean(
    probabilities: Sequence[Float64[np.ndarray, "samples classes"]],
) -> Float64[np.ndarray, "samples classes"]:
    """Return the geometric mean of what several say, made to sum to 1."""
    logs = sum(np.log(np.maximum(said, FLOOR)) for said in probabilities)
    mean = np.exp(logs / len(probabilities))
    return mean / mean.sum(axis=1, keepdims=True)
