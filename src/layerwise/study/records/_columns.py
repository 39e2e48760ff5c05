"""What a network makes of a table's columns: which it leans on, where it is weak."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from layerwise.statistics import TWO_SIDED


@dataclass(frozen=True)
class ColumnImportance:
    """How much accuracy goes where the values of one column are shuffled.

    Parameters
    ----------
    column : str
    drop : float
        The mean drop of the accuracy, in shares of 1; below 0 where it rises.
    low, high : float
        Its 95 % interval: 1.96 standard errors of the mean over the samples.
    """

    column: str
    drop: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """The standard error of the drop."""
        return (self.high - self.low) / (2 * TWO_SIDED)


@dataclass(frozen=True)
class Importance:
    """Which columns of a table a network leans on: permutation importance.

    L. Breiman, "Random forests", Machine Learning 45 (2001), section 10: the drop of
    the accuracy where the values of a column are shuffled among the samples, and so
    tell nothing of them any more. All inputs that were made of the column move
    together.

    Parameters
    ----------
    columns : tuple of ColumnImportance
        The largest drop first.
    accuracy : float
        With all columns as they are.
    samples, permutations : int
        Of how many validation samples, and how many times each column was shuffled.
    of : int
        How many columns there are: of very many some are tried only, those whose inputs
        differ most between the classes.
    """

    columns: tuple[ColumnImportance, ...]
    accuracy: float
    samples: int
    permutations: int
    of: int


@dataclass(frozen=True, eq=False)
class WeakSpot:
    """Scored samples that have something in common, and are wrong too often.

    Parameters
    ----------
    column : str or None
        The column whose value they share; None: they are of one class.
    value : str
        What they share, as a sentence goes on behind the column's name: ``is "Ulm"``,
        ``below 30``; or the name of the class.
    wrong, samples : int
        How many of them are wrong, of how many.
    rest_wrong, rest : int
        The same of all other scored samples.
    p : float
        How likely chance makes any of the spots that were tested as weak: Fisher's
        exact test, corrected by Holm's method.
    mistakes : array, shape (wrong,)
        Positions of the wrong ones among the scored samples.
    """

    column: str | None
    value: str
    wrong: int
    samples: int
    rest_wrong: int
    rest: int
    p: float
    mistakes: Int[np.ndarray, " wrong"]

    @property
    def excess(self) -> float:
        """Errors above those that the rate of all other samples would make."""
        return self.wrong - self.samples * self.rest_wrong / self.rest


@dataclass(frozen=True, eq=False)
class WeakSpots:
    """Where a network is worse than elsewhere by more than chance.

    Parameters
    ----------
    spots : tuple of WeakSpot
        Those with most errors above expectation first; at most 5.
    tested : int
        How many values, ranges and classes had enough samples to be tested.
    """

    spots: tuple[WeakSpot, ...]
    tested: int

    def summary(self) -> dict[str, Any]:
        """Return the spots as JSON's types, without the positions of their samples."""
        spots = [asdict(spot) | {"excess": spot.excess} for spot in self.spots]
        for spot in spots:
            del spot["mistakes"]
        return {"spots": spots, "tested": self.tested}
