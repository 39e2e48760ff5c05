"""What scikit-learn's parameters mean here: network, optimiser, schedule, bounds."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from layerwise.arrays import Tree, tree_map
from layerwise.data import fit_scaling
from layerwise.errors import InputError
from layerwise.model import MLP, Network
from layerwise.names import AUTO
from layerwise.training import ENGINES, SCHEDULES, Adam, Momentum, Optimiser, Schedule

LARGEST_BATCH = 200
"""Samples in a batch where ``batch_size`` is "auto", and there are as many."""

SGD_RATES = ("invscaling", "adaptive")
"""Learning rates that "sgd" alone follows; for the others they are constant."""


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, Integral) and int(v) >= least


def _real(
    least: float = 0.0, most: float = math.inf, *, open_at: float = math.nan
) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, Real) and least <= float(v) <= most and v != open_at


_ENGINES = [AUTO, *(name for name, kind in ENGINES.items() if kind.by_hand)]

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "engine": (
        lambda v: v in _ENGINES,
        f"{', '.join(map(repr, _ENGINES[:-1]))} or {_ENGINES[-1]!r}",
    ),
    "solver": (
        lambda v: isinstance(v, str) and v in ("adam", "sgd", "lbfgs"),
        "'adam', 'sgd' or 'lbfgs'",
    ),
    "alpha": (_real(), "a number of 0 or more"),
    "batch_size": (
        lambda v: (isinstance(v, str) and v == "auto") or _whole(1)(v),
        "'auto' or a whole number of 1 or more",
    ),
    "learning_rate": (
        lambda v: isinstance(v, str) and v in (*SGD_RATES, *SCHEDULES),
        f"{', '.join(map(repr, SGD_RATES))} or one of "
        f"{', '.join(map(repr, SCHEDULES))}",
    ),
    "learning_rate_init": (_real(open_at=0.0), "a number above 0"),
    "power_t": (_real(), "a number of 0 or more"),
    "max_iter": (_whole(1), "a whole number of 1 or more"),
    "tol": (_real(), "a number of 0 or more"),
    "momentum": (_real(most=1.0), "a number from 0 to 1"),
    "validation_fraction": (_real(0.0, 1.0, open_at=1.0), "a number from 0, below 1"),
    "beta_1": (_real(0.0, 1.0, open_at=1.0), "a number from 0, below 1"),
    "beta_2": (_real(0.0, 1.0, open_at=1.0), "a number from 0, below 1"),
    "epsilon": (_real(open_at=0.0), "a number above 0"),
    "n_iter_no_change": (
        lambda v: _whole(1)(v) or v == math.inf,
        "a whole number of 1 or more, or infinity",
    ),
    "max_fun": (_whole(1), "a whole number of 1 or more"),
}


def checked_settings(settings: Mapping[str, Any]) -> None:
    """Raise an ``InputError`` that names the first setting out of its range."""
    for name, (holds, words) in _RULES.items():
        if not holds(settings[name]):
            raise InputError(f"{name} is {settings[name]!r}: give {words}")


def checked_weights(
    sample_weight: Any, samples: int, dtype: np.dtype
) -> np.ndarray | None:
    """Return the weights as an array of one number of 0 or more for each sample."""
    if sample_weight is None:
        return None
    weights: Any = check_array(
        sample_weight,
        ensure_2d=False,
        dtype=dtype,  # pyright: ignore[reportArgumentType]
        input_name="sample_weight",
    )
    if weights.ndim == 0:
        weights = np.full(samples, weights)
    if weights.shape != (samples,):
        raise InputError(
            f"sample_weight has shape {weights.shape}: give one for each of the "
            f"{samples} samples"
        )
    if weights.min() < 0 or not weights.any():
        raise InputError(
            "sample weights must not be negative, and must contain at least one "
            "non-zero number"
        )
    return weights


def initial_parameters(
    widths: tuple[int, ...], activation: str, rng: np.random.RandomState
) -> Tree:
    """Draw a network's parameters as scikit-learn does, in the same order.

    Uniform within ±√(6 / (fan_in + fan_out)), for the logistic function ±√(2 / …),
    weights and biases alike (Glorot and Bengio 2010, equation 16).
    """
    factor = 2.0 if activation == "logistic" else 6.0
    blocks: list[Tree] = []
    for fan_in, units in pairwise(widths):
        bound = np.sqrt(factor / (fan_in + units))
        weights = rng.uniform(-bound, bound, (fan_in, units))
        linear = {"W": weights, "b": rng.uniform(-bound, bound, units)}
        blocks.append((linear, {}))
    return (*blocks[:-1], blocks[-1][:1])


def untrained_network(
    settings: Mapping[str, Any],
    loss: str,
    inputs: np.ndarray,
    output_names: tuple[str, ...],
    rng: np.random.RandomState,
) -> Network:
    """Return the network that the settings mean for these inputs, freshly drawn."""
    sizes = settings["hidden_layer_sizes"]
    hidden = (int(sizes),) if isinstance(sizes, Integral) else tuple(sizes)
    chosen = settings["activation"]
    activation = "sigmoid" if chosen == "logistic" else chosen
    architecture = MLP(hidden, activation, "glorot", loss)
    widths = (inputs.shape[1], *architecture.hidden, len(output_names))
    drawn = initial_parameters(widths, chosen, rng)
    return Network(
        architecture=architecture,
        parameters=tree_map(lambda leaf: leaf.astype(inputs.dtype), drawn),
        shape=inputs.shape[1:],
        class_names=output_names,
        scaling=fit_scaling(inputs, "none"),
    )


def optimiser_of(settings: Mapping[str, Any]) -> Optimiser:
    """Return the optimiser that ``solver`` and its parameters mean."""
    if settings["solver"] == "adam":
        return Adam(
            float(settings["beta_1"]),
            float(settings["beta_2"]),
            float(settings["epsilon"]),
            raw_epsilon=True,
        )
    return Momentum(
        float(settings["momentum"]), nesterov=bool(settings["nesterovs_momentum"])
    )


def schedule_of(
    settings: Mapping[str, Any], samples: int, steps_per_epoch: int, seen: int = 0
) -> Schedule:
    """Return the schedule that ``learning_rate`` and its parameters mean.

    ``seen`` counts the samples of trainings that this one goes on with.
    """
    name = settings["learning_rate"]
    if name in SCHEDULES:
        return SCHEDULES[name]
    if name == "adaptive" or settings["solver"] == "adam":
        return SCHEDULES["constant"]

    def inverse_power(steps: np.ndarray, total: int) -> np.ndarray:
        del total
        before = seen + steps // steps_per_epoch * samples
        return (before + 1.0) ** -settings["power_t"]

    return inverse_power
