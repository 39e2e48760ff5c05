"""What is kept of a training: its losses, its epochs, its health, its networks."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from layerwise.model import TrainedNetwork
from layerwise.training._health import Health, LayerHealth, health_records, no_health

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Epoch", "History", "Snapshot", "snapshot_epochs"]


@dataclass(frozen=True)
class Epoch:
    """The figures at the end of one epoch, each sample counted once.

    Those of the validation set are over all of it. Those of the training set are over
    all of it where the training ends, by its number of epochs or for want of a lower
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


def _epoch(row: dict[str, str]) -> Epoch:
    """Return the epoch that ends in this row."""
    values: dict[str, Any] = {
        f.name: (int if f.name in ("epoch", "step") else float)(row[f.name])
        for f in fields(Epoch)
        if f.name in row
    }
    return Epoch(**values)


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
        return health_records(self.health)

    def health_csv(self, names: Sequence[str]) -> str:
        """Return one row for each record and layer; the layers' names are given."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["step", "layer", *LayerHealth._fields])
        for record in self.records:
            for name, layer in zip(names, record.layers, strict=True):
                writer.writerow([record.step, name, *map(np.float32, layer)])
        return table.getvalue()

    @property
    def diverged(self) -> bool:
        """Whether the last loss is not finite."""
        return len(self.losses) > 0 and not np.isfinite(self.losses[-1])

    def to_csv(self) -> str:
        """Return one row for each step; the epoch's figures stand in its last row."""
        names = [f.name for f in fields(Epoch) if f.name not in ("step", "dead")]
        ends = {epoch.step: asdict(epoch) for epoch in self.epochs}
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["step", "loss", "accuracy", *names])
        steps = zip(self.losses, self.accuracies, strict=True)
        for step, (loss, accuracy) in enumerate(steps, 1):
            figures = ends.get(step, {})
            row: list[Any] = [step, loss, accuracy]
            writer.writerow(row + [figures.get(name, "") for name in names])
        return table.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> "History":
        """Return the history that `to_csv` wrote: without health and dead units.

        Raises
        ------
        ValueError
            If the text is not such a table, or its last line is cut off.
        """
        losses: list[float] = []
        accuracies: list[float] = []
        epochs: list[Epoch] = []
        for number, row in enumerate(csv.DictReader(io.StringIO(text)), 1):
            try:
                if int(row["step"]) != number:
                    raise ValueError(f"step {row['step']}")
                losses.append(float(row["loss"]))
                accuracies.append(float(row["accuracy"]))
                if row["epoch"]:
                    epochs.append(_epoch(row))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"line {number + 1}: {error}") from error
        if not text.endswith("\n"):
            raise ValueError(f"line {len(losses) + 1} is cut off")
        dtype = np.float32
        return cls(np.array(losses, dtype), np.array(accuracies, dtype), tuple(epochs))

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


def snapshot_epochs(epochs: int, count: int) -> tuple[int, ...]:
    """Return the epochs after which a network is kept.

    Parameters
    ----------
    epochs : int
        How many the training has.
    count : int
        How many networks are kept beside the untrained one, at least 0.

    Returns
    -------
    tuple of int
        0, then ``min(count, epochs)`` epochs that grow geometrically, since the first
        change a network most: from 1, and up to the last where there are two or more.

    Examples
    --------
    >>> snapshot_epochs(10, 5)
    (0, 1, 2, 3, 6, 10)
    """
    count = min(count, epochs)
    geometric = np.rint(np.geomspace(1, epochs, count)).astype(int)
    # Where they start too close together to differ, they follow one another.
    distinct = np.maximum(geometric, np.arange(1, count + 1))
    return (0, *distinct.tolist())
