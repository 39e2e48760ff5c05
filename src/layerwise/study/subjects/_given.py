"""What a module was given: the range of its inputs, and whether another is better."""

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from layerwise.data import Samples, Scaling, fit_scaling
from layerwise.modules import (
    ArraySource,
    Batch,
    Capture,
    Source,
    batch_statistics,
    running_normalisations,
)
from layerwise.names import ScalingKind
from layerwise.statistics import FEW, NOTABLE, Share, exceeds
from layerwise.study.records import Finding
from layerwise.wording import count, number, percent

LOOKED_AT = 2000
"""So many validation samples are passed under each scaling."""

GLANCED_AT = 128
"""After so many samples it shows whether there may be something to say."""

FAR_LOWER = 0.7
"""A loss below this share of another is far lower, where the difference is also more
than three standard errors of the samples' own differences."""


def given_findings(
    capture: Capture, scaling: Scaling, train: Samples, validation: Samples | None
) -> Iterator[Finding]:
    """Say in which range inputs were given, and under which others the loss is lower.

    Scalings are fitted on the training samples, and compared on the validation samples
    where there are any.
    """
    rows = np.asarray(train.inputs[:LOOKED_AT])
    rows = scaling.apply(rows, np.float32)
    if not np.isfinite(rows).all():
        return  # counting names the sample
    low, high, mean, std = map(float, (rows.min(), rows.max(), rows.mean(), rows.std()))
    how = "not scaled" if scaling.kind == "none" else f"scaled by {scaling.kind!r}"
    yield Finding(
        "module input",
        f"The module was given inputs from {number(low)} to {number(high)}",
        f"Their mean is {number(mean)}, their std {number(std)}; they were {how}.",
        {"min": low, "max": high, "mean": mean, "std": std, "scaling": scaling.kind},
        "counted" if len(train) <= LOOKED_AT else "measured",
    )
    if validation is not None and capture.predict is not None:
        yield from _better(capture, scaling, train, validation)


def _better(
    capture: Capture, scaling: Scaling, train: Samples, validation: Samples
) -> Iterator[Finding]:
    """Say under which other scaling the validation loss is far lower, if one is."""
    some = validation.at(np.arange(min(len(validation), LOOKED_AT)))
    now, right_now = _losses(capture, some, scaling)
    others = {
        kind: _losses(capture, some, fit_scaling(train.inputs, kind))
        for kind in get_args(ScalingKind)
        if kind != scaling.kind
    }
    means = [np.nan_to_num(losses.mean(), nan=np.inf) for losses, _ in others.values()]
    kind = list(others)[int(np.argmin(means))]
    best, right = others[kind]
    errors = 3 * (now - best).std() / np.sqrt(len(now))
    if len(now) < 2 or not best.mean() < min(
        FAR_LOWER * now.mean(), now.mean() - errors
    ):
        return
    yield Finding(
        "input scaling",
        f"The inputs may be scaled wrongly: {kind!r} lowers the validation loss",
        f"It falls from {number(float(now.mean()))} to {number(float(best.mean()))}, "
        f"and the accuracy on {count(len(now))} validation samples goes from "
        f"{percent(right_now)} to {percent(right)}. Scale inputs as in training: "
        f"--scaling {kind}, or lw.inspect(…, scaling={kind!r}).",
        {
            "scaling": kind,
            "loss": (float(now.mean()), float(best.mean())),
            "accuracy": (right_now, right),
            "samples": len(now),
        },
    )


def _losses(
    capture: Capture, samples: Samples, scaling: Scaling
) -> tuple[Float[np.ndarray, " samples"], float]:
    """Return each sample's cross-entropy, and the accuracy."""
    found: list[Any] = []
    right: list[Any] = []
    for _, batch in ArraySource(capture.module, samples, scaling).batches():
        logits = _logits(capture, batch)
        targets = torch.tensor(batch.targets, device=logits.device).long()
        found.append(nn.functional.cross_entropy(logits, targets, reduction="none"))
        right.append(logits.argmax(dim=1) == targets)
    losses = torch.cat(found).double().cpu().numpy()
    return losses, float(torch.cat(right).double().mean())


def running_findings(capture: Capture, source: Source) -> Iterator[Finding]:
    """Say that running statistics of BatchNorm are not those of the samples.

    Compared on the first batches, where those have enough samples for statistics; on
    no more than `GLANCED_AT` where the running ones are as good there: each sample is
    passed twice, which would be two of some four passes of a study.
    """
    if capture.predict is None or not running_normalisations(capture.module):
        return
    running = batch_own = samples = 0
    for _, batch in source.batches():
        targets = np.asarray(batch.targets)
        if len(targets) < FEW or samples >= LOOKED_AT:
            break
        samples += len(targets)
        running += _right(capture, batch, targets)
        with batch_statistics(capture.module):
            batch_own += _right(capture, batch, targets)
        if samples >= GLANCED_AT and batch_own <= running:
            return
    if not samples:
        return
    now, own = (Share.of(right / samples, samples) for right in (running, batch_own))
    if not exceeds(own, now, NOTABLE):
        return
    yield Finding(
        "stale running statistics",
        "The running statistics of BatchNorm are stale: "
        f"{percent(now.value)} right instead of {percent(own.value)}",
        f"Of {count(samples)} samples, in evaluation mode and with the statistics of "
        "each batch, as in training mode. Pass training samples in training mode once "
        "more (torch.optim.swa_utils.update_bn).",
        {"running": now.value, "batch": own.value, "samples": samples},
    )


def _right(capture: Capture, batch: Batch, targets: Int[np.ndarray, " samples"]) -> int:
    said = _logits(capture, batch).argmax(dim=1).cpu().numpy()
    return int(np.sum(said == targets))


def _logits(capture: Capture, batch: Batch) -> torch.Tensor:
    logits = capture.logits(batch)
    assert logits is not None, "only what predicts is asked"
    return logits
