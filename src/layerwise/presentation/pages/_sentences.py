"""The page's own sentences: its headline, and what stands beside its figures."""

import numpy as np

from layerwise.presentation._report import Report
from layerwise.presentation._tables import SUSPECTS
from layerwise.presentation._text import duration, interval, short, speed
from layerwise.presentation.figures import are_points
from layerwise.study import Study
from layerwise.wording import count, listed, number, percent

__all__ = ["MANY", "sentences", "study_headline", "study_sentences"]

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
    return said if study is None else said | study_sentences(study)


def _headline(report: Report) -> tuple[str, str]:
    study = report.study
    if study is None:
        return percent(report.result.test.accuracy), (
            f"of {count(len(report.data.test))} test samples are classified right by "
            "the last network whose numbers were all finite."
        )
    return study_headline(study)


def study_headline(study: Study) -> tuple[str, str]:
    """Return a study's figure in large type, and the rest of the sentence.

    The accuracy, or, where nothing was predicted, that of the best layer's probe.
    """
    if study.accuracy is not None:
        return percent(study.accuracy.value), (
            f"of {study.scored_on} are classified right; the 95 % interval is "
            f"{interval(study.accuracy)}."
        )
    best = max(study, key=lambda layer: layer.separability)
    return percent(best.separability), (
        f"of {study.scored_on} are read right by a linear probe of "
        f"{short(best.name, 40)}, more than of any other layer."
    )


def _warning(report: Report) -> str:
    losses = report.result.history.losses
    if report.result.status == "diverged":
        finite = losses[np.isfinite(losses)]
        last = f"; the step before, {number(float(finite[-1]))}" if len(finite) else ""
        return (
            f"The training diverged: at step {count(len(losses))} the loss was no "
            f"longer a finite number{last}. There is nothing to look at "
            "inside; a smaller learning rate or another initialisation may fix it."
        )
    if report.result.status == "interrupted":
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
        "a class’s name stands on its colour, near its median."
    )


def _baselines_note(report: Report) -> str:
    return (
        "Simple methods on the raw inputs beside this network, on the "
        f"{report.input_study.scored_on} set."
    )


def _training(report: Report) -> str:
    result, recipe = report.result, report.result.recipe
    steps = count(result.checkpoint.state.step)
    rate = ", {} steps per second but for compiling and scoring"
    return (
        f"{count(result.network.parameter_count)} parameters, trained with "
        f"{recipe.optimizer} on batches of {recipe.batch_size}: {steps} steps in "
        f"{result.epochs} of {recipe.epochs} epochs, "
        f"{duration(result.seconds)} in all"
        f"{speed(result.steps_per_second, rate)}."
    )


def study_sentences(study: Study) -> dict[str, str | tuple[str, str]]:
    """Return the sentences beside a study's figures, by name."""
    total, shown = len(study.targets), len(study.shown)
    drawn = "all of them" if shown == total else f"{count(shown)} of them"
    sampled = f"the {study.scored_on}"
    if len(study.sampled) < total:
        sampled = f"{count(len(study.sampled))} of {sampled}"
    first = ", the raw input first" if study.input else ""
    compared = "light grey the same with shuffled labels, on"
    if study.untrained:
        compared = (
            "dark grey the untrained one and light grey this one with shuffled labels, "
            "both on"
        )
    return {
        "inside_sentence": f"Each layer’s activations{first}, on their "
        "first two principal components, coloured by class. Components and probes are "
        f"fitted on {study.fitted_on}; scored are {study.scored_on}, drawn {drawn}.",
        "discriminants_caption": "The same samples along the two directions that part "
        "the classes best for their width, also found on the samples fitted on. "
        "Classes that overlap here may still be parted by further directions. "
        "Trustworthiness and continuity, 1 at best, say how far neighbours in the "
        "picture are neighbours in the layer, and the reverse.",
        "probes_caption": "The share of each class that a least-squares probe reads "
        f"from a layer, in percent of {study.scored_on}.",
        "measures_caption": "What each layer knows, measured in eight ways. Blue is "
        f"this network, with 95 % intervals where there are any; {compared} "
        f"{sampled}. Above are shares read right, on a scale that keeps 98 and 99 % "
        "apart. As classes come apart the Fisher ratio grows and NC1 falls; the last "
        "two count the dimensions in use.",
        "pairs_caption": "The pairs that the network mixes most: of the samples of "
        "both, the share that a least-squares probe takes for the other. A line has "
        "the colours of its two classes; where it falls, that layer parts them.",
        "epochs_caption": "From the untrained network down, every layer on its first "
        f"two components after the epochs that were kept: {sampled}. The pictures are "
        "turned to lie on each other as well as they can, so that points move because "
        "the network moved; a column has one scale.",
        "similarity_caption": f"Debiased linear CKA of every two layers, of {sampled}: "
        "1 where two layers hold the same picture but for its size and turn, 0 where "
        "they have nothing in common. A block near 1 is a run of layers that change "
        "little.",
        "reliability_caption": f"The {study.scored_on} by how sure the network is of "
        "its answer. A dot is how often it is right when it is that sure, with the "
        "95 % interval: on the diagonal as often as it says, below it less often. "
        "The bars count the samples.",
        "mistakes_caption": _mistakes_caption(study),
        "suspects_sentence": _suspects(study),
    }


def _suspects(study: Study) -> str:
    total, shown = len(study.suspects), min(len(study.suspects), SUSPECTS)
    which = "all of them" if shown == total else f"the first {count(shown)}"
    return (
        f"{count(total)} samples that the network does not read as they are labelled, "
        "where the label rather than the network may be wrong; the most suspect come "
        f"first, and the table has {which}. The score is the share of the "
        "evidence, from the network, its layers and the neighbours, that speaks for "
        "what a sample looks like rather than for its label; surety is the probability "
        "that the network gives that; nearest tells how many neighbours have it for a "
        "label; since is the first layer from which on every probe says so."
    )


def _mistakes_caption(study: Study) -> str:
    if study.predictions is None:
        return ""
    wrong = len(study.mistakes)
    if not wrong:
        return f"There are no mistakes among {study.scored_on}."
    if are_points(study.inputs):
        return (
            f"The {study.scored_on} in their plane; {count(wrong)} mistakes are ringed."
        )
    return (
        f"Of {count(wrong)} mistakes, those that the network was surest of: what they "
        "are labelled, what it said, and the probability it gave."
    )
