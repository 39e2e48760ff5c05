"""Draw the tutorial's figure of the exploding network: python docs/made_health.py."""

from pathlib import Path

import layerwise as lw
from layerwise.presentation import spread_by_layer

PICTURE = Path(__file__).parent / "pictures" / "moons-spread.png"


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
