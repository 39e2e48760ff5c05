"""Which slip made a gradient wrong, on which line, and the formula that belongs."""

from layerwise.sheets.slips._faults import faults_of
from layerwise.sheets.slips._later import (
    failing,
    of_guard,
    of_one_sample,
    of_place,
    of_repetition,
)
from layerwise.sheets.slips._patches import patched
from layerwise.sheets.slips._repair import changed_part, seen_with
from layerwise.sheets.slips._slips import SLIPS

__all__ = [
    "SLIPS",
    "changed_part",
    "failing",
    "faults_of",
    "of_guard",
    "of_one_sample",
    "of_place",
    "of_repetition",
    "patched",
    "seen_with",
]
