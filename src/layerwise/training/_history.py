"""What is kept of a training: losses, epochs, the health of layers, networks."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import msgspec
import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, leaves, namespace
from layerwise.model import Batch, LossAndGradients, Sequential, TrainedNetwork, slopes

if TYPE_CHECKING:
    import pandas as pd

HEALTH_EVERY = 40
"""Global steps from one record to the next: in every step it would cost up to half."""

SATURATED = 0.05
"""An entry whose slope is below this passes less than a twentieth of its gradient:
tanh beyond 2.2, the logistic function beyond 2.9, a ReLU that is off."""

SILENT = 1e-3
"""A unit whose slope stays below this for all samples cannot learn from any of them."""


class LayerHealth(NamedTuple):
    """How one layer fares in one step.

    Parameters
    ----------
    gradient_norm, weight_norm : float
        Of all its parameters together, before the step's update.
    update_ratio : float
        The norm of the update by that of the weights.
    mean, spread : float
        Mean and standard deviation of its outputs, over samples and units.
    variation : float
        The root mean square, over the units, of a unit's standard deviation over the
        samples: what is left of the differences between samples.
    saturated : float
        Share of its activation's entries, 0 to 1, that pass less than a twentieth of
        the gradient.
    silent : float
        Share of its units, 0 to 1, that pass none for any sample of the batch.
    """

    gradient_norm: float
    weight_norm: float
    update_ratio: float
    mean: float
    spread: float
    variation: float
    saturated: float
    silent: float

    @property
    def root_mean_square(self) -> float:
        """The size of its outputs, √(mean² + spread²)."""
        return float(np.hypot(self.mean, self.spread))


@dataclass(frozen=True)
class Health:
    """How every layer fares in one step.

    Parameters
    ----------
    step : int
        Updates done before it.
    layers : tuple of LayerHealth
        In forward order, the output last.
    """

    step: int
    layers: tuple[LayerHealth, ...]


def no_health(
    records: int, layers: int, dtype: np.dtype
) -> Float[np.ndarray, "records layers measures"]:
    """Return so many records of zeros."""
    return np.zeros((records, layers, len(LayerHealth._fields)), dtype)


def health_of_step(
    layer: Sequential, batch: Batch, found: LossAndGradients, before: Tree, after: Tree
) -> Float[Array, "layers measures"]:
    """Return the health of every layer in a step; samples without weight do not count.

    ``before`` and ``after`` are the parameters before and after the update.
    """
    xp = namespace(found.loss)
    share = batch.weights / xp.sum(batch.weights)
    pairs = zip(leaves(after), leaves(before), strict=True)
    weights = _norms(before, leaves(before), xp)
    updates = _norms(before, [new - old for new, old in pairs], xp)
    safe = xp.where(weights > 0, weights, xp.ones_like(weights))
    blocks = zip(layer.layers, found.traces, found.activations, strict=True)
    activations = [*found.activations]
    # A block without an activation passes everything: its slope is 1.
    passed = [next(slopes(b, trace), xp.ones_like(y)) for b, trace, y in blocks]
    gradients = _norms(before, leaves(found.gradients), xp)
    rows = [gradients, weights, updates / safe]
    of_outputs = _by_shape(activations, lambda y: statistics_of_outputs(y, share))
    of_slopes = _by_shape(passed, lambda s: statistics_of_slopes(s, share))
    return xp.concat([xp.stack(rows), of_outputs, of_slopes]).T


def statistics_of_outputs(
    outputs: Float[Array, "layers batch units"],
    share: Float[Array, " batch"],
    summed: Callable[[Array], Array] = lambda array: array,
) -> Float[Array, "measures layers"]:
    """Return mean, spread and variation of layers' outputs, as `LayerHealth` has them.

    The same lines run in NumPy, inside a compiled program, and on what was watched of a
    torch module. ``share`` is how much each sample counts, together 1 over all
    processes, and ``summed`` adds arrays over the processes that have a part of the
    batch each.
    """
    xp = namespace(outputs)
    of_units = summed(_over_batch(outputs, share))
    mean = xp.mean(of_units, axis=1)
    within = summed(_over_batch((outputs - of_units[:, None, :]) ** 2, share))
    variation = xp.mean(within, axis=1)
    # The law of total variance: within the units, and between their means.
    spread = variation + xp.mean((of_units - mean[:, None]) ** 2, axis=1)
    return xp.stack([mean, xp.sqrt(spread), xp.sqrt(variation)])


def statistics_of_slopes(
    found: Float[Array, "layers batch units"],
    share: Float[Array, " batch"],
    summed: Callable[[Array], Array] = lambda array: array,
) -> Float[Array, "measures layers"]:
    """Return which parts of layers are saturated and silent, as `LayerHealth` has them.

    Parameters are those of `statistics_of_outputs`, but for the slopes of activations.
    """
    xp = namespace(found)
    sizes = xp.abs(found)
    off = _over_batch(xp.astype(sizes < SATURATED, found.dtype), share)
    saturated = xp.mean(off, axis=1)
    passes = ~(sizes < SILENT) & (share[:, None] > 0)
    passing = summed(xp.sum(xp.astype(passes, found.dtype), axis=1))
    silent = xp.mean(xp.astype(passing == 0, found.dtype), axis=1)
    return xp.stack([summed(saturated), silent])


def _over_batch(
    values: Float[Array, "layers batch units"], share: Float[Array, " batch"]
) -> Float[Array, "layers units"]:
    """Return each unit's mean over the samples that count.

    As a matrix product it would take longer to compile than to compute.
    """
    xp = namespace(values)
    return xp.sum(values * share[:, None], axis=1)


def silent_shares(blocks: Iterable[Sequence[Array]]) -> tuple[float, ...]:
    """Return the share of each layer's units whose slope is near 0 in every block.

    Of each block its `greatest_slopes`.
    """
    greatest = [np.max(of_layer, axis=0) for of_layer in zip(*blocks, strict=True)]
    return tuple(float(np.mean(s < SILENT)) if s.size else 0.0 for s in greatest)


def _by_shape(
    arrays: Sequence[Array], function: Callable[[Array], Array]
) -> Float[Array, "measures arrays"]:
    """Apply ``function`` to arrays of equal shape together; it returns a column each.

    A hundred layers of one width then cost the compiler a handful of operations.
    """
    xp = namespace(*arrays)
    shapes = sorted({array.shape for array in arrays})
    places = [[i for i, a in enumerate(arrays) if a.shape == s] for s in shapes]
    found = [function(xp.stack([arrays[i] for i in group])) for group in places]
    back = np.argsort(np.concatenate(places))
    return xp.take(xp.concat(found, axis=1), xp.asarray(back), axis=1)


def _norms(tree: Tree, arrays: Sequence[Array], xp: Any) -> Float[Array, " layers"]:
    """Return the norm, over each layer of ``tree``, of the arrays like its leaves."""
    counts = [len(leaves(branch)) for branch in tree]
    flat = [xp.reshape(array, (-1,)) for array in arrays]
    squares = _by_shape(flat, lambda a: xp.sum(a * a, axis=1)[None])[0]
    padded = xp.concat([squares, xp.zeros_like(squares[:1])])
    of_layers = np.full((len(counts), max(counts)), len(arrays))
    ends = np.cumsum(counts)
    for row, (end, count) in enumerate(zip(ends, counts, strict=True)):
        of_layers[row, :count] = np.arange(end - count, end)
    taken = xp.take(padded, xp.asarray(of_layers.ravel()))
    return xp.sqrt(xp.sum(xp.reshape(taken, of_layers.shape), axis=1))


def greatest_slopes(
    layer: Sequential, traces: Tree, counted: Array
) -> tuple[Array, ...]:
    """Return each activation's greatest slope for every unit, over samples that count.

    In forward order; a block without an activation has none, and adds an empty array.
    """
    xp = namespace(counted)
    found: list[Array] = []
    for block, trace in zip(layer.layers, traces, strict=True):
        own = [xp.reshape(xp.abs(s), (s.shape[0], -1)) for s in slopes(block, trace)]
        kept = [s * xp.astype(counted[:, None], s.dtype) for s in own]
        units = [xp.max(s, axis=0) for s in kept]
        found.append(xp.concat(units) if units else xp.zeros(0))
    return tuple(found)


@dataclass(frozen=True)
class Epoch:
    """The figures at the end of one epoch, each sample counted once.

    Those of the validation set are over all of it. Those of the training set are over
    all of it where the training ends, by its number of epochs or without a lower
    validation loss; before, over 10,000 samples, evenly from all, where it has more.

    Parameters
    ----------
    epoch, step : int
        Epochs and steps done by then.
    seconds : float
        Time since the training began, evaluation included.
    train_loss, validation_loss : float
        Mean loss per sample, in nats for the cross-entropies.
    train_accuracy, validation_accuracy : float
        Share of samples classified right, 0 to 1.
    dead : tuple of float
        For every layer, the share of units, 0 to 1, that passed no gradient for any of
        the training samples, or of the same 10,000 of them throughout.
    """

    epoch: int
    step: int
    seconds: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    dead: tuple[float, ...] = ()


class _Row(TypedDict):
    """What a line of ``history.csv`` holds of a step."""

    step: int
    loss: float
    accuracy: float


def _csv(header: list[str], rows: Iterable[list[Any]]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue()


def _none() -> np.ndarray:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class History:
    """Every step's loss and batch accuracy, and every epoch's figures.

    Parameters
    ----------
    losses, accuracies : arrays, shape (steps,)
        The batch's mean loss and accuracy, before the step's update. Where training
        diverged the last loss is the one that is not finite.
    epochs : tuple of Epoch
        The figures after each epoch that was evaluated.
    health : array, shape (records, layers, measures)
        What `LayerHealth` names, of every layer at the steps 0, 40, 80, …; the form
        in which it is saved. `records` has it by name.
    """

    losses: Float[np.ndarray, " steps"] = field(default_factory=_none)
    accuracies: Float[np.ndarray, " steps"] = field(default_factory=_none)
    epochs: tuple[Epoch, ...] = ()
    health: Float[np.ndarray, "records layers measures"] = field(
        default_factory=lambda: no_health(0, 0, np.dtype(np.float32))
    )

    def __repr__(self) -> str:
        return f"History(steps={len(self.losses)}, epochs={len(self.epochs)})"

    @property
    def records(self) -> tuple[Health, ...]:
        """The health of every layer, record by record."""
        return tuple(
            Health(
                number * HEALTH_EVERY,
                tuple(LayerHealth(*map(float, layer)) for layer in layers),
            )
            for number, layers in enumerate(self.health)
        )

    def health_csv(self, names: Sequence[str]) -> str:
        """Return one row for each record and layer; the layers' names are given."""
        return _csv(
            ["step", "layer", *LayerHealth._fields],
            (
                [record.step, name, *map(np.float32, layer)]
                for record in self.records
                for name, layer in zip(names, record.layers, strict=True)
            ),
        )

    @property
    def diverged(self) -> bool:
        """Whether the last loss is not finite."""
        return len(self.losses) > 0 and not np.isfinite(self.losses[-1])

    def to_csv(self) -> str:
        """Return one row for each step; the epoch's figures stand in its last row."""
        names = [f.name for f in fields(Epoch) if f.name not in ("step", "dead")]
        ends = {epoch.step: asdict(epoch) for epoch in self.epochs}
        steps = zip(self.losses, self.accuracies, strict=True)
        return _csv(
            ["step", "loss", "accuracy", *names],
            (
                [step, *of_step, *(ends.get(step, {}).get(name, "") for name in names)]
                for step, of_step in enumerate(steps, 1)
            ),
        )

    @classmethod
    def from_csv(cls, text: str) -> "History":
        """Return the history that `to_csv` wrote: without health and dead units.

        Raises
        ------
        ValueError
            If the text is not such a table, or its last line is cut off.
        """
        table = csv.DictReader(io.StringIO(text))
        steps: list[_Row] = []
        epochs: list[Epoch] = []
        try:
            for number, row in enumerate(table, 1):
                steps.append(msgspec.convert(row, _Row, strict=False))
                if steps[-1]["step"] != number:
                    raise ValueError(f"step {row['step']}")
                if row["epoch"]:
                    epochs.append(msgspec.convert(row, Epoch, strict=False))
        except (KeyError, ValueError, csv.Error) as error:
            raise ValueError(f"line {table.line_num}: {error}") from error
        if not text.endswith("\n"):
            raise ValueError(f"line {table.line_num} is cut off")
        with np.errstate(over="ignore"):
            losses, accuracies = (
                np.array([row[name] for row in steps]).astype(np.float32)
                for name in ("loss", "accuracy")
            )
        return cls(losses, accuracies, tuple(epochs))

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows of ``to_csv`` as a frame; needs pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "History.to_pandas needs pandas: pip install 'layerwise[pandas]'"
            ) from error
        return pd.read_csv(io.StringIO(self.to_csv()))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network as it stood at the end of an epoch.

    Parameters
    ----------
    epoch : int
        Epochs done by then; 0 is the untrained network.
    network : TrainedNetwork
        Predicts like any other.
    """

    epoch: int
    network: TrainedNetwork


@cache
def snapshot_epochs(epochs: int, count: int) -> tuple[int, ...]:
    """Return the epochs after which a network is kept, of a training with so many.

    0 is the untrained network. Then come ``count`` epochs, or all where there are
    fewer, that grow geometrically, since the first change a network most: from 1, and
    up to the last where there are two or more.

    >>> snapshot_epochs(10, 5)
    (0, 1, 2, 3, 6, 10)
    """
    count = min(count, epochs)
    geometric = np.rint(np.geomspace(1, epochs, count)).astype(int)
    # Where they start too close together to differ, they follow one another.
    distinct = np.maximum(geometric, np.arange(1, count + 1))
    return (0, *distinct.tolist())
