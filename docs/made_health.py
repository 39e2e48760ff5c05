"""Draw the tutorial's figure of the exploding network: python docs/made_health.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import layerwise as lw
from layerwise.presentation.figures._style import (
    ACCENT,
    INK,
    log_ticks,
    new_figure,
    styled,
)
from layerwise.training import Health

if TYPE_CHECKING:
    import matplotlib.figure

PICTURE = Path(__file__).parent / "pictures" / "moons-spread.png"

COLOURS = ("#bd1f01", ACCENT, INK)


@styled()
def spread_by_layer(
    records: Mapping[str, Health], names: Sequence[str]
) -> "matplotlib.figure.Figure":
    """Draw the size of every layer's outputs before the first step, on a log scale.

    Parameters
    ----------
    records : mapping of str to Health
        What to compare, by what to call it, of networks with layers of these names.
    names : sequence of str
    """
    figure = new_figure(5.6, 2.9)
    ax = figure.subplots()
    places = np.arange(len(names))
    for (label, record), colour in zip(records.items(), COLOURS, strict=False):
        sizes = [layer.root_mean_square for layer in record.layers]
        ax.plot(places, sizes, "o-", color=colour, markersize=4, label=label)
    ax.set_xticks(places, names, rotation=30, ha="right")
    ax.set_ylabel("size of outputs (root mean square)")
    log_ticks(ax)
    ax.legend(loc="upper left")
    return figure


def main() -> None:
    """Take the first record of both networks, and draw them side by side."""
    data = lw.load("moons")
    records = {}
    for label, init in (("N(0, 1)", "normal"), ("He", "he")):
        result = lw.fit(
            lw.MLP([30] * 8, init=init),
            data,
            epochs=1,
            optimizer="sgd",
            learning_rate=0.05,
            schedule="constant",
            engine="eager",
        )
        records[label] = result.history.records[0]
    spread_by_layer(records, result.network.layer_names).savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
