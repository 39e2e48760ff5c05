"""Finished records in; HTML out: one file that opens offline."""

from layerwise.presentation.pages._shell import (
    comparison_page,
    page,
    page_of,
    study_page,
    sweep_page,
)

__all__ = ["comparison_page", "page", "page_of", "study_page", "sweep_page"]
