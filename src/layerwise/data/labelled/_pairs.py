"""Arrays by any names: the one of labels, and the one of as many inputs."""

from collections.abc import Mapping
from typing import NamedTuple

from layerwise.errors import InputError


class Pair(NamedTuple):
    """The names of two arrays that belong together.

    Parameters
    ----------
    inputs, labels : str
    """

    inputs: str
    labels: str

    @property
    def said(self) -> str:
        """A sentence on what was taken for what."""
        return (
            f"{self.inputs!r} is taken for the inputs, {self.labels!r} for the labels."
        )


def paired(
    shapes: Mapping[str, tuple[int, ...]], source: str, either_end: bool = False
) -> Pair:
    """Return the only array of labels and the only one of as many inputs.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Of each array.
    source : str
        What errors name.
    either_end : bool
        Whether samples may stand in the last axis too, and labels in a row.

    Raises
    ------
    InputError
        If there is no such pair, or several.
    """
    labels = {name: size for name, shape in shapes.items() if (size := _length(shape))}
    pairs = [
        Pair(name, label)
        for name, shape in shapes.items()
        for label, size in labels.items()
        if name not in labels
        and len(shape) > 1
        and size in (shape[:1] + shape[-1:] if either_end else shape[:1])
    ]
    if len(pairs) == 1:
        return pairs[0]
    told = ", ".join(f"{name!r} {shape}" for name, shape in sorted(shapes.items())[:8])
    problem = (
        "no two of which are inputs and as many labels"
        if not pairs
        else ("of which several may be inputs or labels")
    )
    raise InputError(
        f"{source}: holds {told or 'no arrays'}, {problem}: save X and y, inputs and "
        "targets, or x_train, y_train, x_test and y_test"
    )


def _length(shape: tuple[int, ...]) -> int:
    """Return how many labels an array of that shape can be; 0 for one that is none."""
    if len(shape) == 1:
        return shape[0]
    return max(shape) if len(shape) == 2 and 1 in shape else 0
