"""The commands about several trainings."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from layerwise.cli._options import (
    DONE,
    INTERRUPTED,
    Count,
    Flag,
    Folder,
    Outcome,
    Training,
    page_in,
    refuse_none,
)

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.experiment import SweepRun


@dataclass(frozen=True, kw_only=True)
class CompareCommand:
    """Compare runs: curves, settings, accuracy, measures per layer.

    Examples
    --------
        layerwise compare runs/mnist-1 runs/mnist-2
        layerwise compare runs/moons-* --out depths
    """

    runs: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN RUN…")
    ]
    """folders of two or more runs"""
    out: str = "comparison"
    """folder for the page"""
    json: Flag = False
    """print the comparison as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, presentation

        comparison = experiment.compare(self.runs)
        summary = experiment.write_comparison(comparison, self.out)
        presentation.print_comparison(console, comparison)
        console.print(f"\npage: {page_in(self.out)}", soft_wrap=True)
        return DONE, summary


@dataclass(frozen=True, kw_only=True)
class SweepCommand(Training):
    """Train a grid of settings: where training works, stalls, diverges.

    Examples
    --------
        layerwise sweep moons --vary depth=1..10 --vary init=he,normal
        layerwise sweep mnist --vary width=10,30,100 --vary seed=0..4
        layerwise sweep --resume runs/sweep-moons-1
    """

    vary: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(metavar="NAME=VALUES", help_behavior_hint="(repeatable)"),
    ] = ()
    """axis of the grid: depth, width or an option; values as 1,2,4 or 1..10"""
    workers: Count = None
    """parallel processes; default: one per core, or one on an accelerator"""
    keep_runs: Flag = False
    """keep the best run of each cell of the diagram, with its page"""
    out: Folder = None
    """folder of the sweep; default: runs/sweep-DATA-NUMBER"""
    resume: Folder = None
    """resume the sweep in this folder with its original settings"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, presentation

        refuse_none(self.workers, "--workers")
        with self._opened() as run:
            with presentation.SweepBar(console, run.sweep) as watch:
                sweep = experiment.run_sweep(run, self.workers, watch)
            try:
                if sweep.missing():
                    raise KeyboardInterrupt
                with console.status("training the best setting") as status:
                    report, summary = experiment.finish_sweep(
                        run,
                        sweep,
                        keep_runs=self.keep_runs,
                        workers=self.workers,
                        watch=lambda done, of: status.update(
                            f"training the best of each cell: {done} of {of}"
                        ),
                    )
            except KeyboardInterrupt:
                console.print(
                    f"interrupted after {len(sweep.points)} of {len(sweep)} trainings; "
                    f"saved. To continue: layerwise sweep --resume {run.folder}",
                    soft_wrap=True,
                )
                return INTERRUPTED, None
        presentation.print_sweep(console, report)
        console.print(f"\npage: {page_in(run.folder)}", soft_wrap=True)
        if report.best is not None:
            best = page_in(run.folder / "best")
            console.print(f"the network chosen: {best}", soft_wrap=True)
        return DONE, summary

    def _opened(self) -> AbstractContextManager["SweepRun"]:
        from layerwise import experiment

        if self.resume is not None:
            return experiment.reopen_sweep(self.resume)
        axes = [experiment.axis(text) for text in self.vary]
        return experiment.open_sweep(self.plan(), axes, self.out)
