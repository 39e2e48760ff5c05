"""The page's own sentences, and what each figure tells those who cannot see it."""

import numpy as np

from layerwise.inspection import Study
from layerwise.presentation._report import Report
from layerwise.presentation._text import duration, interval, short
from layerwise.wording import count, listed, number, percent

__all__ = ["alternatives", "sentences"]

MANY = 12
"""More classes than this are not all named in a sentence."""


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
        last = f"; the step before, {number(float(finite[-1]))}" if len(finite) else ""
        return (
            f"The training diverged: at step {count(len(losses))} the loss was no "
            f"longer a finite number{last}. There is nothing to look at "
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
    if len(names) > MANY:
        names = [*names[:3], f"{len(names) - 3} more"]
    said = f"{count(total)} {kind} of {count(data.classes)} classes: {listed(names)}."
    again = statistics.test_in_training
    if again:
        said += f" {count(again)} test samples are training samples too."
    return said


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
    names = listed([short(name) for name in data.class_names[:MANY]])
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
    return said if study is None else said | _inside(study)


def _curves(report: Report) -> str:
    losses = report.history.losses
    if not len(losses):
        return "No step was made."
    said = (
        f"Loss by step, from {number(float(losses[0]))} to {number(float(losses[-1]))}"
    )
    if report.history.epochs:
        accuracy = percent(report.history.epochs[-1].validation_accuracy)
        said += f"; accuracy by step, at the end {accuracy} on the validation set"
    return said + "."


def _inside(study: Study) -> dict[str, str]:
    probes = [(short(n.name, 40), percent(n.probe_accuracy.value)) for n in study]
    planes = {
        f"layer{index:02d}": f"Scatter of {name} on its first two components, coloured "
        f"by class; a linear probe reads {accuracy} right."
        for index, (name, accuracy) in enumerate(probes)
    }
    everywhere = listed([f"{accuracy} in {name}" for name, accuracy in probes])
    return planes | {
        "probes": "Table of probe accuracy by class and layer; over all classes "
        f"{everywhere}.",
        "confusion": _confusion(study),
        "mistakes": _worst(study),
    }


def _confusion(study: Study) -> str:
    said = (
        f"{count(len(study.targets))} samples by label and prediction, "
        f"{count(len(study.mistakes))} of them wrong"
    )
    wrong = study.confusion * ~np.eye(len(study.class_names), dtype=bool)
    if not wrong.any():
        return said + "."
    pair = np.unravel_index(np.argmax(wrong), wrong.shape)
    label, prediction = (short(study.class_names[index]) for index in pair)
    times = count(int(wrong.max()))
    return f"{said}; most often, {times} times, {label} as {prediction}."


def _worst(study: Study) -> str:
    names = [short(name) for name in study.class_names]
    worst = [
        f"is {names[study.targets[sample]]}, said {names[study.predictions[sample]]}, "
        f"{percent(float(study.confidence[sample]))}"
        for sample in study.mistakes[:3]
    ]
    return f"The mistakes the network was surest of: {'; '.join(worst)}."
