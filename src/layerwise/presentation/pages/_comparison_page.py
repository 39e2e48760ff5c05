"""The page of runs beside each other."""

from collections.abc import Mapping

from layerwise.presentation._comparison import (
    Comparison,
    figure_table,
    probe_table,
    setting_table,
)
from layerwise.presentation._text import short
from layerwise.presentation.figures import compared_curves, compared_probes, png
from layerwise.presentation.pages._template import illustrated, rendered
from layerwise.wording import listed, percent

__all__ = ["comparison_page", "draw_comparison"]


def draw_comparison(comparison: Comparison) -> dict[str, bytes]:
    """Draw the figures as PNG: ``curves``, and ``probes`` where there are any."""
    figures = {"curves": png(compared_curves(comparison))}
    if any(run.probes for run in comparison.runs):
        figures["probes"] = png(compared_probes(comparison))
    return figures


def comparison_page(comparison: Comparison, figures: Mapping[str, bytes]) -> str:
    """Return the page as HTML; ``figures`` are those of `draw_comparison`."""
    return rendered(
        "comparison.html.jinja",
        title=listed([short(run.name, 40) for run in comparison.runs]),
        images=illustrated(figures, _alternatives(comparison)),
        differing=setting_table(comparison),
        equal=setting_table(comparison, differing=False),
        figures=figure_table(comparison),
        probes=probe_table(comparison),
    )


def _alternatives(comparison: Comparison) -> dict[str, str]:
    ends, probes = [], []
    for run in comparison.runs:
        name = short(run.name, 40)
        if run.history.epochs:
            accuracy = percent(run.history.epochs[-1].validation_accuracy)
            ends.append(f"{name} ends at {accuracy}")
        else:
            ends.append(f"{name} ends before its first epoch")
        if run.probes:
            said = listed([percent(share) for _, share in run.probes])
            probes.append(f"{name}: {said}")
    return {
        "curves": "Loss of the batches, validation loss and validation accuracy by "
        f"step; on the validation set {listed(ends)}.",
        "probes": "Lines of probe accuracy by layer, the input first. "
        f"{'; '.join(probes)}.",
    }
