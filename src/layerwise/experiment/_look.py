"""A data set looked at before any training."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from layerwise.data import Dataset, DataStatistics, describe
from layerwise.experiment._folder import plain
from layerwise.files import json_types
from layerwise.presentation import OF_INPUTS, save_figures
from layerwise.study import InputStudy, inspect_inputs


def look_at_data(
    data: Dataset, out: str | None = None, seed: int = 0
) -> tuple[DataStatistics, InputStudy, Path]:
    """Describe a data set, study its inputs, and draw them into a folder.

    By default that is ``figures-NAME``. The study is scored on the validation set:
    choices are still to be made.
    """
    folder = Path(f"figures-{plain(data.name)}" if out is None else out)
    study = inspect_inputs(data, data.validation, seed=seed)
    save_figures(OF_INPUTS, study, folder)
    return describe(data), study, folder


def data_summary(statistics: DataStatistics, study: InputStudy) -> dict[str, Any]:
    """Return what was seen of a data set as JSON's types."""
    return json_types(
        {
            "data": asdict(statistics),
            "input": study.layer.summary(),
            "baselines": [asdict(baseline) for baseline in study.baselines],
            "findings": [asdict(finding) for finding in study.findings],
        }
    )
