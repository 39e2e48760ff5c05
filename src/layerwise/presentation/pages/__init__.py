"""Finished records in, HTML pages out."""

from layerwise.presentation.pages._comparison_page import (
    comparison_page,
    draw_comparison,
)
from layerwise.presentation.pages._page import page, study_page
from layerwise.presentation.pages._sweep_page import (
    SweepReport,
    choice_sentence,
    draw_sweep,
    phase_table,
    sweep_page,
    sweep_sentence,
)

__all__ = [
    "SweepReport",
    "choice_sentence",
    "comparison_page",
    "draw_comparison",
    "draw_sweep",
    "page",
    "phase_table",
    "study_page",
    "sweep_page",
    "sweep_sentence",
]
