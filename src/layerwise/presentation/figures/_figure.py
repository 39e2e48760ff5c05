"""What a figure is: when there is one, what it draws, its words and its place."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import UInt8

from layerwise.presentation.figures._style import pixels

__all__ = ["Drawing", "Figure", "Pictures", "drawings"]

R = TypeVar("R")

Pictures: TypeAlias = dict[str, UInt8[np.ndarray, "_ _ 3"]]

Drawing: TypeAlias = Callable[[], Pictures]
"""Draws a figure, and what is cut out of it, by name."""


@dataclass(frozen=True, kw_only=True)
class Figure(Generic[R]):
    """A figure of a record, such as a study.

    Parameters
    ----------
    name : str
        Its file's, without ``.png``.
    draw : callable
        What draws it; a function of a module, so that another process can be sent it.
    given : callable, optional
        What ``draw`` is given of the record; by default all of it.
    when : callable, optional
        Whether the record has such a figure; by default always.
    alternative : callable
        What it tells those who cannot see it.
    caption : str or callable, optional
        What stands below it.
    heading : str, optional
        What stands above it.
    place : str, optional
        Where on the page it stands, after those of this place that come before it in
        the table; without it, the page does not show it.
    cut : callable, optional
        What is cut out of it, by name, from its pixels and what ``draw`` was given.
    """

    name: str
    draw: Callable[..., Any]
    alternative: Callable[[R], str]
    given: Callable[[R], tuple[Any, ...]] = lambda record: (record,)
    when: Callable[[R], object] = lambda _: True
    caption: str | Callable[[R], str] = ""
    heading: str = ""
    place: str = ""
    cut: Callable[..., Pictures] | None = None


def drawings(figures: Iterable[Figure[R]], record: R) -> Iterator[Drawing]:
    """Yield the drawings of those figures that the record has."""
    for figure in figures:
        if figure.when(record):
            given = figure.given(record)
            yield partial(_drawn, figure.name, figure.draw, given, figure.cut)


def _drawn(
    name: str,
    draw: Callable[..., Any],
    given: tuple[Any, ...],
    cut: Callable[..., Pictures] | None,
) -> Pictures:
    picture = pixels(draw(*given))
    return {name: picture} | (cut(picture, *given) if cut else {})
