"""What all figures have in common: their record, their style, their colours."""

import importlib
import io
import logging
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from layerwise.presentation._colours import contrast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

INK = "#222222"
MUTED = "#767676"
PALE = "#b0b0b0"
ACCENT = "#2f6fd0"
DPI = 150

STYLE = MappingProxyType(
    {
        "axes.edgecolor": PALE,
        "axes.facecolor": "white",
        "axes.formatter.use_mathtext": False,
        "axes.grid": False,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 8.5,
        "axes.linewidth": 0.7,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 9.5,
        "figure.autolayout": False,
        "figure.constrained_layout.use": False,
        "figure.dpi": DPI,
        "figure.facecolor": "white",
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "svg.hashsalt": "layerwise",
        "text.color": INK,
        "text.parse_math": False,
        "text.usetex": False,
        "xtick.color": PALE,
        "xtick.labelcolor": MUTED,
        "xtick.labelsize": 8,
        "ytick.color": PALE,
        "ytick.labelcolor": MUTED,
        "ytick.labelsize": 8,
    }
)


@contextmanager
def styled() -> Generator[None]:
    """Draw in the style above; what the user has set is as before afterwards.

    A block is drawn in it (``with``), or a whole function, of which it is a decorator.
    """
    mpl = _matplotlib()
    settings: dict[Any, Any] = dict(STYLE)
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A class name may be in a script that the font lacks: the page has it as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _matplotlib() -> Any:
    """Load matplotlib without its warning that a home cannot be written to.

    It then keeps what it knows of fonts in a temporary folder, which is all we need.
    """
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        return importlib.import_module("matplotlib")
    finally:
        log.setLevel(level)


def new_figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> "FigureBase":
    """Return an empty figure of that many inches that depends on no display.

    Text within axes is drawn with ``clip_on``: the layout need not measure it. With
    ``layout=None`` axes stay where they are put.
    """
    _matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def new_axes(width: float, height: float) -> "Axes":
    """Return the axes of a new figure of that many inches."""
    return new_figure(width, height).add_subplot()


def inches_of(ax: "Axes") -> Float[np.ndarray, " 2"]:
    """Return how wide and high axes are: those that have no layout yet, about so."""
    figure = ax.get_figure(root=True)
    assert figure is not None, "the axes were taken off their figure"
    return np.array([ax.bbox.width, ax.bbox.height]) / figure.dpi


@contextmanager
def fitted(ax: "Axes | None", width: float, height: float) -> Generator["Axes"]:
    """Draw in this block as on so many inches, by default on new axes of that size.

    On smaller axes its text, points and lines are then made smaller as much, that they
    do not cover each other.
    """
    if ax is None:
        yield new_axes(width, height)
        return
    before = {*ax.get_children()}
    yield ax
    reduced = min(1.0, *(inches_of(ax) / (width, height)).tolist())
    for artist in {*ax.get_children()} - before:
        _reduce(artist, reduced)


def _reduce(artist: Any, reduced: float) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    if isinstance(artist, Text):
        artist.set_fontsize(reduced * float(artist.get_fontsize()))
    elif isinstance(artist, PathCollection):
        artist.set_sizes(reduced**2 * artist.get_sizes())
    elif isinstance(artist, Line2D):
        artist.set_linewidth(reduced * artist.get_linewidth())


def log_ticks(ax: "Axes") -> None:
    """Make the upward axis logarithmic, with few ticks and plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.set_yscale("log")
    least, greatest = ax.get_ylim()
    subs = (1.0, 2.0, 5.0) if greatest < 1000 * least else (1.0,)
    ax.yaxis.set_major_locator(LogLocator(subs=subs))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")


def name_cells(
    ax: "Axes", rows: Mapping[int, str], columns: Mapping[int, str], room: float
) -> None:
    """Name cells by their places in so many inches: upright where names would touch."""
    needed = 5.5 * max(map(len, columns.values())) * len(columns)
    rotation = 90 if needed > 72 * room else 0
    ax.set_xticks([*columns], [*columns.values()], rotation=rotation)
    ax.set_yticks([*rows], [*rows.values()])
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)


def badge(colour: str) -> dict[str, Any]:
    """Return what puts a text on a plate of this colour, in white or ink.

    A class's name stands on its class's own colour: darkened until it could be read as
    text on white, a colour would be nearer to another class's for the colour-blind.
    """
    on_ink = contrast(colour, INK)
    return {
        "color": "white" if contrast(colour, "#ffffff") > on_ink else INK,
        "fontweight": "bold",
        "bbox": {
            "boxstyle": "round,pad=0.18,rounding_size=0.3",
            "facecolor": colour,
            "edgecolor": "white",
            "linewidth": 0.8,
        },
    }


def halo() -> list[Any]:
    """Return the thin white rim that keeps text readable on points."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white", alpha=0.9)]


def written(drawing: "FigureBase | Axes", form: str = "png") -> bytes:
    """Return a figure, or the figure of axes, as a file: "png", "svg" or "pdf"."""
    figure = drawing.get_figure(root=True)
    assert figure is not None, "the axes were taken off their figure"
    file = io.BytesIO()
    with styled():
        # Without the time of day the same record gives the same bytes.
        none = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(file, format=form, dpi=DPI, metadata=none[form])
    return file.getvalue()


def spread_out(total: int, most: int) -> list[int]:
    """Return positions of so many at most, the first and the last among them.

    >>> spread_out(3, 6), spread_out(11, 6)
    ([0, 1, 2], [0, 2, 4, 6, 8, 10])
    """
    return np.rint(np.linspace(0, total - 1, min(total, most))).astype(int).tolist()
