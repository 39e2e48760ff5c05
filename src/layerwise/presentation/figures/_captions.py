"""What stands beside a layer's picture, in figures and on the page."""

from layerwise.presentation._text import known
from layerwise.study import LayerStudy
from layerwise.wording import count, number, percent

__all__ = ["layer_caption", "plane_caption"]

PREFIX = {"components": "", "discriminants": "discriminant_"}
"""What the names of a plane's trust begin with; others' with the plane's own name."""


def layer_caption(layer: LayerStudy) -> tuple[str, str]:
    """Return a layer's figures in two lines."""
    shown = percent(float(layer.variance_shown.sum()))
    constant = f", {count(layer.dead_units)} constant" if layer.dead_units else ""
    return (
        f"probe accuracy {percent(layer.probe_accuracy.value)}, {shown} of variance",
        f"{number(layer.participation_ratio)} of {count(layer.units)} dimensions"
        f"{constant}",
    )


def plane_caption(layer: LayerStudy, plane: str) -> tuple[str, str]:
    """Return what a layer's plane shows, in two lines: of components, its figures."""
    if plane == "components":
        return layer_caption(layer)
    values, prefix = layer.measures.values, PREFIX.get(plane, f"{plane}_")
    near = values["nearest_mean_accuracy"]
    trust, kept = values[f"{prefix}trustworthiness"], values[f"{prefix}continuity"]
    return (
        f"nearest class mean {percent(near)} right",
        f"trustworthiness {known(trust)}, continuity {known(kept)}",
    )
