"""What many trainings came to: outcomes, the choice, and the phase diagram."""

import math
from dataclasses import replace
from itertools import product

import pytest

from layerwise.sweeps import Axis, Sweep, SweepPoint

GOOD = SweepPoint(
    settings={},
    status="finished",
    chance=0.5,
    steps=10,
    epochs=2,
    train_loss=0.1,
    train_accuracy=0.95,
    validation_loss=0.2,
    validation_accuracy=0.9,
    seconds=1.0,
)
AXES = (Axis("depth", (1, 2)), Axis("init", ("he", "normal")), Axis("seed", (0, 1)))


def sweep_of(changes: dict[tuple, dict]) -> Sweep:
    """All trainings of the grid, good but for these changes by settings."""
    grid = list(product(*(axis.values for axis in AXES)))
    names = [axis.name for axis in AXES]
    points = (
        replace(
            GOOD,
            settings=dict(zip(names, place, strict=True)),
            **changes.get(place, {}),
        )
        for place in grid
    )
    return Sweep("moons", AXES, tuple(points))


DIVERGED = {
    "status": "diverged",
    "train_accuracy": math.nan,
    "validation_accuracy": 0.3,
    "validation_loss": math.nan,
}


class TestOutcomes:
    @pytest.mark.parametrize(
        ("chance", "accuracy", "outcome"),
        [
            (0.5, 0.75, "works"),
            (0.5, 0.7499, "stalls"),
            (0.1, 0.55, "works"),
            (0.1, 0.549, "stalls"),
        ],
    )
    def test_half_the_way_from_chance(self, chance, accuracy, outcome):
        point = replace(GOOD, chance=chance, train_accuracy=accuracy)
        assert point.outcome == outcome

    def test_not_finite(self):
        assert replace(GOOD, **DIVERGED).outcome == "diverges"
        assert replace(GOOD, status="diverged").outcome == "diverges"


class TestGrid:
    def test_what_is_missing(self):
        sweep = sweep_of({})
        assert len(sweep) == 8
        assert sweep.missing() == []
        cut = replace(sweep, points=sweep.points[1:7])
        assert cut.missing() == [
            {"depth": 1, "init": "he", "seed": 0},
            {"depth": 2, "init": "normal", "seed": 1},
        ]


class TestChoice:
    def test_the_greatest_mean_over_the_seeds(self):
        """Not the greatest of all: one lucky seed is no choice."""
        sweep = sweep_of(
            {
                (1, "he", 0): {"validation_accuracy": 1.0},
                (1, "he", 1): {"validation_accuracy": 0.7},
                (2, "he", 0): {"validation_accuracy": 0.92, "validation_loss": 0.15},
                (2, "he", 1): {"validation_accuracy": 0.94},
            }
        )
        assert sweep.best().settings == {"depth": 2, "init": "he", "seed": 0}

    def test_then_the_least_loss(self):
        sweep = sweep_of({(2, "normal", 1): {"validation_loss": 0.1}})
        assert sweep.best().settings == {"depth": 2, "init": "normal", "seed": 1}

    def test_none_of_which_a_seed_diverged(self):
        best = {"validation_accuracy": 1.0}
        sweep = sweep_of({(1, "he", 0): best, (1, "he", 1): DIVERGED})
        assert sweep.best().settings["depth"] == 1
        assert sweep.best().settings["init"] == "normal"

    def test_unless_all_have_one(self):
        places = product((1, 2), ("he", "normal"))
        sweep = sweep_of({(depth, init, 1): DIVERGED for depth, init in places})
        assert sweep.best().settings == {"depth": 1, "init": "he", "seed": 0}

    def test_none_where_all_diverged(self):
        grid = product(*(axis.values for axis in AXES))
        assert sweep_of(dict.fromkeys(grid, DIVERGED)).best() is None
        assert Sweep("moons", AXES).best() is None


class TestPhases:
    def test_the_first_two_axes_that_are_choices(self):
        sweep = sweep_of(
            {
                (1, "he", 0): {"train_accuracy": 0.6, "validation_accuracy": 0.5},
                (2, "normal", 0): DIVERGED,
                (2, "normal", 1): DIVERGED,
                (2, "he", 1): DIVERGED,
            }
        )
        diagram = sweep.phases()
        assert (diagram.columns.name, diagram.rows.name) == ("depth", "init")
        assert [axis.name for axis in diagram.others] == ["seed"]
        assert [*diagram.cells] == [(0, 0), (0, 1), (1, 0), (1, 1)]
        cells = [*diagram.cells.values()]
        counts = [tuple(phase.counts.values()) for phase in cells]
        assert [*cells[0].counts] == ["works", "stalls", "diverges"]
        assert counts == [(1, 1, 0), (1, 0, 1), (2, 0, 0), (0, 0, 2)]
        accuracies = [phase.validation_accuracy for phase in cells]
        assert accuracies[:3] == [0.7, 0.9, 0.9]
        assert math.isnan(accuracies[3])

    def test_the_best_training_of_a_place(self):
        ahead = {"validation_loss": 0.01}
        sweep = sweep_of(
            {
                (1, "he", 1): ahead,
                (2, "he", 0): DIVERGED,
                (2, "normal", 0): DIVERGED,
                (2, "normal", 1): DIVERGED,
            }
        )
        he1, he2, _, normal2 = sweep.phases().cells.values()
        assert he1.best.settings["seed"] == 1
        assert he2.best.settings["seed"] == 1
        assert normal2.best.outcome == "diverges"

    def test_one_axis_is_one_row(self):
        sweep = Sweep("x", AXES[2:], ())
        assert sweep.phases().columns.name == "seed"
        assert sweep.phases().rows is None
        sweep = Sweep("x", (AXES[2], AXES[0]), ())
        assert sweep.phases().columns.name == "depth"
        assert sweep.phases().rows is None
        assert [*sweep.phases().cells] == [(0, 0), (0, 1)]
