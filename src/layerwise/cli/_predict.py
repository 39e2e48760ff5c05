"""The commands that bring a network out: its predictions, and itself."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from layerwise.cli._options import (
    DONE,
    FAILED,
    File,
    Flag,
    Folder,
    Outcome,
    Rate,
    RunFolder,
    TrainedModule,
    named_module,
)
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

    run: RunFolder
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """rows to predict, in any form that run takes; labels may be missing"""
    out: Annotated[str, tyro.conf.arg(metavar="FILE")] = "predictions.csv"
    """file of the predictions: .csv or .parquet"""
    probabilities: Flag = False
    """also write the probability of every class"""
    required_accuracy: Rate = None
    """mark predictions as accepted: confident enough to reach this accuracy"""
    module: TrainedModule = None
    data_dir: Folder = None
    """folder of the published sets; no other place is searched"""
    json: Flag = False
    """print the predictions as JSON on standard output instead of writing a file"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, presentation

        out = "-" if self.json else self.out
        both = [Path(path) for path in (out, self.data)]
        if all(path.exists() for path in both) and both[0].samefile(both[1]):
            raise InputError(f"--out {out} is the data: name another file")
        module = named_module(self.module)
        by = experiment.predictor(self.run, module, self.required_accuracy)
        with presentation.RowsBar(console) as watch:
            tally = experiment.write_predictions(
                by,
                self.data,
                out,
                data_dir=self.data_dir,
                all_classes=self.probabilities,
                watch=watch,
            )
        presentation.print_predictions(console, tally)
        where = "" if self.json else f"predictions in {self.out}; "
        console.print(f"{where}rows are counted from 0", soft_wrap=True)
        return DONE, None


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """Write a run's network for onnxruntime or PyTorch, and check it.

    Examples
    --------
        layerwise export runs/mnist-1 --to onnx
        layerwise export runs/mnist-1 --to torch --out mnist.safetensors
    """

    run: RunFolder
    to: Literal["onnx", "torch"] = "onnx"
    """onnx: a model with the scaling inside; torch: weights in safetensors"""
    out: File = None
    """file to write; default: in the folder of the run"""
    module: TrainedModule = None
    json: Flag = False
    """print what was written as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment

        with console.status("exporting"):
            done = experiment.export_run(
                self.run, self.to, self.out, named_module(self.module)
            )
        equal = done.difference <= done.tolerance
        console.print(
            f"{done.path}: probabilities differ by {done.difference:.1e} at most on "
            f"{done.samples:,} validation samples, "
            + ("which is rounding" if equal else "which is more than rounding"),
            soft_wrap=True,
        )
        console.print(f"\nTo load it:\n\n{done.lines}", soft_wrap=True)
        status = DONE if equal else FAILED
        return status, asdict(done) | {"path": str(done.path)}
