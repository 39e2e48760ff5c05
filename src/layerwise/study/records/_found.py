"""What is found: findings, suspect labels, and a data set before any network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from layerwise.baselines import Baseline
from layerwise.data import Dataset, KeptInputs, Origins
from layerwise.study.records._layer_study import LayerStudy
from layerwise.wording import count


@dataclass(frozen=True)
class Finding:
    """One thing found out: a headline, its detail, and the numbers of both.

    Parameters
    ----------
    kind : str
        What rule found it; the same for the same rule.
    headline : str
        What was found, in about twelve words, with its number; no full stop.
    detail : str
        One to three sentences: how it was found, what it means, what to do. Empty
        where the headline says all.
    evidence : dict
        Every number in headline and detail, by name.
    certainty : str
        How sure it is: ``counted`` (of all samples or units named), ``measured`` (on
        samples that stand for others, with an interval or a stated sample), or
        ``rule of thumb`` (a threshold that others might set elsewhere).
    """

    kind: str
    headline: str
    detail: str
    evidence: dict[str, Any]
    certainty: str = "measured"

    @property
    def text(self) -> str:
        """Headline and detail as sentences."""
        return " ".join(filter(None, (f"{self.headline}.", self.detail)))


@dataclass(frozen=True)
class Suspect:
    """A sample whose label looks wrong, and why.

    Parameters
    ----------
    part : str
        ``training`` or ``test``.
    position : int
        In that set.
    label, suggestion : int
        Class indices: as labelled, and the likeliest other class.
    score : float
        The suggestion's share of the evidence for either of the two, 0 to 1; see
        `LabelEvidence.scores`.
    probability_of_label, probability_of_suggestion : float
        By networks that have not seen the sample.
    neighbours_agreeing, neighbours : int
        How many of the nearest samples have the suggestion for a label, of how many.
    since : str or None
        The first layer from which on every layer's probe says the suggestion:
        ``input``, ``hidden1``, …; None where the last one does not.
    row : int or None
        The sample's row, from 0, in its file or in the array given; None: not known.
    file : str or None
        The name of the file, or of the array in an NPZ file; None where there is none.
    origin : str or None
        The row as lists have it, with the file's name where the rows are in several.
    among : int or None
        Among how many samples the nearest were looked for; None: not known.
    nearest : tuple of int
        Where those nearest samples stand in the set that they are of, nearest first.
    """

    part: str
    position: int
    label: int
    suggestion: int
    score: float
    probability_of_label: float
    probability_of_suggestion: float
    neighbours_agreeing: int
    neighbours: int
    since: str | None
    row: int | None = None
    file: str | None = None
    origin: str | None = None
    among: int | None = None
    nearest: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What lists call it: its part, and its row or else its position there."""
        return f"{self.part} {self.origin or f'sample {count(self.position)}'}"


@dataclass(frozen=True, eq=False)
class Nearest:
    """The samples fitted on that lie nearest to some scored ones, in the inputs.

    Parameters
    ----------
    positions : array, shape (asked,)
        Those scored samples, ascending: the stated sample and the surest mistakes.
    neighbours : array, shape (asked, neighbours)
        Positions in the set that was fitted on, nearest first.
    targets : array, shape (asked, neighbours)
        The neighbours' classes.
    among : int
        Among how many samples, a draw, the nearest were looked for.
    inputs : KeptInputs or None
        The neighbours themselves, by position; None where they are not at hand.
    origins : Origins or None
        Where all of the set stands in what it was read from; None: not known.
    """

    positions: Int[np.ndarray, " asked"]
    neighbours: Int[np.ndarray, "asked neighbours"]
    targets: Int[np.ndarray, "asked neighbours"]
    among: int
    inputs: KeptInputs | None = None
    origins: Origins | None = None


@dataclass(frozen=True, eq=False)
class MixedPair:
    """Two classes that are taken for each other, on their own discriminant.

    Parameters
    ----------
    classes : pair of int
    samples : array, shape (samples,)
        Which of the samples shown are of these classes: places in ``Study.shown``.
    along : array, shape (layers, samples)
        Where each lies on the line that parts the two classes best in each layer, the
        input first where there is one: -1 and 1 are the means of those fitted on.
    """

    classes: tuple[int, int]
    samples: Int[np.ndarray, " samples"]
    along: Float[np.ndarray, "layers samples"]


@dataclass(frozen=True, eq=False)
class Crowd:
    """More scored samples than can be followed through the epochs: how they end.

    Parameters
    ----------
    positions : array, shape (crowd,)
        Ascending; those shown are among them.
    planes : tuple of mapping of str to array, shape (crowd, 2)
        Of every layer, the input first where there is one: ``components`` and
        ``discriminants``, as in ``LayerStudy.planes``.
    """

    positions: Int[np.ndarray, " crowd"]
    planes: tuple[Mapping[str, Float[np.ndarray, "crowd 2"]], ...]


@dataclass(frozen=True, eq=False)
class InputStudy:
    """A data set before any network: how it looks, and how hard it is.

    Parameters
    ----------
    data : Dataset
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

    data: Dataset
    layer: LayerStudy
    scored_on: str
    targets: Int[np.ndarray, " shown"]
    baselines: tuple[Baseline, ...]
    findings: tuple[Finding, ...]
