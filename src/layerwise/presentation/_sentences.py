"""The page's own sentences, and what each figure tells those who cannot see it."""

from collections.abc import Iterator

import numpy as np

from layerwise.inspection import Study
from layerwise.presentation._report import Report
from layerwise.presentation._text import duration, interval, short
from layerwise.wording import count, listed, number, percent

__all__ = ["alternatives", "sentences"]


def sentences(report: Report) -> dict[str, str | tuple[str, str]]:
    """Return the page's sentences by name; ``headline`` is a number and the rest."""
    study = report.study
    said: dict[str, str | tuple[str, str]] = {
        "headline": _headline(report),
        "warning": _warning(report),
        "data_sentence": _data(report),
        "input_caption": _input_caption(report),
        "baselines_note": _baselines_note(report),
        "training_sentence": _training(report),
    }
    if study is not None:
        said["inside_sentence"] = (
            "Each layer’s activations, the raw input first, on their first two "
            "principal components, coloured by class. Components and probes are fitted "
            f"on {study.fitted_on}; what is drawn and scored are {study.scored_on}."
        )
        said["probes_caption"] = (
            "The share of each class that a least-squares probe reads from a layer, in "
            f"percent of {study.scored_on}."
        )
        said["mistakes_caption"] = _mistakes_caption(report, study)
    return said


def _headline(report: Report) -> tuple[str, str]:
    study = report.study
    if study is None:
        return percent(report.test.accuracy), (
            f"of {count(len(report.data.test))} test samples are classified right by "
            "the last network whose numbers were all finite."
        )
    return percent(study.accuracy.value), (
        f"of {study.scored_on} are classified right; the 95 % interval is "
        f"{interval(study.accuracy)}."
    )


def _warning(report: Report) -> str:
    losses = report.history.losses
    if report.status == "diverged":
        finite = losses[np.isfinite(losses)]
        before = f"; the step before it was {number(finite[-1])}" if len(finite) else ""
        return (
            f"The training diverged: at step {count(len(losses))} the loss was no "
            f"longer a finite number{before}. There is nothing to look at "
            "inside; a smaller learning rate or another initialisation may mend it."
        )
    if report.status == "interrupted":
        return (
            f"The training was interrupted after {count(len(losses))} steps; the "
            "figures are of the network as it was then."
        )
    return ""


def _data(report: Report) -> str:
    data, statistics = report.data, report.statistics
    total = sum(len(part) for part in (data.train, data.validation, data.test))
    kind = "pictures" if data.is_image else "samples"
    names = [short(name) for name in data.class_names]
    classes = listed(
        names if len(names) <= 12 else [*names[:3], f"{len(names) - 3} more"]
    )
    again = statistics.test_in_training
    repeated = (
        f" {count(again)} test samples are training samples too." if again else ""
    )
    return f"{count(total)} {kind} of {count(len(names))} classes: {classes}.{repeated}"


def _input_caption(report: Report) -> str:
    shown = percent(float(report.input_study.layer.variance_shown.sum()))
    return (
        f"{count(len(report.input_study.targets))} samples on the first two principal "
        f"components of the training samples, which show {shown} of the variance; "
        "names stand at the classes’ medians."
    )


def _baselines_note(report: Report) -> str:
    on_test = np.array_equal(report.input_study.targets, report.data.test.targets)
    part = "test" if on_test else "validation"
    return f"Simple methods on the raw inputs beside this network, on the {part} set."


def _training(report: Report) -> str:
    recipe, history = report.recipe, report.history
    steps = count(len(history.losses))
    return (
        f"{count(report.network.parameter_count)} parameters, trained with "
        f"{recipe.optimizer} on batches of {recipe.batch_size}: {steps} steps in "
        f"{len(history.epochs)} of {recipe.epochs} epochs, "
        f"{duration(report.train_seconds)} with evaluation, "
        f"{count(round(report.steps_per_second))} steps per second."
    )


def _mistakes_caption(report: Report, study: Study) -> str:
    wrong = len(study.mistakes)
    if not wrong:
        return f"There are no mistakes among {study.scored_on}."
    if report.data.shape == (2,):
        return (
            f"The {study.scored_on} in their plane; {count(wrong)} mistakes are ringed."
        )
    return (
        f"Of {count(wrong)} mistakes, those that the network was surest of: what they "
        "are labelled, what it said, and the probability it gave."
    )


def alternatives(report: Report) -> dict[str, str]:
    """Return what each figure of `draw_all` shows, in words."""
    data, study = report.data, report.study
    names = listed([short(name) for name in data.class_names[:12]])
    ratios = report.input_study.layer.components.explained_variance_ratio
    shown = percent(float(report.input_study.layer.variance_shown.sum()))
    said = {
        "samples": f"Five samples of each class: {names}.",
        "components": "The first ten principal components as pictures; their shares of "
        f"the variance are {listed([percent(float(r)) for r in ratios])}.",
        "input": f"Scatter of samples on two principal components ({shown} of the "
        f"variance), coloured by class: {names}.",
        "training": _curves(report),
        "regions": f"Plane of two inputs, coloured by predicted class; "
        f"{percent(report.test.accuracy)} of the test samples lie in their own colour.",
    }
    return said if study is None else said | dict(_inside(study))


def _curves(report: Report) -> str:
    losses = report.history.losses
    said = f"Loss by step, from {number(losses[0])} to {number(losses[-1])}"
    if report.history.epochs:
        accuracy = percent(report.history.epochs[-1].validation_accuracy)
        said += f"; accuracy by step, at the end {accuracy} on the validation set"
    return said + "."


def _inside(study: Study) -> Iterator[tuple[str, str]]:
    probes = [(short(n.name, 40), percent(n.probe_accuracy.value)) for n in study]
    for index, (name, accuracy) in enumerate(probes):
        yield (
            f"layer{index:02d}",
            (
                f"Scatter of {name} on its first two components, coloured by class; a "
                f"linear probe reads {accuracy} right."
            ),
        )
    yield (
        "probes",
        (
            "Table of probe accuracy by class and layer; over all classes "
            f"{listed([f'{accuracy} in {name}' for name, accuracy in probes])}."
        ),
    )
    wrong = study.confusion * ~np.eye(len(study.class_names), dtype=bool)
    names = [short(name) for name in study.class_names]
    is_, said = np.unravel_index(np.argmax(wrong), wrong.shape)
    most = (
        f"; most often, {count(int(wrong.max()))} times, {names[is_]} as {names[said]}"
    )
    yield (
        "confusion",
        (
            f"{count(len(study.targets))} samples by label and prediction, "
            f"{count(len(study.mistakes))} of them wrong{most if wrong.any() else ''}."
        ),
    )
    worst = [
        f"is {names[study.targets[i]]}, said {names[study.predictions[i]]}, "
        f"{percent(float(study.confidence[i]))}"
        for i in study.mistakes[:3]
    ]
    yield "mistakes", f"The mistakes the network was surest of: {'; '.join(worst)}."
