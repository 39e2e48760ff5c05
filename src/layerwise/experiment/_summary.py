"""``summary.json``: a run in figures, as JSON."""

import os
import platform
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, TypedDict

from msgspec import Meta

from layerwise import ranks
from layerwise.data import Dataset, DataStatistics
from layerwise.diagnosis import Diagnosis
from layerwise.experiment._plan import Plan
from layerwise.files import Count, Seconds, write_json
from layerwise.study import InputStudy, Study
from layerwise.training import ENGINES, Result

Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)] | None
"""As JSON has it: null where it was not finite."""

Setting: TypeAlias = bool | int | float | str | list[int | str] | None


class _Training(TypedDict):
    status: Literal["running", "interrupted", "finished", "diverged"]
    engine: NotRequired[str]
    seconds: NotRequired[Seconds]
    steps_per_second: NotRequired[Seconds | None]


class Begun(TypedDict):
    """What ``summary.json`` holds of every run, as it is read."""

    plan: dict[str, Any]
    training: _Training


class _Samples(TypedDict):
    train: Count
    validation: Count
    test: Count


class _Data(TypedDict):
    samples: _Samples
    scaling: str


class _Trained(TypedDict):
    diagnosis: str
    epochs: Count
    steps: Count
    seconds: Seconds
    train_loss: float | None
    train_accuracy: Share
    validation_loss: float | None
    validation_accuracy: Share
    test_loss: float | None
    test_accuracy: Share


class _Layer(TypedDict):
    name: str
    probe_accuracy: Share


class Ended(TypedDict):
    """What it holds beside that once the training has ended, or was interrupted."""

    data: _Data
    network: dict[str, Setting]
    training: _Trained
    layers: NotRequired[list[_Layer]]
    input: NotRequired[_Layer]


def environment(result: Result | None = None) -> dict[str, str]:
    """Return what the figures depend on: versions, machine, threads, and the device.

    Before a training there is none to name, and after one by NumPy it is the processor,
    which need not be asked for through JAX.
    """
    found = {"python": platform.python_version(), **_versions()}
    found["platform"] = platform.platform()
    found["cores"] = str(os.cpu_count())
    found["threads"] = os.environ.get("OMP_NUM_THREADS", found["cores"])
    if result is not None:
        kind = ENGINES[result.engine]
        found["device"] = kind.device_name(result.recipe.device)
        if ranks.job_size() > 1:
            found["processes"] = str(ranks.job_size())
    return found


@cache
def _versions() -> dict[str, str]:
    """Return the versions that are installed: each is read from a file."""
    found: dict[str, str] = {}
    for package in ("layerwise", "numpy", "scipy", "jax", "scikit-learn", "torch"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def training_summary(
    plan: Plan, result: Result, diagnosis: Diagnosis
) -> dict[str, Any]:
    """Return the network and its training."""
    network, history = result.network, result.history
    losses = history.losses
    last = history.epochs[-1] if history.epochs else None
    first = diagnosis.first
    return {
        "environment": environment(result),
        "network": {
            **_described(plan),
            "layers": list(network.layer_names),
            "inputs": list(network.shape),
            "outputs": len(network.class_names),
            "parameters": network.parameter_count,
        },
        "training": {
            **asdict(result.recipe),
            "engine": result.engine,
            "status": result.status,
            "diagnosis": first.kind if first else "healthy",
            "epochs": result.epochs,
            "steps": result.checkpoint.state.step,
            "seconds": result.seconds,
            "steps_per_second": result.steps_per_second or None,
            "smallest_step_loss": float(losses.min()) if len(losses) else None,
            "largest_step_loss": float(losses.max()) if len(losses) else None,
            "train_loss": last.train_loss if last else None,
            "train_accuracy": last.train_accuracy if last else None,
            "validation_loss": result.validation.loss,
            "validation_accuracy": result.validation.accuracy,
            "test_loss": result.test.loss,
            "test_accuracy": result.test.accuracy,
        },
        "health": _last_health(result),
        "diagnosis": diagnosis.summary(),
    }


def _described(plan: Plan) -> dict[str, Any]:
    """Return what was asked to be trained."""
    if plan.module is None:
        return asdict(plan.architecture)
    kind = type(plan.module.module).__name__
    return {"module": plan.module.target, "kind": kind, "loss": plan.module.loss}


def _last_health(result: Result) -> list[dict[str, Any]]:
    """Return the last record of every layer, with the units dead in the last epoch."""
    history, names = result.history, result.network.layer_names
    if not len(history.health):
        return []
    dead = history.epochs[-1].dead if history.epochs else (None,) * len(names)
    rows = zip(names, history.records[-1].layers, dead, strict=True)
    return [{"layer": n, **layer._asdict(), "dead": d} for n, layer, d in rows]


def study_summary(study: Study | None, inputs: InputStudy) -> dict[str, Any]:
    """Return the layers, the findings, and what to compare them with."""
    baselines = {
        b.name: {"accuracy": b.accuracy.value, "fitted_on": b.fitted_on}
        for b in inputs.baselines
    }
    inside = study.summary() if study else {"layers": [], "findings": []}
    of_inputs = [asdict(finding) for finding in inputs.findings]
    return inside | {
        "baselines": baselines,
        "input": inputs.layer.summary(),
        "findings": [*inside["findings"], *of_inputs],
    }


def write_summary(
    folder: Path,
    plan: Plan,
    data: Dataset,
    parts: dict[str, Any],
    statistics: DataStatistics | None = None,
) -> dict[str, Any]:
    """Write the summary, with what the columns of a table are like, and return it."""
    summary = {
        "data": {
            "name": data.name,
            "shape": list(data.shape),
            "classes": list(data.class_names),
            "samples": {
                "train": len(data.train),
                "validation": len(data.validation),
                "test": len(data.test),
            },
            "origin": data.origin,
            "scaling": plan.given_scaling if plan.module else data.scaling,
            "columns": _columns(data, statistics),
        },
        "environment": environment(),
        "plan": plan.to_json(),
        **parts,
    }
    return write_json(folder / "summary.json", summary)


def _columns(data: Dataset, statistics: DataStatistics | None) -> dict[str, Any] | None:
    """Return the record of a table's columns, and what each is like where known."""
    if data.columns is None:
        return None
    record = data.columns.to_json()
    like = {one.name: one for one in statistics.columns} if statistics else {}
    for column in record["columns"]:
        if (one := like.get(column["name"])) is not None:
            column |= {"missing": one.missing, "values": one.values}
    return record
