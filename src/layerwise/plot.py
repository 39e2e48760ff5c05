"""Figures for papers and notebooks, drawn by matplotlib.

>>> import layerwise as lw
>>> data = lw.load("iris")
>>> result = lw.fit(lw.MLP([8]), data, epochs=2, engine="eager")
>>> ax = lw.plot.confusion(lw.inspect(result.network, data))
>>> ax.get_xlabel()
'predicted class'

Each function takes a finished record, computes nothing, and returns what it drew on:
the axes given as ``ax``, or those of a new figure (``ax.figure.savefig("name.pdf")``).
Those of several panels draw on a figure of their own, and return it.
`docs/plots.md` shows each.
"""

from typing import TYPE_CHECKING, Any

from layerwise.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from layerwise.data import Dataset, Samples
    from layerwise.model import TrainedNetwork
    from layerwise.study import InputStudy, Study
    from layerwise.sweeps import Sweep
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


def layers(
    study: "Study", plane: str = "components", ax: "Axes | None" = None
) -> "Axes":
    """Draw the samples shown as every layer has them, coloured by class.

    Parameters
    ----------
    study : Study
    plane : str
        ``components``, ``discriminants``, or a transformer that was given to `inspect`.
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().layer_projections(study, plane, ax)


def probes(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw a table of linear-probe accuracy: a row for each class, a column a layer.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().probe_by_layer(study, ax)


def measures(study: "Study") -> "Figure":
    """Draw every measure by layer, a panel for each, with what chance gives.

    Parameters
    ----------
    study : Study
    """
    return _figures().measures_by_layer(study)


def pairs(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw how much of the most confused pairs each layer's probe confuses.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().pairs_by_layer(study, ax)


def epochs(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw the stated sample in every layer, a row for each epoch that was kept.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the study knows no network on the way: give `inspect` ``snapshots=``.
    """
    if not study.snapshots:
        raise InputError(
            f"{study.name}: no snapshots to draw: lw.inspect(…, snapshots=…)"
        )
    return _figures().epoch_planes(study, ax)


def similarity(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw the similarity (debiased linear CKA) of every two layers.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().layer_similarity(study, ax)


def confusion(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw samples counted by label (row) and prediction (column).

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the study has no predictions.
    """
    return _figures().confusion_matrix(study, ax)


def mistakes(study: "Study", ax: "Axes | None" = None) -> "Axes":
    """Draw the errors that the network was most confident of.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the inputs are neither pictures nor pairs of numbers.
    """
    return _figures().worst_mistakes(study, ax)


def reliability(study: "Study") -> "Figure":
    """Draw accuracy by confidence, and how many samples each bin has.

    Parameters
    ----------
    study : Study
    """
    return _figures().reliability(study)


def suspects(
    study: "Study", training: "Samples | None" = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw the samples with the most suspicious labels, where they are pictures.

    Parameters
    ----------
    study : Study
    training : Samples, optional
        The training set, where suspects of it are to be drawn too.
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().suspect_labels(study, training, ax)


def training(result: "Result") -> "Figure":
    """Draw loss and accuracy of batches, training and validation set by step.

    Parameters
    ----------
    result : Result
    """
    from layerwise.model import SquaredError

    squared = isinstance(result.network.loss, SquaredError)
    return _figures().training_curves(result.history, None if squared else "nats")


def health(result: "Result") -> "Figure":
    """Draw every layer's gradients, outputs and silent units over the training.

    Parameters
    ----------
    result : Result
    """
    return _figures().health_over_time(result.history, result.network.layer_names)


def regions(
    network: "TrainedNetwork", samples: "Samples", ax: "Axes | None" = None
) -> "Axes":
    """Draw what a network of two inputs answers everywhere, and samples.

    Parameters
    ----------
    network : TrainedNetwork
    samples : Samples
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If an input is not two numbers.
    """
    return _figures().decision_regions(network, samples, ax)


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
    return _figures().sample_sheet(data.train, data.class_names, ax=ax)


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
    return _figures().component_images(study.layer, study.data.shape, ax)


def inputs(study: "InputStudy", ax: "Axes | None" = None) -> "Axes":
    """Draw samples of a data set on their first two principal components.

    Parameters
    ----------
    study : InputStudy
    ax : Axes, optional
        By default those of a new figure.
    """
    layer, names = study.layer, study.data.class_names
    return _figures().projection(layer, study.targets, names, ax=ax)


def phases(sweep: "Sweep", ax: "Axes | None" = None) -> "Axes":
    """Draw where the trainings of a sweep work, stall and diverge.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        By default those of a new figure.
    """
    return _figures().phase_diagram(sweep, ax)


def _figures() -> Any:
    from layerwise.presentation import figures

    return figures
