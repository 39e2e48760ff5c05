"""What a page shows of the columns of a table: what they are, what they are for."""

from collections.abc import Iterator

from layerwise.data import DataStatistics
from layerwise.presentation._report import (
    TOP,
    column_table,
    importance_table,
    weak_spot_table,
)
from layerwise.presentation.payload._blocks import Json, page_table
from layerwise.study import ColumnImportance, Importance, Study
from layerwise.wording import count

FEW, MOST = 12, 500
"""Of more columns the list is folded, or the rest only counted."""

WIDTH, HEIGHT = 160, 12
"""Of a bar, as ``web/src/views/Data.tsx`` draws it."""


def columns_table(statistics: DataStatistics) -> Iterator[Json]:
    """Yield the columns of a table and what became of them, if there are any."""
    if not statistics.columns:
        return
    yield page_table(
        "columns",
        "Columns",
        column_table(statistics, MOST, "see summary.json"),
        place="data",
        note="What each is like in the training set, and what became of it.",
        opened=len(statistics.columns) <= FEW,
    )


def table_findings(study: Study) -> Iterator[Json]:
    """Yield the columns that a network leans on, and where it is weak."""
    if study.importance is not None:
        yield page_table(
            "leans-on",
            "What the network leans on",
            importance_table(study),
            place="data",
            note=_importance_note(study.importance),
            opened=True,
        ) | {"bars": _bars(study.importance.columns[:TOP])}
    weak = study.weak_spots
    if weak is not None and weak.spots:
        yield page_table(
            "weak-spots",
            "Weak spots",
            weak_spot_table(study),
            place="data",
            note="Wrong more often than all other scored samples, by more than chance "
            f"makes of the {count(weak.tested)} values, ranges and classes that "
            "were tested. Too many: errors above those that the rate of the others "
            "would make.",
            opened=True,
        )


def _importance_note(found: Importance) -> str:
    tried, text = len(found.columns), ""
    if tried < found.of:
        text = f" Tried were {count(tried)} of {count(found.of)} columns."
    if tried > TOP:
        text += f" Shown are the first {TOP}."
    return (
        "How far the accuracy falls where the values of a column are shuffled among "
        f"{count(found.samples)} validation samples: the mean of {found.permutations} "
        f"shuffles and its 95 % interval.{text}"
    )


def _bars(columns: tuple[ColumnImportance, ...]) -> list[str]:
    """Return a path for each: a bar from 0 to the drop, a line over its interval."""
    low = min(0.0, *(one.low for one in columns))
    high = max(0.0, *(one.high for one in columns))

    def x(value: float) -> str:
        return f"{(value - low) / ((high - low) or 1) * WIDTH:.1f}"

    def box(start: float, end: float, half: int) -> str:
        top, bottom = HEIGHT // 2 - half, HEIGHT // 2 + half
        return f"M{x(start)} {top}H{x(end)}V{bottom}H{x(start)}Z"

    return [box(0.0, one.drop, 5) + box(one.low, one.high, 1) for one in columns]
