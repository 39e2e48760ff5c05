"""What stands beside a layer's picture, in figures and on the page."""

from layerwise.inspection import LayerStudy
from layerwise.wording import count, number, percent

__all__ = ["layer_caption"]


def layer_caption(layer: LayerStudy) -> tuple[str, str]:
    """Return a layer's figures in two lines."""
    shown = percent(float(layer.variance_shown.sum()))
    constant = f", {count(layer.dead_units)} constant" if layer.dead_units else ""
    return (
        f"probe accuracy {percent(layer.probe_accuracy.value)}, {shown} of variance",
        f"{number(layer.participation_ratio)} of {count(layer.units)} dimensions"
        f"{constant}",
    )
