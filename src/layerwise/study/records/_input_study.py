"""What is known of a data set before any network."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from layerwise.baselines import Baseline
from layerwise.data import Dataset
from layerwise.study.records._finding import Finding
from layerwise.study.records._layer_study import LayerStudy

__all__ = ["InputStudy"]


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
