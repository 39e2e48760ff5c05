"""Predictions of a run's network for new rows, written as they come."""

import json
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from layerwise.data import Rows, rows_to_predict
from layerwise.errors import InputError
from layerwise.experiment._path import restored
from layerwise.experiment._plan import NamedModule
from layerwise.files import open_atomically, refuse_no_file
from layerwise.model import TrainedNetwork, load_network
from layerwise.presentation import PredictionSummary
from layerwise.statistics import promised

OF_A_RUN = ("model.safetensors", "summary.json")
"""A folder with neither is no run."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network, and from which confidence on its predictions are accepted.

    Built-in sets are drawn by the run's ``seed``. ``required`` is the accuracy that
    accepted predictions have to reach, ``threshold`` the confidence that promises it on
    the validation set; infinite where none does.
    """

    network: TrainedNetwork
    seed: int = 0
    required: float | None = None
    threshold: float | None = None


class Predicted(NamedTuple):
    """Some rows and what the network says of them."""

    rows: Rows
    classes: Int64[np.ndarray, " rows"]
    probabilities: Float[np.ndarray, "rows classes"]

    @property
    def confidence(self) -> Float[np.ndarray, " rows"]:
        """The probability of the class that is predicted."""
        return self.probabilities.max(axis=1)


def predictor(
    folder: str, module: NamedModule | None = None, required: float | None = None
) -> Predictor:
    """Return what predicts with the network of a run.

    Where no accuracy is required, ``folder`` may be the network's file; else the run's
    validation set is read again.
    """
    if required is not None and not 0 < required < 1:
        raise InputError(
            f"--required-accuracy {required}: give a number between 0 and 1"
        )
    path = Path(folder)
    if not path.exists():
        raise InputError(f"{folder}: no such run: give its folder")
    if path.is_dir() and not any((path / name).exists() for name in OF_A_RUN):
        raise InputError(
            f"{folder}: is no run, it lacks {OF_A_RUN[0]}: give its folder"
        )
    if required is None and module is None:
        return Predictor(load_network(folder))
    run, result = restored(folder, module)
    network, seed = result.network, run.plan.recipe.seed
    if required is None:
        return Predictor(network, seed)
    validation = run.data.validation
    probabilities = network.predict_proba(validation.inputs)
    right = probabilities.argmax(axis=1) == validation.targets
    threshold = promised(probabilities.max(axis=1), right, required)
    return Predictor(network, seed, required, threshold)


def _predicted(by: Predictor, source: str, data_dir: str | None) -> Iterator[Predicted]:
    """Yield what a network says of the rows of a source, some thousand at a time."""
    network = by.network
    for rows in rows_to_predict(
        source,
        network.class_names,
        network.columns,
        shape=network.shape,
        data_dir=data_dir,
        seed=by.seed,
    ):
        logits = network.logits(rows.inputs)
        lost = np.isnan(logits).any(axis=1)
        if lost.any():
            row = rows.first + int(np.argmax(lost))
            raise InputError(
                f"{source}: row {row} (counted from 0) has a value that is missing or "
                "infinite: fill it in or leave the row out"
            )
        unlike = None if rows.first else network.scaling.out_of_range(rows.inputs)
        noted = replace(rows, notes=(*rows.notes, unlike)) if unlike else rows
        probabilities = network.loss.probabilities(logits)
        yield Predicted(noted, logits.argmax(axis=1), probabilities)


def write_predictions(
    by: Predictor,
    source: str,
    out: str,
    *,
    data_dir: str | None,
    all_classes: bool,
    watch: Callable[[int], None],
) -> PredictionSummary:
    """Write predictions for a source's rows to a file, whole or not at all.

    Columns ``row`` (counted from 0), ``file`` of pictures, ``prediction`` (the name of
    the class), ``probability``; ``accepted`` where an accuracy is required; ``label``
    and ``right`` where rows have labels; and, asked for, ``p(CLASS)`` of each class.

    ``out`` is a .csv or .parquet file; or ``-``: an array of JSON objects to standard
    output. ``watch`` is told how many rows are done.

    Raises
    ------
    InputError
        If no file can have that name, or it has another ending; if the source is not to
        be read, or its rows are not what the network takes.
    """
    names = by.network.class_names
    summary = PredictionSummary(names, (0,) * len(names), by.required, by.threshold)
    with _writer(out) as write:
        for found in _predicted(by, source, data_dir):
            summary = _with(summary, found)
            write(_table(found, by, all_classes))
            watch(summary.rows)
    return summary


def _with(summary: PredictionSummary, found: Predicted) -> PredictionSummary:
    """Return what predictions come to with some more rows."""
    of_class = np.bincount(found.classes, minlength=len(summary.counts))
    kept = np.zeros(len(found.classes), bool)
    if summary.threshold is not None:
        kept = found.confidence >= summary.threshold
    labels = np.full(len(kept), -1) if found.rows.labels is None else found.rows.labels
    known, right = labels >= 0, labels == found.classes
    return replace(
        summary,
        counts=tuple((np.array(summary.counts) + of_class).tolist()),
        accepted=summary.accepted + int(kept.sum()),
        labelled=summary.labelled + int(known.sum()),
        right=summary.right + int(right.sum()),
        accepted_labelled=summary.accepted_labelled + int((known & kept).sum()),
        accepted_right=summary.accepted_right + int((right & kept).sum()),
        notes=summary.notes + found.rows.notes,
    )


def _table(found: Predicted, by: Predictor, all_classes: bool) -> Any:
    """Return what is written of some rows, as an Arrow table."""
    import pyarrow as pa

    rows, classes = found.rows, found.classes
    names = pa.array(by.network.class_names)
    table = {
        "row": pa.array(np.arange(rows.first, rows.first + len(classes))),
        **({"file": pa.array(rows.files)} if rows.files else {}),
        "prediction": names.take(pa.array(classes)),
        "probability": pa.array(found.confidence),
    }
    if by.threshold is not None:
        table["accepted"] = pa.array(found.confidence >= by.threshold)
    if rows.labels is not None:
        unknown = rows.labels < 0
        table["label"] = names.take(pa.array(rows.labels, mask=unknown))
        table["right"] = pa.array(rows.labels == classes, mask=unknown)
    if all_classes:
        for place, name in enumerate(by.network.class_names):
            table[f"p({name})"] = pa.array(found.probabilities[:, place])
    return pa.table(table)


Write = Callable[[Any], None]


@contextmanager
def _writer(out: str) -> Generator[Write]:
    """Give what writes Arrow tables, one after another, by the ending of the name."""
    if out == "-":
        yield from _json_writer()
        return
    ending = Path(out).suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise InputError(f"--out {out}: give a .csv or a .parquet file")
    with open_atomically(refuse_no_file(out, "--out")) as file, ExitStack() as stack:
        writer: Any = None

        def write(table: Any) -> None:
            nonlocal writer
            if writer is None and ending == ".csv":
                csv = import_module("pyarrow.csv")
                options = csv.WriteOptions(quoting_style="needed")
                opened = csv.CSVWriter(file, table.schema, write_options=options)
                writer = stack.enter_context(opened)
            elif writer is None:
                parquet = import_module("pyarrow.parquet")
                writer = stack.enter_context(parquet.ParquetWriter(file, table.schema))
            writer.write_table(table)

        yield write


def _json_writer() -> Generator[Write]:
    first = True

    def write(table: Any) -> None:
        nonlocal first
        for row in table.to_pylist():
            sys.stdout.write(("[\n" if first else ",\n") + json.dumps(row))
            first = False

    yield write
    sys.stdout.write("[]\n" if first else "\n]\n")
