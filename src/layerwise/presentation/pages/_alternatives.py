"""What each figure tells those who cannot see it."""

import numpy as np

from layerwise.presentation._report import Report
from layerwise.presentation._text import known, short
from layerwise.presentation.figures import epochs_shown, mixed_pairs
from layerwise.presentation.pages._sentences import MANY
from layerwise.study import LayerStudy, Study
from layerwise.wording import count, listed, number, percent

__all__ = ["alternatives", "study_alternatives"]


def alternatives(report: Report) -> dict[str, str]:
    """Return what each figure of `draw_all` shows, in words."""
    data, study = report.data, report.study
    accuracy = percent(report.result.test.accuracy)
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
        "health": _health(report),
        "regions": f"Plane of two inputs, coloured by predicted class; "
        f"{accuracy} of the test samples lie in their own colour.",
    }
    return said if study is None else said | study_alternatives(study)


def _curves(report: Report) -> str:
    losses = report.result.history.losses
    if not len(losses):
        return "No step was made."
    said = (
        f"Loss by step, from {number(float(losses[0]))} to {number(float(losses[-1]))}"
    )
    if report.result.history.epochs:
        accuracy = percent(report.result.history.epochs[-1].validation_accuracy)
        said += f"; accuracy by step, at the end {accuracy} on the validation set"
    return said + "."


def _health(report: Report) -> str:
    if not len(report.result.history.health):
        return "No step was made."
    first, last = (report.result.history.records[at].layers for at in (0, -1))
    names = report.result.network.layer_names
    return (
        "Gradient norm, spread of outputs and dead units of every layer by step. The "
        f"gradient norm of {names[0]} goes from {known(first[0].gradient_norm)} to "
        f"{known(last[0].gradient_norm)}, that of {names[-1]} from "
        f"{known(first[-1].gradient_norm)} to {known(last[-1].gradient_norm)}."
    )


def study_alternatives(study: Study) -> dict[str, str]:
    """Return the words for a study's figures, by name."""
    probes = [(short(n.name, 40), percent(n.probe_accuracy.value)) for n in study]
    said = {
        f"layer{index:02d}": f"Scatter of {name} on its first two components, coloured "
        f"by class; a linear probe reads {accuracy} right."
        for index, (name, accuracy) in enumerate(probes)
    }
    everywhere = listed([f"{accuracy} in {name}" for name, accuracy in probes])
    return said | {
        "discriminants": "Scatter of every layer on the two directions that part the "
        f"classes best; the nearest class mean is right in {_by_layer(study)}.",
        "probes": "Table of probe accuracy by class and layer; over all classes "
        f"{everywhere}.",
        "measures": _measures(study),
        "pairs": _pairs(study),
        "epochs": _epochs(study),
        "similarity": _similarity(study),
        **({} if study.predictions is None else _answers(study)),
    }


def _answers(study: Study) -> dict[str, str]:
    return {
        "confusion": _confusion(study),
        "reliability": _reliability(study),
        "mistakes": _worst(study),
        "suspects": _suspects(study),
    }


def _by_layer(study: Study) -> str:
    shares = [layer.measures.values["nearest_mean_accuracy"] for layer in study]
    names = [short(layer.name, 40) for layer in study]
    parts = zip(map(percent, shares), names, strict=True)
    return listed([f"{share} in {name}" for share, name in parts])


def _measures(study: Study) -> str:
    start, last = next(iter(study)), study.last_hidden
    first, then = (
        [known(layer.measures.values[name]) for name in ("fisher_ratio",
         "collapse_within", "participation_ratio")]
        for layer in (start, last)
    )  # fmt: skip
    return (
        f"Eight small charts of measures by layer. From {_input_or(start)} to "
        f"{short(last.name, 40)} the Fisher ratio goes from {first[0]} to {then[0]}, "
        f"NC1 from {first[1]} to {then[1]}, the participation ratio from {first[2]} "
        f"to {then[2]}."
    )


def _input_or(layer: LayerStudy) -> str:
    return (
        "the input" if layer.name == "input" else f"the layer {short(layer.name, 40)}"
    )


def _pairs(study: Study) -> str:
    names = [short(name) for name in study.class_names]
    said = []
    for i, j in mixed_pairs(study):
        start, end = (
            percent(float(layer.measures.by_pair["mixed"][i, j]))
            for layer in (next(iter(study)), study.layers[-1])
        )
        said.append(f"{names[i]} and {names[j]}, {start} to {end}")
    return (
        "Lines by layer of the share of two classes taken for each other, from "
        f"{_input_or(next(iter(study)))} to the last layer: {'; '.join(said)}."
    )


def _epochs(study: Study) -> str:
    shown = epochs_shown(study)
    if not shown:
        return ""
    said = ["this network" if s.epoch is None else count(s.epoch) for s in shown]
    deep = [snapshot.layers[-2:][0] for snapshot in (shown[0], shown[-1])]
    first, last = (percent(one.measures.values["probe_accuracy"]) for one in deep)
    return (
        "Grid of scatters, a column for each layer, a row for each epoch: "
        f"{listed(said)}, 0 being the untrained network. From {short(deep[0].name, 40)}"
        f" a linear probe reads {first} in the first row and {last} in the last."
    )


def _similarity(study: Study) -> str:
    names = [short(layer.name, 40) for layer in study]
    beside = np.diagonal(study.similarity["debiased"], 1)
    steps = [
        f"{known(value)} between {first} and {second}"
        for value, first, second in zip(beside, names, names[1:], strict=False)
    ]
    return f"Table of the similarity of every two layers: {listed(steps)}."


def _reliability(study: Study) -> str:
    predictions, confidence = study.answers
    sure = percent(float(confidence.mean(dtype=float)))
    right = percent(float(np.mean(predictions == study.targets)))
    return (
        "Accuracy against confidence in up to 15 bins; the mean confidence is "
        f"{sure}, the accuracy {right}."
    )


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
    said, sure = study.answers
    worst = [
        f"is {names[study.targets[sample]]}, said {names[said[sample]]}, "
        f"{percent(float(sure[sample]))}"
        for sample in study.mistakes[:3]
    ]
    return f"The mistakes the network was surest of: {'; '.join(worst)}."


def _suspects(study: Study) -> str:
    names = [short(name) for name in study.class_names]
    worst = [
        f"labelled {names[suspect.label]}, looks like {names[suspect.suggestion]}"
        for suspect in study.suspects[:3]
    ]
    return f"The samples whose label looks most wrong: {'; '.join(worst)}."
