"""What a study says of itself: what was projected, and what was added up fast."""

from collections.abc import Iterator
from math import isfinite

from layerwise.study.records import Finding, Study
from layerwise.wording import count, number

__all__ = ["fast", "projected"]


def projected(study: Study) -> Iterator[Finding]:
    """Say of which layers, too wide for it, the scatter is a projection's."""
    for layer in study:
        drawn = layer.moments.projection
        if drawn is not None:
            yield Finding(
                kind="projected",
                text=f"{layer.name} has {count(drawn.units)} units: its scatter, and "
                "what follows from it (components, discriminants, probes, dimensions), "
                f"is that of {count(drawn.width)} orthogonal directions drawn with "
                f"seed {drawn.seed}; class means, variances and dead units are those "
                "of the units themselves, and duplicate units are not looked for.",
                evidence={
                    "layer": layer.name,
                    "units": drawn.units,
                    "width": drawn.width,
                    "seed": drawn.seed,
                },
                certainty="counted",
            )


def fast(study: Study) -> Iterator[Finding]:
    """Say how wrong sums taken in single precision are."""
    found = [layer for layer in study if layer.moments.fast_error is not None]
    if found:
        worst = max(found, key=lambda layer: layer.moments.rounding)
        measured = worst.moments.rounding
        bound = max(layer.moments.rounding_bound for layer in found)
        always = f", nor, whatever the data, by more than {number(bound)}"
        yield Finding(
            kind="fast",
            text="Products were taken in single precision: no entry of a layer's "
            f"scatter is wrong by more than {number(measured)} of the largest, as "
            f"measured on one block in 64 ({worst.name}, the worst)"
            f"{always if isfinite(bound) else ''}.",
            evidence={"layer": worst.name, "measured": measured, "bound": bound},
            certainty="measured",
        )
