"""Draws the pictures of docs/plots.md: python docs/make_plots.py."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import layerwise as lw
from layerwise.experiment import Plan, axis, open_sweep, run_sweep
from layerwise.presentation.figures import written
from layerwise.study import inspect_inputs
from layerwise.sweeps import Sweep

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    """Train on digits and moons, and draw everything that can be drawn."""
    digits = lw.load("digits")
    result = lw.fit(lw.MLP([32, 32, 32]), digits, epochs=20)
    study = lw.inspect(result.network, digits, snapshots=result.snapshots)
    inputs = inspect_inputs(digits, digits.test, study=study)
    moons = lw.load("moons")
    trained = lw.fit(lw.MLP([16, 16]), moons)
    drawn = {
        "layers": lw.plot.layers(study),
        "probes": lw.plot.probes(study),
        "measures": lw.plot.measures(study),
        "pairs": lw.plot.pairs(study),
        "epochs": lw.plot.epochs(study),
        "similarity": lw.plot.similarity(study),
        "confusion": lw.plot.confusion(study),
        "mistakes": lw.plot.mistakes(study),
        "reliability": lw.plot.reliability(study),
        "suspects": lw.plot.suspects(study),
        "training": lw.plot.training(result),
        "health": lw.plot.health(result),
        "regions": lw.plot.regions(trained.network, moons.test),
        "samples": lw.plot.samples(digits),
        "components": lw.plot.components(inputs),
        "inputs": lw.plot.inputs(inputs),
        "phases": lw.plot.phases(_sweep()),
    }
    for name, drawing in drawn.items():
        picture = Image.open(io.BytesIO(written(drawing))).convert("RGB")
        few = picture.quantize(64, dither=Image.Dither.NONE)
        few.save(PICTURES / f"plot-{name}.png", optimize=True)


def _sweep() -> Sweep:
    axes = [axis("depth=1..8"), axis("learning-rate=0.01,0.1,1,10")]
    recipe = lw.Recipe(epochs=5, optimizer="sgd")
    plan = Plan("moons", architecture=lw.MLP([8]), recipe=recipe)
    with (
        TemporaryDirectory() as folder,
        open_sweep(plan, axes, f"{folder}/sweep") as run,
    ):
        return run_sweep(run, 1, lambda *_: None)


if __name__ == "__main__":
    main()
