"""The commands: each calls one place and prints what comes back."""

import webbrowser
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from layerwise import ranks
from layerwise.cli._explain import ExplainCommand
from layerwise.cli._gradcheck import GradcheckCommand
from layerwise.cli._inspect import InspectCommand
from layerwise.cli._options import (
    DIVERGED,
    DONE,
    INTERRUPTED,
    DataOptions,
    Flag,
    Folder,
    GeneralOptions,
    Group,
    Outcome,
    OutputOptions,
    ReportOptions,
    RunFolder,
    TrainedModule,
    Training,
    named_module,
    page_in,
    refuse_none,
    shown,
)
from layerwise.cli._predict import ExportCommand, PredictCommand
from layerwise.cli._several import CompareCommand, SweepCommand
from layerwise.cli._stored import MergeCommand
from layerwise.errors import InputError, MachineError

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.experiment import Run
    from layerwise.study import Study


@runtime_checkable
class Command(Protocol):
    """A command: its fields are its options, its call does it."""

    @property
    def json(self) -> bool:
        """Whether standard output is for JSON alone."""
        ...

    def __call__(self, console: "Console") -> Outcome:
        """Do it, printing to the console."""
        ...


@dataclass(frozen=True, kw_only=True)
class OneTraining(Training):
    """The options of a command that trains one network into a folder."""

    report: Group[ReportOptions, "report"] = field(default_factory=ReportOptions)
    output: Group[OutputOptions, "output"] = field(default_factory=OutputOptions)


@dataclass(frozen=True, kw_only=True)
class RunCommand(OneTraining):
    """Train, inspect every layer, write a report.

    Examples
    --------
        layerwise run
        layerwise run mnist --hidden 100,100 --epochs 5
        layerwise run moons --hidden 30x8 --optimizer sgd --learning-rate 0.05
        layerwise run churn.csv --target churn --required-accuracy 0.95
        layerwise run mnist --module models.py:build --epochs 5
        torchrun --nproc-per-node 4 -m layerwise run mnist
    """

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment

        with _opened("run", self) as run, experiment.looking_at_data(run) as of_data:
            result, diagnosis, status = _trained("run", self, console, run)
            if status == INTERRUPTED or not ranks.is_first():
                return status, None
            with ranks.alone(), _looking(console) as watch:
                report, summary = experiment.finish(
                    run, result, diagnosis, watch, of_data
                )
            _show(console, run, report.study)
            return status, summary


@dataclass(frozen=True, kw_only=True)
class TrainCommand(OneTraining):
    """Train only: write the network, its history and checkpoints.

    Examples
    --------
        layerwise train mnist --epochs 5 --out runs/mine
        layerwise train --resume runs/mine
    """

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment

        with _opened("train", self) as run, experiment.trying_simple_methods(run):
            *_, status = _trained("train", self, console, run)
            if not ranks.is_first():
                return status, None
        network = run.folder / "model.safetensors"
        console.print(f"network in {network}", soft_wrap=True)
        return status, experiment.read_summary(run.folder)


@dataclass(frozen=True, kw_only=True)
class DataCommand(GeneralOptions):
    """Show statistics, samples, components and estimated difficulty.

    Examples
    --------
        layerwise data mnist
        layerwise data moons --out figures
    """

    data: Group[DataOptions, "data"] = field(default_factory=DataOptions)
    out: Folder = None
    """folder for the figures; default: figures-DATA"""

    def __call__(self, console: "Console") -> Outcome:
        from rich.text import Text

        from layerwise import experiment, presentation
        from layerwise.training import Recipe

        plan = experiment.Plan(
            self.data.data,
            self.data.data_dir,
            self.data.scaling,
            reading=self.data.reading(),
            recipe=Recipe(seed=self.seed),
        )
        data = experiment.load_data(plan)
        with console.status(Text(f"measuring {data.name}")):
            statistics, study, folder = experiment.look_at_data(
                data, self.out, self.seed
            )
        presentation.print_remarks(console, data)
        presentation.print_statistics(console, statistics)
        presentation.print_findings(console, study.findings)
        console.print(f"\nfigures in {folder}", soft_wrap=True)
        return DONE, experiment.data_summary(statistics, study)


@dataclass(frozen=True, kw_only=True)
class ReportCommand:
    """Write the report of a run again.

    Examples
    --------
        layerwise report runs/mnist-1
        layerwise report runs/mnist-1 --open
        layerwise report runs/mnist-1 --suspects 50
        layerwise report runs/mnist-1 --figures png,pdf
    """

    run: RunFolder
    suspects: Annotated[int | None, shown("N")] = None
    """list the N most suspicious labels; default: as the run did"""
    open: Flag = False
    """open the report in the browser"""
    figures: Annotated[str | None, shown("FORMATS")] = None
    """draw every figure into RUN/figures as png, svg or pdf: --figures png,svg"""
    module: TrainedModule = None
    json: Flag = False
    """print the summary as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, presentation

        formats = presentation.checked_formats(self.figures) if self.figures else ()
        with _looking(console) as watch:
            run, study, summary = experiment.report_again(
                self.run, self.suspects, watch, named_module(self.module), formats
            )
        _show(console, run, study)
        if formats:
            console.print(f"figures in {run.folder / 'figures'}", soft_wrap=True)
        if self.open:
            webbrowser.open(page_in(run.folder))
        return DONE, summary


@dataclass(frozen=True, kw_only=True)
class DiagnoseCommand:
    """Say what is wrong with a training, why, and how to fix it.

    Examples
    --------
        layerwise diagnose runs/moons-1
        layerwise diagnose runs/moons-1 --fix
    """

    run: RunFolder
    fix: Flag = False
    """apply the fix, train again, show before and after"""
    out: Folder = None
    """folder of the fixed run; default: RUN-fixed-1"""
    module: TrainedModule = None
    json: Flag = False
    """print the diagnosis as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, presentation
        from layerwise.diagnosis import diagnose

        run, result = experiment.restored(self.run, named_module(self.module))
        diagnosis = diagnose(result, run.baselines)
        presentation.print_diagnosis(console, diagnosis)
        summary: dict[str, Any] = {"diagnosis": diagnosis.summary()}
        if self.fix and not diagnosis.healthy:
            with presentation.TrainingBar(console) as watch:
                new, fixed = experiment.fix_run(run, result, self.out, watch)
            presentation.print_fixed(console, fixed)
            if new:
                console.print(f"fixed run in {new.folder}", soft_wrap=True)
                summary["fixed"] = experiment.read_summary(new.folder)
            elif fixed.result is not result:
                console.print(
                    "this fix changes the data, so no run was written: change "
                    "the data, then run again",
                    soft_wrap=True,
                )
        return DONE, summary


COMMANDS: dict[str, type["Command"]] = {
    "run": RunCommand,
    "data": DataCommand,
    "train": TrainCommand,
    "inspect": InspectCommand,
    "predict": PredictCommand,
    "export": ExportCommand,
    "merge": MergeCommand,
    "gradcheck": GradcheckCommand,
    "explain": ExplainCommand,
    "sweep": SweepCommand,
    "compare": CompareCommand,
    "report": ReportCommand,
    "diagnose": DiagnoseCommand,
}


STATUSES = {"finished": DONE, "diverged": DIVERGED, "interrupted": INTERRUPTED}
"""The exit status of a training's end."""


@contextmanager
def _opened(command: str, options: OneTraining) -> Generator["Run"]:
    """Open the run, new or to go on with; Ctrl-C then notes how to take it up."""
    from layerwise import experiment

    refuse_none(options.output.log_every, "--log-every")
    folder = options.output.resume
    try:
        if folder is None:
            plan = options.plan(options.report, options.output)
            opened = experiment.open_run(plan, options.output.out)
        else:
            module = named_module(options.network.module, options.seed)
            opened = experiment.reopen_run(folder, module)
        with opened as run:
            folder = run.folder
            yield run
    except KeyboardInterrupt as stop:
        if folder is not None and ranks.is_first():
            with suppress(InputError):  # what was to be gone on with is no run
                stop.add_note(experiment.how_to_go_on(folder, command))
        raise


def _trained(
    command: str, options: OneTraining, console: "Console", run: "Run"
) -> tuple[Any, Any, int]:
    """Train, and say how it ended."""
    from layerwise import experiment, presentation

    to_continue = f"To continue: layerwise {command} --resume {run.named}"
    presentation.print_data(console, run.data)
    if run.origin:
        console.print(run.origin, soft_wrap=True)
    try:
        with presentation.TrainingBar(console, options.output.log_every) as watch:
            result, diagnosis = experiment.train(run, watch)
    except MachineError:
        console.print(f"what was saved is intact. {to_continue}", soft_wrap=True)
        raise
    if not ranks.is_first():
        return result, diagnosis, STATUSES[result.status]
    presentation.print_training(console, result)
    if result.status == "interrupted":
        console.print(f"interrupted; saved. {to_continue}", soft_wrap=True)
    else:
        presentation.print_diagnosis(console, diagnosis, why=False)
        if not diagnosis.healthy:
            fix = " --fix" if run.fixable(diagnosis) else ""
            console.print(f"  more layerwise diagnose {run.named}{fix}", soft_wrap=True)
    return result, diagnosis, STATUSES[result.status]


@contextmanager
def _looking(console: "Console") -> Generator[Callable[[int, int], None]]:
    """Show that something is going on, and how far a long search has come."""
    with console.status("inspecting every layer") as status:

        def watch(done: int, total: int) -> None:
            status.update(f"cross-validating labels: {done} of {total} parts")

        yield watch


def _show(console: "Console", run: "Run", study: "Study | None") -> None:
    from layerwise import presentation

    if study is not None:
        presentation.print_layers(console, study)
        presentation.print_class_scores(console, study)
        presentation.print_findings(console, study.findings, "see the page")
        if run.plan.suspects:
            presentation.print_suspects(console, study.suspects, study.class_names)
    console.print(f"\npage: {page_in(run.folder)}", soft_wrap=True)
