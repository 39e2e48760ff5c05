"""The samples of a page: what they are, where they come from, how they look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Int, Shaped

from layerwise.data import Columns, Dataset, Origins, are_pictures, drawn
from layerwise.presentation.payload._blocks import Blocks, Json
from layerwise.study import Inputs, LayerStudy, MixedPair, SnapshotStudy, Study, Suspect
from layerwise.wording import short

COLUMNS, TEXT = 40, 300
"""Columns listed of a sample, and letters shown of a text, at most."""

SUSPECTS = 500
"""Suspect labels to work through, at most."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Which samples a page shows, and the data that the study was of, if at hand.

    The positions are in the scored set: those that move, then the others. The others
    are in the set that was fitted on: neighbours, and suspects of that set.
    """

    study: Study
    positions: Int[np.ndarray, " shown"]
    others: Int[np.ndarray, " others"]
    data: Dataset | None = None

    @classmethod
    def of(cls, study: Study, data: Dataset | None = None) -> "Shown":
        """Return all that there is to show of a study, and of the data it was of."""
        crowd = study.shown if study.crowd is None else study.crowd.positions
        more = np.setdiff1d(crowd, study.shown)
        positions = np.concatenate([study.shown, more])
        near: list[np.ndarray] = []
        if study.nearest is not None:
            known = np.isin(study.nearest.positions, positions)
            near.append(study.nearest.neighbours[known].ravel())
        own = [s for s in _listed(study) if s.part == "training" and data is not None]
        near += [np.array([s.position, *s.nearest[:3]], np.int64) for s in own]
        others = np.unique(np.concatenate(near)) if near else np.zeros(0, np.int64)
        return cls(study, positions, others, data)

    @property
    def moving(self) -> int:
        """How many are known at every snapshot."""
        return len(self.study.shown)

    def places(self, positions: Int[np.ndarray, " some"]) -> Int[np.ndarray, " some"]:
        """Return where scored samples stand among those shown; -1: not at all."""
        place = np.full(len(self.study.targets), -1)
        place[self.positions] = np.arange(len(self.positions))
        return place[positions]

    def samples(self, blocks: Blocks) -> Json:
        """Return the shown samples."""
        study, part = self.study, part_of(self.study)
        found = {
            "count": len(self.positions),
            "moving": self.moving,
            "scored": len(study.targets),
            "part": part,
            "labels": blocks.array("labels", study.targets[self.positions], "int16"),
            "positions": blocks.array("positions", self.positions, "int32"),
            **_source(blocks, study.origins, self.positions),
        }
        if study.inputs is not None:
            found |= self._looks(blocks, study.inputs, self.positions[: self.moving])
        _add_beside(found, blocks, study.origins, self.positions[: self.moving])
        if study.nearest is not None and len(self.others):
            places = self.places(study.nearest.positions)
            near = study.nearest.neighbours[places >= 0]
            found["neighbours"] = {
                "of": blocks.array("near", places[places >= 0], "int32"),
                "at": blocks.array("near", np.searchsorted(self.others, near), "int32"),
            }
        return found

    def other_samples(self, blocks: Blocks) -> Json | None:
        """Return the samples fitted on that are named; None where there are none."""
        study, near = self.study, self.study.nearest
        if not len(self.others):
            return None
        if self.data is not None:
            train = self.data.train
            inputs, origins = train.inputs, train.where
            labels = train.targets[self.others]
        elif near is None:
            return None
        else:
            inputs, origins = near.inputs, near.origins
            order = np.argsort(near.neighbours, axis=None)
            at = np.searchsorted(near.neighbours.ravel(), self.others, sorter=order)
            labels = near.targets.ravel()[order[at]]
        found = {
            "count": len(self.others),
            "part": "training sample" if "train" in study.fitted_on else part_of(study),
            "labels": blocks.array("labels", labels, "int16"),
            "positions": blocks.array("positions", self.others, "int32"),
            **_source(blocks, origins, self.others),
            **(self._looks(blocks, inputs, self.others) if inputs is not None else {}),
        }
        _add_beside(found, blocks, origins, self.others)
        return found

    def suspects(self) -> list[Json]:
        """Return the suspects that are shown or named."""
        found: list[Json] = []
        for suspect in _listed(self.study):
            place = self._place(suspect)
            if place is not None:
                found.append(
                    {
                        **place,
                        "label": suspect.label,
                        "suggestion": suspect.suggestion,
                        "score": suspect.score,
                        "probability": suspect.probability_of_suggestion,
                        "agreeing": suspect.neighbours_agreeing,
                        "neighbours": suspect.neighbours,
                        "since": suspect.since,
                    }
                )
        return found

    def _place(self, suspect: Suspect) -> Json | None:
        if suspect.part == "training":
            at = int(np.searchsorted(self.others, suspect.position))
            known = at < len(self.others) and self.others[at] == suspect.position
            return {"in": "others", "at": at} if known else None
        at = int(self.places(np.array([suspect.position]))[0])
        return {"in": "samples", "at": at} if at >= 0 else None

    def _looks(
        self, blocks: Blocks, inputs: Inputs, positions: Int[np.ndarray, " some"]
    ) -> Mapping[str, Json]:
        """Return pictures, texts or columns of samples: as far as they are known."""
        items = _items(inputs, positions)
        if not len(items):
            return {}
        if items.dtype.kind in "OU":
            return {"texts": [short(str(item), TEXT) for item in items]}
        if are_pictures(items):
            return {"pictures": blocks.pictures("sheet", items)}
        rows = items.reshape(len(items), -1)
        columns = None if self.data is None else self.data.columns
        if columns is not None and rows.shape[1] == len(columns.names):
            return {"columns": [*_of_table(blocks, columns, rows)][:COLUMNS]}
        rows = rows[:, :COLUMNS].astype(np.float32)
        names = None if self.data is None else self.data.feature_names
        names = names or [f"input {i}" for i in range(1, rows.shape[1] + 1)]
        return {"columns": [*_columns(blocks, names, rows)]}


def _items(
    inputs: Inputs, positions: Int[np.ndarray, " some"]
) -> Shaped[np.ndarray, "some ..."]:
    """Return the inputs at positions; blank ones where only some were kept."""
    kept = getattr(inputs, "positions", None)
    if kept is None:
        return np.asarray(inputs[positions])
    known = np.isin(positions, kept)
    found = inputs[positions[known]] if known.any() else np.zeros((0,), np.uint8)
    if known.all() or not known.any():
        return found
    blank = "" if found.dtype.kind in "OU" else 0
    items = np.full((len(positions), *found.shape[1:]), blank, found.dtype)
    items[known] = found
    return items


def _columns(
    blocks: Blocks, names: Sequence[str], rows: Shaped[np.ndarray, "samples columns"]
) -> Iterator[Json]:
    for name, values in zip(names, rows.T, strict=False):
        yield _column(blocks, str(name), values)


def _column(
    blocks: Blocks,
    name: str,
    values: Shaped[np.ndarray, " samples"],
    role: Literal["feature", "metadata"] = "feature",
    levels: Sequence[str] = (),
) -> Json:
    found: Json = {
        "name": short(name, 40),
        "role": role,
        "values": blocks.array("column", values, "float32"),
    }
    if levels:
        found["levels"] = [short(level, 40) for level in levels]
    return found


def _of_table(
    blocks: Blocks, columns: Columns, rows: Shaped[np.ndarray, "samples inputs"]
) -> Iterator[Json]:
    """Yield a table's columns: of a category, which has an input for each, its name."""
    for column in columns.used:
        own = rows[:, columns.places[column.name]].astype(np.float32)
        if not column.choices:
            yield from _columns(blocks, column.inputs, own)
            continue
        values = np.where(own.any(axis=1), own.argmax(axis=1), np.nan)
        yield _column(blocks, column.name, values, levels=column.choices)


def _add_beside(
    found: Json,
    blocks: Blocks,
    origins: Origins | None,
    positions: Int[np.ndarray, " some"],
) -> None:
    """Add the columns of a table that are no inputs to the others."""
    if origins is None or not origins.beside:
        return
    columns = [
        _column(blocks, column.name, column.values, "metadata", column.levels)
        for column in origins.at(positions).beside
    ]
    found["columns"] = [*found.get("columns", ())[: COLUMNS - len(columns)], *columns]


def _source(
    blocks: Blocks, origins: Origins | None, positions: Int[np.ndarray, " some"]
) -> dict[str, Json]:
    if origins is None or origins.ids:
        return {}
    own = origins.at(positions)
    source: Json = {
        "files": [short(name, 120) for name, _ in own.files],
        "row": blocks.array("row", own.rows, "int32"),
        "from": 0,
    }
    if len(own.files) > 1:
        source["file"] = blocks.array("file", own.file_numbers, "int16")
    return {"source": source}


def _listed(study: Study) -> Sequence[Suspect]:
    return study.suspects[:SUSPECTS]


def part_of(study: Study) -> str:
    """Return what one of the scored samples is called."""
    if "test" in study.scored_on:
        return "test sample"
    return "row" if "row" in study.scored_on else "sample"


def with_fewer_shown(study: Study, most: int) -> Study:
    """Return a study that shows ``most`` samples at most, a stratified draw.

    Its measures and findings stay those of all samples.
    """
    if study.crowd is None and len(study.shown) <= most:
        return study
    kept = drawn(study.targets[study.shown], most, seed=0)
    shown = study.shown[kept]
    return replace(
        study,
        shown=shown,
        crowd=None,
        input=None if study.input is None else _layer(study.input, kept),
        layers=tuple(_layer(layer, kept) for layer in study.layers),
        snapshots=tuple(_snapshot(snapshot, kept) for snapshot in study.snapshots),
        pairs=tuple(_pair(pair, kept) for pair in study.pairs),
    )


def _layer(layer: LayerStudy, kept: Int[np.ndarray, " kept"]) -> LayerStudy:
    return replace(layer, planes={p: plane[kept] for p, plane in layer.planes.items()})


def _snapshot(snapshot: SnapshotStudy, kept: Int[np.ndarray, " kept"]) -> SnapshotStudy:
    said, sure = snapshot.predictions, snapshot.confidence
    return replace(
        snapshot,
        layers=tuple(
            replace(layer, frames={f: own[kept] for f, own in layer.frames.items()})
            for layer in snapshot.layers
        ),
        predictions=None if said is None else said[kept],
        confidence=None if sure is None else sure[kept],
    )


def _pair(pair: MixedPair, kept: Int[np.ndarray, " kept"]) -> MixedPair:
    own = np.isin(pair.samples, kept)
    places = np.searchsorted(kept, pair.samples[own])
    return replace(pair, samples=places, along=pair.along[:, own])
