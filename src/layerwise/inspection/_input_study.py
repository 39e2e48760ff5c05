"""What is known of a data set before any network."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from layerwise.inspection._finding import Finding
from layerwise.inspection._layer_study import LayerStudy
from layerwise.inspection._share import Share

__all__ = ["Baseline", "InputStudy"]


@dataclass(frozen=True)
class Baseline:
    """What a simple method reaches on the same raw inputs.

    Parameters
    ----------
    name : str
        ``majority class``, ``logistic regression`` or ``nearest neighbour``.
    accuracy : Share
        On the samples it was scored on.
    fitted_on : int
        How many training samples it saw.
    """

    name: str
    accuracy: Share
    fitted_on: int


@dataclass(frozen=True, eq=False)
class InputStudy:
    """A data set before any network: how it looks, and how hard it is.

    Parameters
    ----------
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

    layer: LayerStudy
    scored_on: str
    targets: Int[np.ndarray, " shown"]
    baselines: tuple[Baseline, ...]
    findings: tuple[Finding, ...]
