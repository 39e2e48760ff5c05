"""A training's settings and data together, and how a remedy changes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from layerwise.data import Dataset, Samples
from layerwise.model import LOSSES, MLP, Architecture, Layer, Linear, Loss, Sequential
from layerwise.training import Optimiser, Recipe

if TYPE_CHECKING:
    from layerwise.modules import TorchModule


@dataclass(frozen=True, eq=False)
class Setup:
    """All that decides what a training comes to.

    Parameters
    ----------
    architecture : Architecture or TorchModule
    data : Dataset
    recipe : Recipe
    optimiser : Optimiser, optional
        One of the user's own, instead of the recipe's.
    """

    architecture: "Architecture | TorchModule"
    data: Dataset
    recipe: Recipe
    optimiser: Optimiser | None = None

    def possible(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a change can be made and makes a difference.

        A torch module is its owner's; and a rate that is named may be the default.
        """
        fixed = _names(MLP) - {"loss"}
        given = not isinstance(self.architecture, Architecture)
        can = {k: v for k, v in change.items() if not (given and k in fixed)}
        before, after = self._settings(), self.changed(can)._settings()
        return {
            k: v for k, v in can.items() if k not in before or before[k] != after[k]
        }

    def _settings(self) -> dict[str, Any]:
        """Return the settings by name, every default filled in."""
        ours = self.architecture
        settings = vars(ours) if isinstance(ours, MLP) else {}
        return settings | vars(self.recipe.resolved(len(self.data.train)))

    def changed(self, change: Mapping[str, Any]) -> "Setup":
        """Return the setup with a remedy's change made."""
        recipe = {k: v for k, v in change.items() if k in _names(Recipe)}
        return Setup(
            _rebuilt(self.architecture, change),
            _changed(self.data, change),
            replace(self.recipe, **recipe),
            change.get("optimiser", self.optimiser),
        )


def _names(record: type) -> set[str]:
    return {f.name for f in fields(record)}


def _changed(data: Dataset, change: Mapping[str, Any]) -> Dataset:
    """Return the data set with the changes that name it."""
    if "scaling" in change:
        data = replace(data, scaling=change["scaling"])
    if "roll_labels" in change:
        rolled = np.roll(data.train.targets, change["roll_labels"])
        data = replace(data, train=replace(data.train, targets=rolled))
    if "roll_source" in change:
        data = _rolled(data, change["roll_source"])
    if "missing" in change:
        codes = change["missing"]
        data = _in_all(data, lambda samples: _without(samples, codes))
    if "inputs" in change or "missing" in change:
        means = _finite_means(data.train.inputs)
        data = _in_all(data, lambda samples: _filled(samples, means))
    return data


def _in_all(data: Dataset, change: Callable[[Samples], Samples]) -> Dataset:
    train, validation, test = map(change, (data.train, data.validation, data.test))
    return replace(data, train=train, validation=validation, test=test)


def _rolled(data: Dataset, rows: int) -> Dataset:
    """Move the labels of all rows of the source that the sets were drawn from."""
    names = drawn_from_one(data)
    sets = {name: getattr(data, name) for name in names}
    moved = np.roll(labels_by_row(list(sets.values())), rows)
    changed = {
        name: replace(one, targets=moved[np.asarray(one.where.places)])
        for name, one in sets.items()
    }
    return replace(data, **changed)


def drawn_from_one(data: Dataset) -> tuple[str, ...]:
    """Return the sets that are all rows of one source: three, two, or training alone.

    A test set that was given apart has rows of its own.
    """
    for names in (("train", "validation", "test"), ("train", "validation")):
        places = _places([getattr(data, name) for name in names])
        if np.array_equal(np.sort(places), np.arange(len(places))):
            return names
    return ("train",)


UNKNOWN = -1
"""The label of a row that is in none of the sets."""


def labels_by_row(sets: Sequence[Samples]) -> Int[np.ndarray, " rows"]:
    """Return the label of every row of the source, ``UNKNOWN`` where no set has it."""
    places = _places(sets)
    labels = np.full(int(places.max()) + 1, UNKNOWN)
    labels[places] = np.concatenate([one.targets for one in sets])
    return labels


def _places(sets: Sequence[Samples]) -> Int[np.ndarray, " samples"]:
    return np.concatenate([np.asarray(one.where.places, np.int64) for one in sets])


def _without(samples: Samples, codes: Sequence[tuple[int, float]]) -> Samples:
    """Put NaN where a feature has the code for a missing value."""
    real = samples.inputs.dtype.kind == "f"
    inputs = samples.inputs.astype(samples.inputs.dtype if real else np.float64)
    for feature, value in codes:
        column = inputs[:, feature]
        column[column == value] = np.nan
    return replace(samples, inputs=inputs)


def _finite_means(inputs: np.ndarray) -> np.ndarray:
    finite = np.isfinite(inputs)
    total = np.where(finite, inputs, 0).sum(axis=0, dtype=np.float64)
    return total / np.maximum(finite.sum(axis=0), 1)


def _filled(samples: Samples, means: np.ndarray) -> Samples:
    inputs = samples.inputs
    filled = np.where(np.isfinite(inputs), inputs, means.astype(inputs.dtype))
    return replace(samples, inputs=filled)


def _rebuilt(
    architecture: "Architecture | TorchModule", change: Mapping[str, Any]
) -> "Architecture | TorchModule":
    ours = isinstance(architecture, Architecture)
    known = _names(MLP) if ours else {"loss", "scaling"}
    own = {k: v for k, v in change.items() if k in known}
    if not own:
        return architecture
    if ours and not isinstance(architecture, MLP):
        return Rebuilt(architecture, own.get("init"), own.get("loss"))
    return replace(architecture, **own)


@dataclass(frozen=True)
class Rebuilt:
    """An architecture of the user's own with other first weights, or another loss.

    ``init`` is how every affine map's weights are drawn; their biases begin at zero.
    """

    architecture: Architecture
    init: str | None = None
    loss: str | None = None

    def build(self, inputs: int, outputs: int) -> Sequential:
        """Return the blocks, their affine maps drawn anew."""
        built = self.architecture.build(inputs, outputs)
        return built if self.init is None else _redrawn(built, self.init)

    def loss_function(self) -> Loss:
        """Return the loss."""
        if self.loss is None:
            return self.architecture.loss_function()
        return LOSSES[self.loss]


def _redrawn(layer: Any, init: str) -> Any:
    if isinstance(layer, Linear):
        return Linear(layer.units, init)
    parts: dict[str, Any] = {}
    for name in (f.name for f in fields(layer)):
        value = getattr(layer, name)
        if isinstance(value, tuple):
            parts[name] = tuple(_redrawn(v, init) for v in value)
        elif isinstance(value, Layer):
            parts[name] = _redrawn(value, init)
    return replace(layer, **parts)
