"""The look inside: whatever is given, as a subject and the samples to study it on."""

from collections.abc import Sequence
from typing import Any

from layerwise.data import Dataset, Samples
from layerwise.inspection._counting import Counting
from layerwise.inspection._studied import studied
from layerwise.inspection._study import Study
from layerwise.inspection._subject_network import network_case
from layerwise.model import Network
from layerwise.training import Snapshot

__all__ = ["inspect"]


def inspect(  # noqa: PLR0913 (what many will want to set stands here by its name)
    network: Network,
    data: Dataset | Samples,
    *,
    fit_on: Samples | None = None,
    required_accuracy: float = 0.99,
    snapshots: Sequence[Snapshot] = (),
    transformer: Any = None,
    counting: Counting | None = None,
) -> Study:
    """Look at every layer of a network: what its activations know of the classes.

    Parameters
    ----------
    network : Network
        A trained one; untrained is possible too.
    data : Dataset or Samples
        With a data set, everything fitted is fitted on its training samples and
        scored on its test samples. Samples alone are scored; what is fitted is fitted
        on ``fit_on``, or, without it, on the half that is not being scored.
    fit_on : Samples, optional
        What to fit on.
    required_accuracy : float
        For ``Study.keepable``, between 0 and 1; a data set's validation samples choose
        the threshold.
    snapshots : sequence of Snapshot
        The network on its way: ``Result.snapshots``. Without them the untrained
        network is drawn anew, with seed 0, to compare with.
    transformer : scikit-learn transformer, optional
        One more way to look at the samples shown, fitted on the stated sample
        (``umap.UMAP()``, say); without a ``transform`` it is fitted on what it shows.
    counting : Counting, optional
        ``Counting(precision, max_units, watch)``: exactly or fast, from how many units
        on a layer is projected, and who is told how far it is. By default exactly, with
        2,048 units.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there are no samples, or too few to cross-fit; if they do not have the
        network's input shape; or if the network's outputs are not finite.
    """
    case = network_case(network, data, fit_on, snapshots)
    return studied(
        case,
        required_accuracy=required_accuracy,
        transformer=transformer,
        counting=counting,
    )
