"""A network on its way: measured, and all shown samples seen through three bases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from layerwise.arrays import each
from layerwise.statistics import (
    Discriminants,
    PrincipalComponents,
    discriminants,
    principal_components,
)
from layerwise.study.measures import LayerEvidence, Neighbourhood, measured
from layerwise.study.passes._fit_and_score import PLANES, two_columns
from layerwise.study.records import LayerStudy, SnapshotLayer, SnapshotStudy, Turn
from layerwise.study.subjects import Block, Stage, Subject

Frame = Float[np.ndarray, "samples 2"]
Answers = tuple[Int[np.ndarray, " shown"], Float[np.ndarray, " shown"]]


@dataclass(frozen=True, eq=False)
class SeenStage:
    """What a stage comes to: from here on its subject is not needed any more.

    Of each layer the stated sample, and the samples shown through some bases; and what
    was answered for those shown, with its confidence.
    """

    epoch: int | None
    layers: Sequence[LayerEvidence]
    frames: Sequence[Mapping[str, Frame]]
    answers: Answers | None


def look_at(stage: Stage, subject: Subject, studied: Sequence[LayerStudy]) -> SeenStage:
    """Pass the samples shown once through a subject as it once was.

    The layers of the subject as it is, without the input, have the fixed basis of each.
    """
    assert stage.shown is not None
    classes = len(subject.class_names)
    evidence = [
        LayerEvidence.of_sample(own, classes, len(layer.moments.scatter))
        for layer, own in zip(studied, stage.layers, strict=True)
    ]
    bases = [
        {
            "components": principal_components(own.fitted, min(2, layer.units)),
            "discriminants": discriminants(own.fitted),
            "fixed": layer.components,
        }
        for layer, own in zip(studied, evidence, strict=True)
    ]
    looked = [_looked(subject, bases, block) for block in stage.shown]
    order = np.argsort(np.concatenate([where for where, _, _ in looked]))
    frames = [
        {
            name: np.concatenate([own[place][name] for _, own, _ in looked])[order]
            for name in of_layer
        }
        for place, of_layer in enumerate(bases)
    ]
    said = [answers for _, _, answers in looked if answers is not None]
    answers = None
    if said:
        predictions, confidence = map(np.concatenate, zip(*said, strict=True))
        answers = predictions[order], confidence[order]
    return SeenStage(stage.epoch, evidence, frames, answers)


def _looked(
    subject: Subject,
    bases: Sequence[Mapping[str, PrincipalComponents | Discriminants]],
    block: Block,
) -> tuple[np.ndarray, list[dict[str, Frame]], Answers | None]:
    """Return a block's places, its frames of each layer, and its answers."""
    frames = [
        {name: two_columns(basis.project(rows)) for name, basis in of_layer.items()}
        for of_layer, rows in zip(bases, block.layers, strict=True)
    ]
    if block.outputs is None:
        return block.positions, frames, None
    confidence = subject.probabilities(block.outputs).max(axis=1)
    narrow = np.min_scalar_type(-len(subject.class_names))
    said = np.argmax(block.outputs, axis=1).astype(narrow)
    return block.positions, frames, (said, confidence)


def snapshot_studies(
    stages: Sequence[SeenStage], studied: Sequence[LayerStudy]
) -> tuple[SnapshotStudy, ...]:
    """Measure a network on its way, and lay its frames on those of the studied one."""
    names = [layer.name for layer in studied]

    def layer(stage: SeenStage, place: int) -> SnapshotLayer:
        evidence = stage.layers[place]
        # The untrained network is what all is compared with: nothing is left out.
        near = Neighbourhood.of(evidence.sample.scored) if stage.epoch == 0 else None
        return SnapshotLayer(
            names[place], measured(evidence, near), stage.frames[place]
        )

    asked = [(stage, place) for stage in stages for place in range(len(names))]
    found = iter(each(lambda one: layer(*one), asked))
    measures = [
        SnapshotStudy(
            stage.epoch,
            tuple(islice(found, len(names))),
            *(stage.answers or (None, None)),
        )
        for stage in stages
    ]
    return aligned(measures, studied)


def with_turns(layers: Sequence[LayerStudy]) -> list[LayerStudy]:
    """Return layers, in forward order, that know how to lay each on the one before."""
    turned = [layers[0]]
    for layer in layers[1:]:
        before = turned[-1]
        turns = {p: turn_onto(layer.planes[p], before.turned(p)) for p in PLANES}
        turned.append(replace(layer, turns=turns))
    return turned


def aligned(
    snapshots: Sequence[SnapshotStudy], layers: Sequence[LayerStudy]
) -> tuple[SnapshotStudy, ...]:
    """Turn every frame onto its neighbour's, so that points move as the network did.

    The last snapshot is turned as the studied layers are; then every layer's frames
    from the last epoch back to the first, each onto the next. Frames of the fixed basis
    have one basis for all epochs, and one turn.
    """
    turned: list[SnapshotStudy] = []
    for snapshot in reversed(snapshots):
        onto = turned[-1].layers if turned else (None,) * len(layers)
        own = tuple(map(_laid, snapshot.layers, onto, layers))
        turned.append(replace(snapshot, layers=own))
    return tuple(reversed(turned))


def _laid(
    layer: SnapshotLayer, onto: SnapshotLayer | None, studied: LayerStudy
) -> SnapshotLayer:
    frames = {"fixed": studied.turned("components", layer.frames["fixed"])}
    for name in PLANES:
        frame = layer.frames[name]
        if onto is None:
            frames[name] = studied.turned(name, frame)
        else:
            frames[name] = turn_onto(frame, onto.frames[name])(frame)
    return replace(layer, frames=frames)


def turn_onto(frame: Frame, target: Frame) -> Turn:
    """Return the turn of a frame about its centre that lays it on another.

    The orthogonal Procrustes problem: of all orthogonal matrices R the one of least
    ``‖A R - B‖``, A and B the two frames about their centres (Schönemann 1966). Nothing
    is stretched or moved: distances within the frame are as they were. Both are of the
    same samples in the same order.
    """
    from scipy.linalg import orthogonal_procrustes

    centre = frame.mean(axis=0, dtype=np.float64)
    rotation, _ = orthogonal_procrustes(
        frame - centre, target - target.mean(axis=0, dtype=np.float64)
    )
    return Turn(centre, rotation)
