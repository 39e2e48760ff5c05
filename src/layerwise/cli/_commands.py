"""The commands: each calls one place and prints what comes back."""

import json
import webbrowser
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

import tyro

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
    OutputOptions,
    ReportOptions,
    Training,
    named_module,
    refuse_none,
)
from layerwise.cli._predict import ExportCommand, PredictCommand
from layerwise.cli._several import CompareCommand, SweepCommand
from layerwise.cli._stored import MergeCommand
from layerwise.cli._targets import Target
from layerwise.errors import InputError, MachineError

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.experiment import Run


@runtime_checkable
class Command(Protocol):
    """A command: its fields are its options, its call does it."""

    @property
    def json(self) -> bool:
        """Whether standard output is for JSON alone."""
        ...

    def __call__(self, console: "Console") -> int:
        """Do it, printing to the console, and return the exit status."""
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

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment

        with _opened("run", self) as run, experiment.looking_at_data(run) as of_data:
            result, diagnosis, status = _trained("run", self, console, run)
            if status == INTERRUPTED or not ranks.is_first():
                return status
            with ranks.alone(), _looking(console) as watch:
                report, summary = experiment.finish(
                    run, result, diagnosis, watch, of_data
                )
            return _shown(self, console, run, report.study, summary) or status


@dataclass(frozen=True, kw_only=True)
class TrainCommand(OneTraining):
    """Train only: write the network, its history and checkpoints.

    Examples
    --------
        layerwise train mnist --epochs 5 --out runs/mine
        layerwise train --resume runs/mine
    """

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment

        with _opened("train", self) as run, experiment.trying_simple_methods(run):
            *_, status = _trained("train", self, console, run)
            if not ranks.is_first():
                return status
        console.print(f"network in {run.folder / 'model.safetensors'}")
        if self.json:
            print(json.dumps(experiment.read_summary(run.folder), indent=2))
        return status


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

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment, presentation
        from layerwise.training import Recipe

        recipe = Recipe(seed=self.seed)
        plan = experiment.Plan(
            self.data.data,
            self.data.data_dir,
            self.data.scaling,
            reading=self.data.reading(),
            recipe=recipe,
        )
        data = experiment.load_data(plan)
        with console.status(f"measuring {data.name}"):
            looked = experiment.look_at_data(data, self.out, self.seed)
        statistics, study, folder = looked
        presentation.print_remarks(console, data)
        presentation.print_statistics(console, statistics)
        presentation.print_findings(console, study.findings)
        console.print(f"\nfigures in {folder}")
        if self.json:
            print(json.dumps(experiment.data_summary(statistics, study), indent=2))
        return DONE


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

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """folder of the run"""
    suspects: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")
    ] = None
    """list the N most suspicious labels; default: as the run did"""
    open: Flag = False
    """open the report in the browser"""
    figures: Annotated[
        str | None, tyro.conf.arg(metavar="FORMATS", help_behavior_hint="")
    ] = None
    """draw every figure into RUN/figures as png, svg or pdf: --figures png,svg"""
    module: Target = None
    """the torch module that the run trained, if it did"""
    json: Flag = False
    """print the summary as JSON on standard output"""

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment, presentation

        formats = presentation.checked_formats(self.figures) if self.figures else ()
        with _looking(console) as watch:
            run, study, summary = experiment.report_again(
                self.run, self.suspects, watch, named_module(self.module), formats
            )
        status = _shown(self, console, run, study, summary)
        if formats:
            console.print(f"figures in {run.folder / 'figures'}", soft_wrap=True)
        if self.open:
            webbrowser.open((run.folder / "report.html").resolve().as_uri())
        return status


@dataclass(frozen=True, kw_only=True)
class DiagnoseCommand:
    """Say what is wrong with a training, why, and how to fix it.

    Examples
    --------
        layerwise diagnose runs/moons-1
        layerwise diagnose runs/moons-1 --fix
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """folder of the run"""
    fix: Flag = False
    """apply the fix, train again, show before and after"""
    out: Folder = None
    """folder of the fixed run; default: RUN-fixed-1"""
    module: Target = None
    """the torch module that the run trained, if it did"""
    json: Flag = False
    """print the diagnosis as JSON on standard output"""

    def __call__(self, console: "Console") -> int:
        """Do it."""
        from layerwise import experiment, presentation
        from layerwise.diagnosis import diagnose
        from layerwise.files import json_text

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
        if self.json:
            print(json_text(summary))
        return DONE


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
        with _new_or_reopened(options) as run:
            folder = run.folder
            yield run
    except KeyboardInterrupt as stop:
        if folder is not None and ranks.is_first():
            with suppress(InputError):  # what was to be gone on with is no run
                stop.add_note(experiment.how_to_go_on(folder, command))
        raise


def _new_or_reopened(options: OneTraining) -> AbstractContextManager["Run"]:
    from layerwise import experiment

    if options.output.resume is None:
        return experiment.open_run(
            options.plan(options.report, options.output), options.output.out
        )
    module = named_module(options.network.module, options.seed)
    return experiment.reopen_run(options.output.resume, module)


def _trained(
    command: str, options: OneTraining, console: "Console", run: "Run"
) -> tuple[Any, Any, int]:
    """Train, and say how it ended."""
    from layerwise import experiment, presentation

    presentation.print_data(console, run.data)
    if run.origin:
        console.print(run.origin, markup=False, soft_wrap=True)
    try:
        with presentation.TrainingBar(console, options.output.log_every) as watch:
            result, diagnosis = experiment.train(run, watch)
    except MachineError:
        console.print(
            "what was saved is intact. To continue: "
            f"layerwise {command} --resume {run.named}",
            markup=False,
            soft_wrap=True,
        )
        raise
    if not ranks.is_first():
        return result, diagnosis, STATUSES[result.status]
    presentation.print_training(console, result)
    if result.status != "interrupted":
        presentation.print_diagnosis(console, diagnosis, why=False)
        if not diagnosis.healthy:
            fix = " --fix" if run.fixable(diagnosis) else ""
            console.print(
                f"  more layerwise diagnose {run.named}{fix}",
                markup=False,
                soft_wrap=True,
            )
    if result.status == "interrupted":
        console.print(
            "interrupted; saved. To continue: "
            f"layerwise {command} --resume {run.named}",
            markup=False,
            soft_wrap=True,
        )
    return result, diagnosis, STATUSES[result.status]


@contextmanager
def _looking(console: "Console") -> Generator[Callable[[int, int], None]]:
    """Show that something is going on, and how far a long search has come."""
    with console.status("inspecting every layer") as status:

        def watch(done: int, total: int) -> None:
            status.update(f"cross-validating labels: {done} of {total} parts")

        yield watch


def _shown(
    options: Any, console: "Console", run: "Run", study: Any, summary: dict[str, Any]
) -> int:
    from layerwise import presentation

    if study is not None:
        presentation.print_layers(console, study)
        presentation.print_class_scores(console, study)
        presentation.print_findings(console, study.findings, "see the page")
        if run.plan.suspects:
            presentation.print_suspects(console, study.suspects, study.class_names)
    page = (run.folder / "report.html").resolve()
    console.print(f"\npage: {page.as_uri()}", markup=False, soft_wrap=True)
    if options.json:
        print(json.dumps(summary, indent=2))
    return DONE
