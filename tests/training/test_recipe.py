"""Recipes: defaults by size, and settings that are refused."""

from dataclasses import asdict

import pytest

from layerwise.errors import InputError
from layerwise.training import Recipe


@pytest.mark.parametrize(
    ("samples", "epochs", "batch_size"),
    [(9999, 40, 32), (10_000, 10, 128), (20, 40, 20)],
)
def test_defaults_follow_the_number_of_samples(samples, epochs, batch_size):
    resolved = Recipe().resolved(samples)
    assert (resolved.epochs, resolved.batch_size) == (epochs, batch_size)
    assert resolved.learning_rate == 3e-3


def test_what_is_set_stays():
    chosen = Recipe(epochs=3, batch_size=7, learning_rate=0.5, optimizer="sgd", seed=9)
    assert asdict(chosen.resolved(100_000)) == asdict(chosen)
    assert chosen.resolved(5).batch_size == 5


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [("sgd", 0.05), ("momentum", 0.02), ("adam", 3e-3), ("adamw", 3e-3)],
)
def test_every_optimiser_has_a_rate_of_its_own(optimizer, rate):
    assert Recipe(optimizer=optimizer).resolved(100).learning_rate == rate


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "lion"}, "optimizer 'lion' is unknown; choose of sgd, "),
        ({"schedule": "step"}, "schedule 'step' is unknown; choose of constant, "),
        ({"engine": "steam"}, "engine 'steam' is unknown; choose of auto, "),
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"epochs": "3"}, "epochs must be a whole number, not '3'"),
        ({"batch_size": 2.5}, "batch_size must be a whole number, not 2.5"),
        ({"seed": None}, "seed must be a whole number, not None"),
        ({"batch_size": -2}, "batch_size must be at least 1, not -2"),
        ({"patience": 0}, "patience must be at least 1, not 0"),
        ({"seed": -1}, "seed must not be negative, it is -1"),
        ({"snapshots": -1}, "snapshots must not be negative, it is -1"),
        ({"evaluate_every": -1}, "evaluate_every must not be negative, it is -1"),
        ({"patience": 3, "evaluate_every": 0}, "patience looks at evaluations on the"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, not 0.0"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive number, not -1.0"),
        ({"learning_rate": float("nan")}, "a positive number, not nan"),
        ({"learning_rate": float("inf")}, "a positive number, not inf"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_wrong_settings_are_one_line(settings, words):
    with pytest.raises(InputError) as caught:
        Recipe(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
