"""What is studied: layers with names, and what they give for samples.

The one joint between a study and whatever it looks into: layerwise's own network,
anybody's torch module, or activations that were stored. What a subject lacks (outputs,
an input, an untrained twin) it says by None, False or nothing, and the study lacks it
too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from layerwise.arrays import Array
from layerwise.data import Columns, Origins, Scaling, StoredRows
from layerwise.model import CrossEntropy
from layerwise.statistics import Moments
from layerwise.study.measures import LayerSample
from layerwise.study.records import Finding


@dataclass(frozen=True, eq=False)
class Block:
    """Some samples, and what every layer gives for them.

    Parameters
    ----------
    positions : int array, shape (rows,)
        Where the samples stand in their set.
    layers : tuple of arrays, shape (rows, units)
        One for each of ``Subject.layer_names``, finite real numbers.
    inputs : array, shape (rows, features), or None
        What was put in, before the subject's scaling; None where that is no table of
        numbers.
    outputs : array, shape (rows, classes), or None
        Of which the largest is the prediction; None where nothing is predicted.
    items : array, shape (rows, ...), or None
        What is shown to people of each sample: pictures, texts, rows of numbers.
    computed : tuple of tensors, or None
        ``layers`` on the device that computed them, where sums are taken best.
    """

    positions: Int[np.ndarray, " rows"]
    layers: tuple[Float[np.ndarray, "rows _"], ...]
    inputs: Array | None = None
    outputs: Float[np.ndarray, "rows classes"] | None = None
    items: np.ndarray | None = None
    computed: tuple[Array, ...] | None = None


@dataclass(frozen=True, eq=False)
class Activations:
    """What a subject's layers give for one set of samples, a block at a time.

    Parameters
    ----------
    targets : int array, shape (samples,)
        The class of each sample.
    inputs : array, shape (samples, *shape), or None
        All inputs, where they are at hand.
    parts : callable
        Returns passes over parts of the samples, which together hold each once; under
        ``torchrun``, those of all ranks together do. Several may be gone through side
        by side. How many there are does not depend on the machine, so that figures do
        not either.
    """

    targets: Int[np.ndarray, " samples"]
    inputs: np.ndarray | StoredRows | None
    parts: Callable[[], Sequence[Iterable[Block]]]


UNSCALED = Scaling("none", np.zeros(()), np.ones(()))


@dataclass(frozen=True, eq=False)
class Subject:
    """What is studied, whatever the samples.

    Parameters
    ----------
    layer_names : tuple of str
        In forward order; the input first where there is one.
    class_names : tuple of str
        By class index.
    has_input, has_output : bool
        Whether the first layer is the input, `Block.inputs` scaled; whether the last is
        the output, so that those before it are hidden.
    seeking : int or None
        In which of the layers neighbours are sought: in the input, where there is one,
        a second opinion beside the subject's own. None: nowhere.
    whole : frozenset of str
        Layers of which a row is known to be all that they give for a sample.
    scaling : Scaling
        How the first layer follows from `Block.inputs`, where there is an input.
    output_weights : array, shape (units, classes), or None
        Of a linear output on the layer before it, where there is one.
    probabilities : callable
        Returns the class probabilities that outputs, shape (rows, classes), stand for.
    """

    layer_names: tuple[str, ...]
    class_names: tuple[str, ...]
    has_input: bool = False
    has_output: bool = False
    seeking: int | None = None
    whole: frozenset[str] = frozenset()
    scaling: Scaling = UNSCALED
    output_weights: Float[np.ndarray, "units classes"] | None = None
    probabilities: Callable[[np.ndarray], np.ndarray] = CrossEntropy().probabilities


@dataclass(frozen=True, eq=False)
class Stage:
    """The subject as it once was, on some samples.

    Parameters
    ----------
    epoch : int or None
        0 is untrained; None the subject as it is, where no epoch is known.
    layers : sequence of LayerSample
        The stated sample, in every layer but the input.
    shown : iterable of Block, or None
        The same of the samples shown, whose places among those stand for their
        positions. None of the subject as it is: what it gives was seen already.
    """

    epoch: int | None
    layers: Sequence[LayerSample]
    shown: Iterable[Block] | None


class Followed(NamedTuple):
    """The positions of the samples on which a subject's past is looked at.

    The stated ones among those fitted on; of the scored ones those stated, and those
    shown.
    """

    fitting: Int[np.ndarray, " fitting"]
    sampled: Int[np.ndarray, " sampled"]
    shown: Int[np.ndarray, " shown"]


@dataclass(frozen=True, eq=False)
class Case:
    """A subject, and the samples on which it is studied.

    Parameters
    ----------
    scored, fit_on : Activations
        What everything is scored and fitted on; without the latter: on the half that is
        not being scored.
    name : str
        The data's.
    validation : Activations or None
        What advice looks at.
    words : pair of str
        What the samples fitted on, and those scored, are called.
    part : str
        What the scored set is called.
    findings : sequence of Finding
        What was found before the study: they come before its own.
    origins, fitted_origins : Origins or None
        Where the samples, scored and fitted on, stand in what they were read from.
    moments : sequence of Moments or None
        Every layer's, of all that is fitted on, where these were taken before:
        ``fit_on`` is then a sample of that.
    stages : callable or None
        Returns what a function makes of each stage of the subject, the subject as it is
        last. A module's stage may be looked at in that function alone. None: no past
        is known.
    columns : Columns or None
        How the inputs were made of a table.
    answer : callable or None
        Returns the class that is predicted for each row of inputs.
    """

    subject: Subject
    scored: Activations
    name: str = "samples"
    fit_on: Activations | None = None
    validation: Activations | None = None
    words: tuple[str, str] = ("samples given to fit on", "samples given")
    part: str = "samples"
    findings: Sequence[Finding] = ()
    origins: Origins | None = None
    fitted_origins: Origins | None = None
    moments: Sequence[Moments] | None = None
    stages: Callable[[Followed, Callable[[Stage], Any]], list[Any]] | None = None
    columns: Columns | None = None
    answer: Callable[[np.ndarray], Int[np.ndarray, " rows"]] | None = None
