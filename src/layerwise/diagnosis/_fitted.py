"""Causes in how much is learnt: too much by heart, or too little."""

from typing import Any

import numpy as np

from layerwise.diagnosis._cause import Cause, advised
from layerwise.diagnosis._evidence import Evidence
from layerwise.statistics import NOTABLE, Share, exceeds
from layerwise.training import LEARNING_RATES
from layerwise.wording import count, number, percent

__all__ = ["overfitting", "underfitting"]

GAP = 0.08
"""So much more right on training than on validation samples, beyond noise. Less is
common where a network fits its data well, and its layers are found among findings."""

WORSE = 1.5
"""A validation loss so many times its least one has turned."""

MORE_EPOCHS = 3


def overfitting(evidence: Evidence) -> Cause | None:
    """Find a validation loss that has turned while training samples are known."""
    epochs = evidence.history.epochs
    if len(epochs) < 3 or evidence.status == "diverged":
        return None
    losses = [epoch.validation_loss for epoch in epochs]
    if not np.isfinite(losses).all():
        return None
    best = int(np.argmin(losses))
    last = epochs[-1]
    share = last.validation_accuracy
    scored = Share.of(share, len(evidence.data.validation))
    gapes = exceeds(evidence.of_training, scored, GAP)
    if not gapes or last.validation_loss < WORSE * losses[best]:
        return None
    dropout = 0.0 if evidence.mlp is None else evidence.mlp.dropout
    change: dict[str, Any] = {} if evidence.recipe.patience else {"patience": 3}
    change |= {} if dropout else {"dropout": 0.3}
    return Cause(
        kind="overfitting",
        step=epochs[best].step,
        text=f"After epoch {epochs[best].epoch} the validation loss rose from "
        f"{number(losses[best])} to {number(last.validation_loss)}; at the end "
        f"{percent(last.train_accuracy)} of the training samples are right and "
        f"{percent(share)} of the validation samples.",
        reason="The network has more freedom than the samples can settle, and goes on "
        "to learn their accidents by heart.",
        remedy=f"Use {advised(change)}."
        if change
        else "Use more samples, or a smaller network.",
        change=change,
        evidence={
            "gap": last.train_accuracy - share,
            "least_validation_loss": losses[best],
            "last_validation_loss": last.validation_loss,
            "best_epoch": epochs[best].epoch,
        },
    )


def underfitting(evidence: Evidence) -> Cause | None:
    """Not even the training samples are known as well as simple methods know others."""
    epochs = evidence.history.epochs
    if evidence.learnt or not epochs or evidence.status == "diverged":
        return None
    last, best = epochs[-1], evidence.baselines.best
    if not exceeds(best, evidence.of_training, NOTABLE):
        return None
    small = _small(evidence)
    change = evidence.unused(
        {
            "epochs": MORE_EPOCHS * evidence.recipe.epochs,
            "optimizer": "adamw",
            "learning_rate": LEARNING_RATES["adamw"],
            "schedule": "one-cycle",
        }
    )
    more = [", with more units (--hidden 100,100)"] if small else []
    change |= {"hidden": (100, 100)} if small else {}
    if evidence.mlp is None or evidence.mlp.dropout:
        more += [", without dropout"]
        change |= {"dropout": 0.0}
    return Cause(
        kind="underfitting",
        text=f"After {count(last.epoch)} epochs {percent(last.train_accuracy)} of the "
        f"training samples are right; simple methods reach {percent(best.value)} of "
        "samples they were not fitted on.",
        reason="The network is too small for the borders between these classes, or it "
        "was stopped, or held back, while it still learnt.",
        remedy=f"Train longer{''.join(more)}.",
        change=change,
        evidence={
            "train_accuracy": last.train_accuracy,
            "expected": best.value,
            "epochs": last.epoch,
            "parameters": evidence.network.parameter_count,
        },
    )


def _small(evidence: Evidence) -> bool:
    mlp = evidence.mlp
    return mlp is not None and (len(mlp.hidden) == 0 or min(mlp.hidden) < 30)
