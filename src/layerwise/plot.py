"""Figures for papers and notebooks, drawn by matplotlib.

>>> import layerwise as lw
>>> data = lw.load("iris")
>>> result = lw.fit(lw.MLP([8]), data, epochs=2, engine="eager")
>>> ax = lw.plot.confusion(lw.inspect(result.network, data))
>>> ax.get_xlabel()
'predicted class'

Each function takes a finished record, computes nothing, and returns what it drew on:
the axes given as ``ax``, or those of a new figure (``ax.figure.savefig("name.pdf")``).
Those of several panels with axes of their own take ``figure``, which may be a part of
one (`matplotlib.figure.SubFigure`), and return it.
`docs/plots.md` shows each.
"""

from typing import TYPE_CHECKING

from layerwise.presentation import figures, loss_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from layerwise.data import Dataset
    from layerwise.study import InputStudy
    from layerwise.training import Result

__all__ = [
    "components",
    "confusion",
    "epochs",
    "health",
    "inputs",
    "layers",
    "measures",
    "mistakes",
    "pairs",
    "phases",
    "probes",
    "regions",
    "reliability",
    "samples",
    "similarity",
    "suspects",
    "training",
]

layers = figures.layer_projections
probes = figures.probe_by_layer
measures = figures.measures_by_layer
pairs = figures.pairs_by_layer
epochs = figures.epoch_planes
similarity = figures.layer_similarity
confusion = figures.confusion_matrix
mistakes = figures.worst_mistakes
reliability = figures.reliability
suspects = figures.suspect_labels
regions = figures.decision_regions
phases = figures.phase_diagram


def training(result: "Result", figure: "FigureBase | None" = None) -> "FigureBase":
    """Draw loss and accuracy of batches, training and validation set by step.

    Parameters
    ----------
    result : Result
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.
    """
    unit = loss_unit(result.network)
    return figures.training_curves(result.history, unit, figure)


def health(result: "Result", figure: "FigureBase | None" = None) -> "FigureBase":
    """Draw every layer's gradients, outputs and silent units over the training.

    Parameters
    ----------
    result : Result
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.
    """
    names = result.network.layer_names
    return figures.health_over_time(result.history, names, figure)


def samples(data: "Dataset", ax: "Axes | None" = None) -> "Axes":
    """Draw the first training samples of each class.

    Parameters
    ----------
    data : Dataset
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If they are no pictures.
    """
    return figures.sample_sheet(data.train, data.class_names, ax=ax)


def components(study: "InputStudy", ax: "Axes | None" = None) -> "Axes":
    """Draw the principal components of pictures as pictures.

    Parameters
    ----------
    study : InputStudy
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the inputs are no pictures.
    """
    return figures.component_images(study.layer, study.data.shape, ax)


def inputs(study: "InputStudy", ax: "Axes | None" = None) -> "Axes":
    """Draw samples of a data set on their first two principal components.

    Parameters
    ----------
    study : InputStudy
    ax : Axes, optional
        By default those of a new figure.
    """
    layer, names = study.layer, study.data.class_names
    return figures.projection(layer, study.targets, names, ax=ax)
