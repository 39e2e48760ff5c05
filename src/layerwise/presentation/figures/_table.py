"""Every figure that is drawn with others, in the order of the page.

That is about the order of drawing, too, in which those that take longest come first.
"""

from layerwise.presentation._report import Report
from layerwise.presentation.figures import (
    _layers,
    _measures,
    _mistakes,
    _pictures,
    _training,
)
from layerwise.presentation.figures._style import Figure
from layerwise.study import InputStudy, Study

OF_INPUTS: tuple[Figure[InputStudy], ...] = (
    _pictures.SAMPLES,
    _pictures.COMPONENTS,
    _pictures.INPUT,
)

OF_TRAINING: tuple[Figure[Report], ...] = (
    _training.TRAINING,
    _training.HEALTH,
    _mistakes.REGIONS,
)

OF_STUDY: tuple[Figure[Study], ...] = (
    _layers.LAYERS,
    _layers.DISCRIMINANTS,
    _layers.PROBES,
    _measures.MEASURES_BY_LAYER,
    _measures.PAIRS_BY_LAYER,
    _training.EPOCHS,
    _layers.SIMILARITY,
    _mistakes.CONFUSION,
    _mistakes.MISTAKES,
    _mistakes.RELIABILITY,
    _pictures.SUSPECTS,
)
