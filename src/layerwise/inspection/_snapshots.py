"""How a network came to be: the same stated sample, seen by every snapshot of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from layerwise.data import Samples
from layerwise.inspection._capture import layer_rows, two_columns
from layerwise.inspection._measures import LayerEvidence, LayerSample, measured
from layerwise.inspection._sampled import Neighbourhood
from layerwise.inspection._study import LayerStudy, SnapshotLayer, SnapshotStudy
from layerwise.inspection._together import each
from layerwise.model import Network
from layerwise.statistics import discriminants, principal_components

__all__ = ["StatedSample", "aligned", "layer_samples", "rotated_onto", "snapshot_study"]

Frame = Float[np.ndarray, "samples 2"]


@dataclass(frozen=True, eq=False)
class StatedSample:
    """The samples on which neighbours and snapshots are measured: a stratified draw.

    Parameters
    ----------
    fitting, scored : Samples
    """

    fitting: Samples
    scored: Samples


def layer_samples(network: Network, sample: StatedSample) -> list[LayerSample]:
    """Return the stated sample as the input and every layer have it."""
    fitting = layer_rows(network, sample.fitting.inputs)
    scored = layer_rows(network, sample.scored.inputs)
    return [
        LayerSample(
            fitting=fitted_rows,
            fitting_targets=sample.fitting.targets,
            scored=rows,
            targets=sample.scored.targets,
        )
        for fitted_rows, rows in zip(fitting, scored, strict=True)
    ]


def snapshot_study(
    epoch: int | None,
    network: Network,
    sample: StatedSample,
    studied: Sequence[LayerStudy],
) -> SnapshotStudy:
    """Measure a network on its way, and look at it through three bases.

    Parameters
    ----------
    studied : sequence of LayerStudy
        The studied network's layers, the fixed basis of each among them.
    """
    classes = len(network.class_names)

    def seen(layer: LayerStudy, own: LayerSample) -> SnapshotLayer:
        evidence = LayerEvidence.of_sample(own, classes)
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
        near = Neighbourhood.of(own.scored) if epoch == 0 else None
        return SnapshotLayer(layer.name, measured(evidence, near), frames)

    samples = layer_samples(network, sample)[1:]
    layers = each(lambda pair: seen(*pair), zip(studied, samples, strict=True))
    return SnapshotStudy(epoch, tuple(layers))


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
