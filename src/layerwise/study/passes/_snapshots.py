"""How a network came to be: the same stated sample, seen by every snapshot of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from jaxtyping import Float

from layerwise.statistics import discriminants, principal_components
from layerwise.study.measures import LayerEvidence, LayerSample, Neighbourhood, measured
from layerwise.study.passes._fitting import two_columns
from layerwise.study.records import LayerStudy, SnapshotLayer, SnapshotStudy
from layerwise.study.subjects import Stage
from layerwise.threads import each

__all__ = ["aligned", "rotated_onto", "snapshot_studies"]

Frame = Float[np.ndarray, "samples 2"]


def snapshot_studies(
    stages: Sequence[Stage], studied: Sequence[LayerStudy], classes: int
) -> list[SnapshotStudy]:
    """Measure a network on its way, and look at it through three bases.

    Parameters
    ----------
    stages : sequence of Stage
    studied : sequence of LayerStudy
        The studied network's layers, the fixed basis of each among them.
    classes : int
    """

    def seen(stage: Stage, layer: LayerStudy, own: LayerSample) -> SnapshotLayer:
        evidence = LayerEvidence.of_sample(own, classes, len(layer.moments.scatter))
        bases = {
            "components": principal_components(evidence.fitted, min(2, layer.units)),
            "discriminants": discriminants(evidence.fitted),
            "fixed": layer.components,
        }
        frames = {
            name: two_columns(basis.project(own.scored)[:, :2])
            for name, basis in bases.items()
        }
        # The untrained network is what all is compared with: nothing is left out.
        near = Neighbourhood.of(own.scored) if stage.epoch == 0 else None
        return SnapshotLayer(layer.name, measured(evidence, near), frames)

    all_layers = [
        (stage, layer, own)
        for stage in stages
        for layer, own in zip(studied, stage.layers, strict=True)
    ]
    found = iter(each(lambda one: seen(*one), all_layers))
    return [SnapshotStudy(s.epoch, tuple(islice(found, len(studied)))) for s in stages]


def aligned(snapshots: Sequence[SnapshotStudy]) -> tuple[SnapshotStudy, ...]:
    """Turn every frame onto its neighbour's, so that points move as the network did.

    The last snapshot's layers are turned one after another, each onto the one before
    it; then every layer's frames from the last epoch back to the first. Frames of the
    fixed basis have one basis for all epochs and stay as they are.
    """
    turned: list[SnapshotStudy] = []
    for snapshot in reversed(snapshots):
        layers: list[SnapshotLayer] = []
        for place, layer in enumerate(snapshot.layers):
            if turned:
                onto = turned[-1].layers[place].frames
            else:
                onto = layers[-1].frames if layers else layer.frames
            layers.append(replace(layer, frames=_turned(layer.frames, onto)))
        turned.append(replace(snapshot, layers=tuple(layers)))
    return tuple(reversed(turned))


def _turned(frames: Mapping[str, Frame], onto: Mapping[str, Frame]) -> dict[str, Frame]:
    return {
        name: frame if name == "fixed" else rotated_onto(frame, onto[name])
        for name, frame in frames.items()
    }


def rotated_onto(frame: Frame, target: Frame) -> Frame:
    """Rotate, and mirror if need be, a frame about its centre to lie on another.

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
    return ((frame - centre) @ rotation + centre).astype(np.float32)
