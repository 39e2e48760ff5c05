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

    Parameters
    ----------
    epoch : int or None
    layers : sequence of LayerEvidence
        Of the stated sample.
    frames : sequence of mapping of str to array, shape (shown, 2)
        Of each layer.
    answers : pair of arrays, shape (shown,), or None
        Predictions and their confidence.
    """

    epoch: int | None
    layers: Sequence[LayerEvidence]
    frames: Sequence[Mapping[str, Frame]]
    answers: Answers | None


class SnapshotPass:
    """Looks at a subject's stages as at the subject itself.

    Parameters
    ----------
    subject : Subject
        As it is.
    studied : sequence of LayerStudy
        Its layers without the input, the fixed basis of each among them.
    stated : sequence of LayerEvidence
        Of the same layers and the stated sample.
    answers : pair of arrays, shape (shown,), or None
        What it says of the samples shown.
    """

    def __init__(
        self,
        subject: Subject,
        studied: Sequence[LayerStudy],
        stated: Sequence[LayerEvidence],
        answers: Answers | None,
    ) -> None:
        self._subject, self._studied = subject, studied
        self._stated, self._answers = stated, answers

    def see(self, stage: Stage) -> SeenStage:
        """Pass the samples shown once; of the subject as it is they were passed."""
        if stage.shown is None:
            frames = [self._own_frames(layer) for layer in self._studied]
            return SeenStage(stage.epoch, self._stated, frames, self._answers)
        classes = len(self._subject.class_names)
        evidence = [
            LayerEvidence.of_sample(own, classes, len(layer.moments.scatter))
            for layer, own in zip(self._studied, stage.layers, strict=True)
        ]
        bases = [
            {
                "components": principal_components(own.fitted, min(2, layer.units)),
                "discriminants": discriminants(own.fitted),
                "fixed": layer.components,
            }
            for layer, own in zip(self._studied, evidence, strict=True)
        ]
        looked = [self._looked(bases, block) for block in stage.shown]
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
        self,
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
        confidence = self._subject.probabilities(block.outputs).max(axis=1)
        narrow = np.min_scalar_type(-len(self._subject.class_names))
        said = np.argmax(block.outputs, axis=1).astype(narrow)
        return block.positions, frames, (said, confidence)

    def _own_frames(self, layer: LayerStudy) -> dict[str, Frame]:
        planes = layer.planes
        return {
            "components": planes["components"],
            "discriminants": planes["discriminants"],
            "fixed": planes["components"],
        }


def snapshot_studies(
    seen: Sequence[SeenStage], names: Sequence[str]
) -> list[SnapshotStudy]:
    """Measure a network on its way.

    Parameters
    ----------
    seen : sequence of SeenStage
    names : sequence of str
        The layers', without the input.
    """

    def layer(stage: SeenStage, place: int) -> SnapshotLayer:
        evidence = stage.layers[place]
        # The untrained network is what all is compared with: nothing is left out.
        near = Neighbourhood.of(evidence.sample.scored) if stage.epoch == 0 else None
        return SnapshotLayer(
            names[place], measured(evidence, near), stage.frames[place]
        )

    asked = [(stage, place) for stage in seen for place in range(len(names))]
    found = iter(each(lambda one: layer(*one), asked))
    return [
        SnapshotStudy(
            stage.epoch,
            tuple(islice(found, len(names))),
            *(stage.answers or (None, None)),
        )
        for stage in seen
    ]


def with_turns(
    layers: Sequence[LayerStudy], before: LayerStudy | None
) -> list[LayerStudy]:
    """Return layers that know how to lay each on the one before it.

    Parameters
    ----------
    layers : sequence of LayerStudy
        In forward order.
    before : LayerStudy or None
        What lies before the first; without it the first stays as it is.
    """
    turned: list[LayerStudy] = []
    for layer in layers:
        if before is not None:
            turns = {p: turn_onto(layer.planes[p], before.turned(p)) for p in PLANES}
            layer = replace(layer, turns=turns)  # noqa: PLW2901
        turned.append(layer)
        before = layer
    return turned


def aligned(
    snapshots: Sequence[SnapshotStudy], layers: Sequence[LayerStudy]
) -> tuple[SnapshotStudy, ...]:
    """Turn every frame onto its neighbour's, so that points move as the network did.

    The last snapshot is turned as the studied layers are; then every layer's frames
    from the last epoch back to the first, each onto the next. Frames of the fixed basis
    have one basis for all epochs, and one turn.

    Parameters
    ----------
    snapshots : sequence of SnapshotStudy
    layers : sequence of LayerStudy
        The studied ones, which are those of the last snapshot.
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
    is stretched or moved: distances within the frame are as they were.

    Parameters
    ----------
    frame, target : arrays, shape (samples, 2)
        The same samples in the same order.
    """
    from scipy.linalg import orthogonal_procrustes

    centre = frame.mean(axis=0, dtype=np.float64)
    rotation, _ = orthogonal_procrustes(
        frame - centre, target - target.mean(axis=0, dtype=np.float64)
    )
    return Turn(centre, rotation)
