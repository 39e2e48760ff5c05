"""Everything that the page tells of, as one record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from layerwise.data import Dataset, DataStatistics
from layerwise.diagnosis import Diagnosis
from layerwise.model import Network, SquaredError
from layerwise.modules import TorchNetwork
from layerwise.study import InputStudy, Study
from layerwise.training import History, Recipe, Score

__all__ = ["Report"]


@dataclass(frozen=True, eq=False)
class Report:
    """A data set, a training, and what was found inside the network.

    Parameters
    ----------
    title : str
        The page's.
    data : Dataset
    statistics : DataStatistics
        Of ``data``.
    input_study : InputStudy
        Of ``data``, before any network.
    network : Network or TorchNetwork
        As the training left it.
    recipe : Recipe
        Its settings, defaults filled in: the engine and the device are those that it
        ran on.
    history : History
    status : str
        ``finished``, ``diverged`` or ``interrupted``.
    epochs : int
        Passes over the training set that were finished.
    train_seconds, steps_per_second : float
    validation, test : Score
        Of ``network``.
    study : Study or None
        Of ``network`` on the test set; None where the training diverged.
    environment : mapping of str to str
        Versions, machine, threads: whatever the figures depend on.
    command : str
        What to type to get this again.
    diagnosis : Diagnosis
        What is wrong with the training.
    """

    title: str
    data: Dataset
    statistics: DataStatistics
    input_study: InputStudy
    network: Network | TorchNetwork
    recipe: Recipe
    history: History
    status: str
    epochs: int
    train_seconds: float
    steps_per_second: float
    validation: Score
    test: Score
    study: Study | None
    environment: Mapping[str, str]
    command: str
    diagnosis: Diagnosis = field(default_factory=Diagnosis)

    @property
    def steps(self) -> int:
        """Updates done: the step that a training diverged at made none."""
        return len(self.history.losses) - (self.status == "diverged")

    @property
    def loss_unit(self) -> str | None:
        """The unit of the loss: nats of a cross-entropy, none of a squared error."""
        return None if isinstance(self.network.loss, SquaredError) else "nats"
