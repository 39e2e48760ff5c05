"""The command that predicts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from layerwise.cli._options import DONE, Flag, Folder, Rate, named_module
from layerwise.cli._targets import Target
from layerwise.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class PredictCommand:
    """Predict the classes of new rows with the network of a run.

    Examples
    --------
        layerwise predict runs/churn-1 new-customers.csv
        layerwise predict runs/churn-1 new-customers.csv --required-accuracy 0.95
        layerwise predict runs/mnist-1 pictures.npy --out digits.parquet
        layerwise predict runs/mnist-1 mnist --probabilities --json
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """folder of the run"""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """rows to predict, in any form that run takes; labels may be missing"""
    out: str = "predictions.csv"
    """file of the predictions: .csv or .parquet"""
    probabilities: Flag = False
    """also write the probability of every class"""
    required_accuracy: Rate = None
    """accept predictions above the threshold that reaches this accuracy"""
    module: Target = None
    """the torch module that the run trained, if it did"""
    data_dir: Folder = None
    """folder of the published sets; no other place is searched"""
    json: Flag = False
    """print the predictions as JSON on standard output instead of writing a file"""

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment, presentation

        out = "-" if self.json else self.out
        both = [Path(path) for path in (out, self.data)]
        if all(path.exists() for path in both) and both[0].samefile(both[1]):
            raise InputError(f"--out {out} is the data: name another file")
        module = named_module(self.module)
        by = experiment.predictor(self.run, module, self.required_accuracy)
        found = experiment.predictions(by, self.data, self.data_dir)
        with presentation.RowsBar(console) as watch:
            tally = experiment.write_predictions(
                found, by, out, all_classes=self.probabilities, watch=watch
            )
        presentation.print_predictions(console, tally)
        if not self.json:
            console.print(f"predictions in {self.out}", soft_wrap=True)
        return DONE
