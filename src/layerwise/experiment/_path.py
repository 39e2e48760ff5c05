"""The whole path: data, training, inside, page."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, Unpack

from layerwise import ranks
from layerwise.arrays import one_blas_thread
from layerwise.baselines import Baseline, Baselines
from layerwise.data import Dataset, DataStatistics, describe
from layerwise.diagnosis import Diagnosis, diagnose
from layerwise.errors import InputError
from layerwise.experiment._folder import (
    Run,
    checkpoint_in,
    held,
    plain,
    read_summary,
    run_of,
)
from layerwise.experiment._plan import NamedModule, Plan, load_data
from layerwise.experiment._summary import (
    environment,
    study_summary,
    training_summary,
    write_summary,
)
from layerwise.files import make_folder, write_atomically
from layerwise.model import Network, TrainedNetwork, save_network
from layerwise.presentation import (
    OF_INPUTS,
    Report,
    page,
    report_payload,
    save_figures,
    save_report_figures,
)
from layerwise.study import (
    CountingOptions,
    InputStudy,
    Study,
    beside,
    inspect,
    inspect_inputs,
    load_for_inspecting,
    load_study,
    save_study,
    suspects,
    suspects_csv,
    with_suspects,
)
from layerwise.training import (
    Checkpoint,
    Progress,
    Result,
    Snapshot,
    fit,
    latest_checkpoint,
    prune_checkpoints,
    save_checkpoint,
    score,
)

STUDY = "study.safetensors"

OfData: TypeAlias = tuple[tuple[Baseline, ...], DataStatistics]
"""What the page says of the data alone, whatever was trained on it."""

Look = TypeVar("Look")


def look_at_data(
    data: Dataset, out: str | None, seed: int
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
    """Return what was seen of a data set, before any training."""
    return {
        "data": asdict(statistics),
        "input": study.layer.summary(),
        "baselines": [asdict(baseline) for baseline in study.baselines],
        "findings": [asdict(finding) for finding in study.findings],
    }


def looking_at_data(run: Run) -> AbstractContextManager[Callable[[], OfData]]:
    """Look at the data beside the training in this block; yield what tells the result.

    Nothing waits for it when the training is interrupted.
    """
    return _beside(run, partial(_look_at, run.baselines))


def trying_simple_methods(run: Run) -> AbstractContextManager[object]:
    """Try the simple methods that a diagnosis asks for beside the training, as above.

    No study follows, whose SciPy would have to be loaded first.
    """
    return _beside(run, lambda: run.baselines.best, of_scipy=False)


@contextmanager
def _beside(
    run: Run, look: Callable[[], Look], *, of_scipy: bool = True
) -> Generator[Callable[[], Look]]:
    """Do something in a thread of its own, and yield what tells the result.

    A training by hand leaves Python most of the time, and takes little more than one
    core where its layers are narrow. A module of torch takes all cores: then it is done
    when that is asked for, as in a job of several processes, by the first.
    """
    if run.plan.module is not None or ranks.job_size() > 1:
        yield look
        return
    found: Future[Look] = Future()

    def look_beside() -> None:
        try:
            found.set_result(look())
        except BaseException as error:
            found.set_exception(error)

    # How many threads a product has is a matter of the whole process, not of a thread.
    with one_blas_thread(of_scipy):
        threading.Thread(target=look_beside, daemon=True).start()
        yield found.result


def _look_at(baselines: Baselines) -> OfData:
    data = baselines.data
    _ = baselines.best  # first, for the diagnosis will ask for it
    return baselines.beside(data.test), describe(data)


def train(
    run: Run, watch: Callable[[Progress], None] | None = None
) -> tuple[Result, Diagnosis]:
    """Train, saving checkpoints as it goes; then write the network and its history.

    Under ``torchrun`` rank 0 alone writes; a MachineError also says that another
    process of the job is lost.
    """
    plan, saved = run.plan, time.monotonic()

    def save(checkpoint: Checkpoint) -> None:
        nonlocal saved
        if time.monotonic() - saved >= plan.checkpoint_every:
            _keep(run, checkpoint)
            saved = time.monotonic()

    result = fit(
        plan.trained,
        run.data,
        plan.recipe,
        resume=run.checkpoint,
        watch=watch,
        save=save,
    )
    diagnosis = diagnose(result, run.baselines)
    if ranks.is_first():
        write_training(run, result, diagnosis)
    return result, diagnosis


def write_training(run: Run, result: Result, diagnosis: Diagnosis) -> None:
    """Write a training into its run's folder: checkpoint, network, history, summary."""
    _keep(run, result.checkpoint)
    save_network(result.network, run.folder / "model.safetensors")
    _write_history(run.folder, result)
    summary = training_summary(run.plan, result, diagnosis)
    write_summary(run.folder, run.plan, run.data, summary)


def _write_history(folder: Path, result: Result) -> None:
    history = result.history.to_csv().encode()
    write_atomically(folder / "history.csv", history)
    health = result.history.health_csv(result.network.layer_names).encode()
    write_atomically(folder / "health.csv", health)


def _keep(run: Run, checkpoint: Checkpoint) -> None:
    path = save_checkpoint(checkpoint, run.folder / "checkpoints", run.training)
    prune_checkpoints(path, run.plan.keep_checkpoints)


def finish(
    run: Run,
    result: Result,
    diagnosis: Diagnosis,
    watch: Callable[[int, int], None] | None = None,
    of_data: Callable[[], OfData] | None = None,
    *,
    again: bool = False,
) -> tuple[Report, dict[str, Any]]:
    """Look inside the trained network, and write the page and the summary; return both.

    The report's study is None where training diverged: there is nothing to look into.

    Parameters
    ----------
    watch : callable, optional
        Told how many parts of the search for suspect labels are done, and of how many.
    of_data : callable, optional
        What `looking_at_data` gave.
    again : bool
        Take the study that was written before, where it is of this network.
    """
    study, told = _written_study(run, result) if again else (None, None)
    if study is None and result.status != "diverged":
        with ThreadPoolExecutor(1) as pool:
            pool.submit(load_for_inspecting)
            study = look_inside(
                result.network,
                run.data,
                run.plan,
                snapshots=result.snapshots,
                judged=watch,
            )
        write_suspects(study, run.folder)
    if told is None:
        told = of_data() if of_data is not None else _look_at(run.baselines)
        if study is not None:
            study = beside(study, told[0])
            known = {"baselines": told[0], "statistics": told[1]}
            save_study(study, run.folder / STUDY, {"of": _stamp(run, result)} | known)
    simple, statistics = told
    inputs = inspect_inputs(run.data, run.data.test, study=study, simple=simple)
    report = Report(
        result=result,
        statistics=statistics,
        input_study=inputs,
        study=study,
        diagnosis=diagnosis,
        environment=environment(result),
        command=run.plan.command(),
    )
    html = page(report_payload(report))
    write_atomically(run.folder / "report.html", html.encode())
    summary = training_summary(run.plan, result, diagnosis) | study_summary(
        study, inputs
    )
    return report, write_summary(run.folder, run.plan, run.data, summary, statistics)


def look_inside(
    network: TrainedNetwork,
    data: Dataset,
    plan: Plan,
    *,
    snapshots: Sequence[Snapshot] = (),
    judged: Callable[[int, int], None] | None = None,
    **counting: Unpack[CountingOptions],
) -> Study:
    """Return the study of a network, with as many suspect labels as the plan asks for.

    Of the plan the required accuracy, the suspects and the recipe count. ``judged`` is
    told how many parts of the search for suspect labels are done, and of how many.
    """
    study = inspect(
        network,
        data,
        required_accuracy=plan.required_accuracy,
        snapshots=snapshots,
        **counting,
    )
    if not plan.suspects or not isinstance(network, Network):
        return study
    found = suspects(
        network,
        data,
        plan.recipe,
        most=plan.suspects,
        seed=plan.recipe.seed,
        watch=judged,
    )
    return with_suspects(study, found)


def write_suspects(study: Study, folder: Path) -> Path:
    """Write a study's suspect labels to ``suspects.csv`` in a folder."""
    path = make_folder(folder) / "suspects.csv"
    table = suspects_csv(study.suspects, study.class_names)
    write_atomically(path, table.encode())
    return path


def report_again(
    folder: str,
    most_suspects: int | None = None,
    watch: Callable[[int, int], None] | None = None,
    module: NamedModule | None = None,
    figures: Sequence[str] = (),
) -> tuple[Run, Study | None, dict[str, Any]]:
    """Make a run's history and page again from its checkpoint and its study.

    Where the study that was written is not of this network and this many suspects, the
    network is looked into again. Every figure is drawn into ``figures/`` in each of the
    formats given.
    """
    with held(Path(folder), read_summary):
        run, result = restored(folder, module)
        if most_suspects is not None:
            run = replace(run, plan=replace(run.plan, suspects=most_suspects))
        _write_history(run.folder, result)
        diagnosis = diagnose(result, run.baselines)
        report, summary = finish(run, result, diagnosis, watch, again=True)
        if figures:
            save_report_figures(report, run.folder / "figures", figures)
        return run, report.study, summary


def restored(folder: str, module: NamedModule | None = None) -> tuple[Run, Result]:
    """Return a run and the result of its training, from what it saved."""
    path = Path(folder)
    summary = read_summary(path)
    plan = Plan.from_json(summary["plan"]).with_module(module)
    run = run_of(path, plan, load_data(plan))
    found = latest_checkpoint(path / "checkpoints")
    if found is None:
        raise InputError(f"{folder}: no checkpoint yet, there is nothing to report")
    checkpoint = checkpoint_in(run, found)
    training = summary["training"]
    result = score(plan.trained, run.data, plan.recipe, checkpoint, training["status"])
    result = replace(
        result,
        engine=training.get("engine", result.engine),
        seconds=training.get("seconds", result.seconds),
        steps_per_second=training.get("steps_per_second") or 0.0,
    )
    return run, result


def _stamp(run: Run, result: Result) -> dict[str, Any]:
    """Return what a study depends on: another of any of these is another study."""
    return {
        "training": run.training,
        "step": result.checkpoint.state.step,
        "suspects": run.plan.suspects,
        "required_accuracy": run.plan.required_accuracy,
        "layerwise": version("layerwise"),
    }


def _written_study(
    run: Run, result: Result
) -> tuple[Study, OfData] | tuple[None, None]:
    """Return the study that was written of this network, and what is known of the data.

    None where there is none, or it is damaged or of another network.
    """
    with suppress(InputError):
        study, beside = load_study(run.folder / STUDY, run.data.test.inputs)
        if beside["of"] == _stamp(run, result):
            return study, (beside["baselines"], beside["statistics"])
    return None, None
