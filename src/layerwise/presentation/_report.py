"""Everything that the page tells of, as one record."""

from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.data import Dataset, DataStatistics
from layerwise.diagnosis import Diagnosis
from layerwise.model import SquaredError
from layerwise.study import InputStudy, Study
from layerwise.training import Result

__all__ = ["Report"]


@dataclass(frozen=True, eq=False)
class Report:
    """A training, what it was trained on, and what was found inside the network.

    Parameters
    ----------
    result : Result
    statistics : DataStatistics
        Of the data it was trained on.
    input_study : InputStudy
        Of those data, before any network.
    study : Study or None
        Of the network on the test set; None where the training diverged.
    diagnosis : Diagnosis
        What is wrong with the training.
    environment : mapping of str to str
        Versions, machine, threads, device: whatever the figures depend on.
    command : str
        What to type to get this again.
    """

    result: Result
    statistics: DataStatistics
    input_study: InputStudy
    study: Study | None
    diagnosis: Diagnosis
    environment: Mapping[str, str]
    command: str

    @property
    def data(self) -> Dataset:
        """What was trained on."""
        return self.result.data

    @property
    def loss_unit(self) -> str | None:
        """The unit of the loss: nats of a cross-entropy, none of a squared error."""
        squared = isinstance(self.result.network.loss, SquaredError)
        return None if squared else "nats"
