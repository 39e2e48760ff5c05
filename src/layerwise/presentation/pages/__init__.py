"""Finished records in, HTML pages out."""

from layerwise.presentation.pages._page import page, study_page
from layerwise.presentation.pages._several import comparison_page, sweep_page

__all__ = ["comparison_page", "page", "study_page", "sweep_page"]
