"""A data set looked at before any training."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from layerwise.data import Dataset, DataStatistics, describe
from layerwise.experiment._folder import plain
from layerwise.experiment._summary import json_types
from layerwise.presentation import draw_inputs, save_figures
from layerwise.study import InputStudy, inspect_inputs

__all__ = ["DataView", "look_at_data"]


@dataclass(frozen=True, eq=False)
class DataView:
    """What a data set looks like.

    Parameters
    ----------
    statistics : DataStatistics
        Of its three sets.
    study : InputStudy
        Of its inputs, scored on the validation set: choices are still to be made.
    folder : Path
        Where the figures are.
    """

    statistics: DataStatistics
    study: InputStudy
    folder: Path

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON's types."""
        return json_types(
            {
                "data": asdict(self.statistics),
                "input": self.study.layer.summary(),
                "baselines": [asdict(baseline) for baseline in self.study.baselines],
                "findings": [asdict(finding) for finding in self.study.findings],
            }
        )


def look_at_data(data: Dataset, out: str | None = None, seed: int = 0) -> DataView:
    """Describe a data set, study its inputs, and draw them into a folder.

    Parameters
    ----------
    data : Dataset
    out : str, optional
        The folder for the figures; by default ``figures-NAME``.
    seed : int
        Of the simple methods.

    Raises
    ------
    InputError
        If ``out`` is a file.
    MachineError
        If a figure cannot be written.
    """
    folder = Path(f"figures-{plain(data.name)}" if out is None else out)
    study = inspect_inputs(data, data.validation, seed=seed)
    save_figures(draw_inputs(study), folder)
    return DataView(describe(data), study, folder)
