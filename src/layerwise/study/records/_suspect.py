"""A label that looks wrong, as a record and as a line of CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["Suspect", "suspects_csv"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by some spreadsheets."""


@dataclass(frozen=True)
class Suspect:
    """A sample whose label looks wrong, and why.

    Parameters
    ----------
    part : str
        ``training`` or ``test``.
    position : int
        In that set.
    label, suggestion : int
        Class indices: as labelled, and the likeliest other class.
    score : float
        The suggestion's share of the evidence for either of the two, 0 to 1; see
        `LabelEvidence.scores`.
    probability_of_label, probability_of_suggestion : float
        By networks that have not seen the sample.
    neighbours_agreeing, neighbours : int
        How many of the nearest samples have the suggestion for a label, of how many.
    since : str or None
        The first layer from which on every layer's probe says the suggestion:
        ``input``, ``hidden1``, …; None where the last one does not.
    """

    part: str
    position: int
    label: int
    suggestion: int
    score: float
    probability_of_label: float
    probability_of_suggestion: float
    neighbours_agreeing: int
    neighbours: int
    since: str | None


def suspects_csv(suspects: Sequence[Suspect], class_names: Sequence[str]) -> str:
    """Return suspects as CSV, classes by name, a line for each after the header.

    Lines end as RFC 4180 asks, with CR and LF: write them as bytes, or to a file opened
    with ``newline=""``. Text that a spreadsheet could take for a formula gets an
    apostrophe in front.

    Parameters
    ----------
    suspects : sequence of Suspect
    class_names : sequence of str
        By class index.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(Suspect.__dataclass_fields__)
    for suspect in suspects:
        named = asdict(suspect) | {
            "label": class_names[suspect.label],
            "suggestion": class_names[suspect.suggestion],
        }
        writer.writerow(_cell(value) for value in named.values())
    return text.getvalue()


def _cell(value: object) -> object:
    risky = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if risky else value
