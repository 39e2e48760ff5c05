"""A study with fewer shown samples, for pages that must be small."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from layerwise.data import drawn
from layerwise.study import LayerStudy, MixedPair, SnapshotStudy, Study


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
