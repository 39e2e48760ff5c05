"""What predictions for new rows came to, and how that is told."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerwise.presentation._console import say
from layerwise.statistics import Share
from layerwise.wording import MANY, chosen, count, interval, percent, percent_of

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class PredictionSummary:
    """Predictions, counted.

    Parameters
    ----------
    class_names : tuple of str
    counts : tuple of int
        How many rows each class was predicted for.
    required, threshold : float or None
        The accuracy that accepted predictions have to reach, and the confidence that
        promises it; infinite where none does.
    accepted : int
        Rows at or above the threshold.
    labelled, right : int
        Rows with a label, and those of them that were predicted right.
    accepted_labelled, accepted_right : int
        The same of the accepted rows.
    notes : tuple of str
        Sentences on how the rows were read.
    """

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    required: float | None = None
    threshold: float | None = None
    accepted: int = 0
    labelled: int = 0
    right: int = 0
    accepted_labelled: int = 0
    accepted_right: int = 0
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows were predicted."""
        return sum(self.counts)


def print_predictions(console: "Console", summary: PredictionSummary) -> None:
    """Print how many rows each class has, how many are right, and how many accepted."""
    for note in summary.notes:
        say(console, note)
    named = zip(summary.class_names, summary.counts, strict=True)
    classes = [f"{name}: {count(predicted)}" for name, predicted in named]
    shown = classes if len(classes) <= MANY else [f"{count(len(classes))} classes"]
    rows = "one row" if summary.rows == 1 else f"{count(summary.rows)} rows"
    say(console, f"{rows} predicted: {', '.join(shown)}")
    if summary.labelled:
        say(console, f"accuracy {_share(summary.right, summary.labelled)}")
    if summary.required is not None and summary.threshold is not None:
        say(console, _accepted(summary, summary.required, summary.threshold))


def _share(right: int, trials: int) -> str:
    found = Share.of(right / trials, trials)
    return (
        f"{percent_of(found.value, trials)} on {count(trials)} labelled rows "
        f"(95 % interval {interval(found.low, found.high)})"
    )


def _accepted(summary: PredictionSummary, required: float, threshold: float) -> str:
    if threshold > 1:
        return (
            f"none accepted: on the validation set no confidence threshold promises "
            f"{chosen(required)} accuracy"
        )
    said = (
        f"{count(summary.accepted)} of {count(summary.rows)} rows accepted: confidence "
        f"at least {percent(threshold)}, the threshold for {chosen(required)} accuracy"
    )
    if left := summary.rows - summary.accepted:
        said += f"; refer the other {count(left)} to a person"
    if summary.accepted_labelled and left:
        right = _share(summary.accepted_right, summary.accepted_labelled)
        said += f". Accuracy of the accepted: {right}"
    return said
