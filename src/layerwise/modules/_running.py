"""What of a module stands still: running statistics of BatchNorm, frozen layers."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from layerwise.data import Samples
from layerwise.modules._calling import BATCH_NORMS, evaluation, logits_by
from layerwise.statistics import FEW, Share, share

BATCH = 256
"""Samples whose own statistics take the place of the running ones."""


@contextmanager
def batch_statistics(module: nn.Module) -> Generator[None]:
    """Let every BatchNorm scale by the batch, as in training; nothing is changed."""
    held = [
        (one, one.running_mean, one.running_var)
        for one in running_normalisations(module)
    ]
    for one, _, _ in held:
        one.running_mean = one.running_var = None
    try:
        yield
    finally:
        for one, mean, variance in held:
            one.running_mean, one.running_var = mean, variance


def running_normalisations(module: nn.Module) -> list[Any]:
    """Return every BatchNorm that has running statistics."""
    return [
        one
        for one in module.modules()
        if isinstance(one, BATCH_NORMS) and one.running_mean is not None
    ]


def running_and_batch_accuracy(
    module: nn.Module, samples: Samples
) -> tuple[Share, Share] | None:
    """Return the accuracy by running statistics, and by those of batches.

    The batches are drawn, so that samples in the order of their classes are mixed.

    Returns
    -------
    tuple of Share, or None
        None where there is no BatchNorm, or too few samples for statistics of them.
    """
    if len(samples) < FEW or not running_normalisations(module):
        return None
    order = np.random.default_rng(0).permutation(len(samples))
    parts = np.array_split(order, max(1, len(order) // BATCH))
    with evaluation(module), torch.no_grad():
        running = [_right(module, samples, part) for part in parts]
        with batch_statistics(module):
            batch = [_right(module, samples, part) for part in parts]
    return share(np.concatenate(running)), share(np.concatenate(batch))


def _right(module: nn.Module, samples: Samples, part: np.ndarray) -> np.ndarray:
    logits = logits_by(module, np.asarray(samples.inputs[part]))
    return logits.argmax(dim=1).cpu().numpy() == samples.targets[part]


def frozen_layers(module: nn.Module) -> list[str]:
    """Return the layers with weights of which none follows a gradient."""
    return [
        name or type(module).__name__
        for name, part in module.named_modules()
        if (own := list(part.parameters(recurse=False)))
        and not any(one.requires_grad for one in own)
    ]
