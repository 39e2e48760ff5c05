"""What a diagnosis is made of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from layerwise.wording import listed, number

__all__ = ["Cause", "Diagnosis", "advised"]


ADVICE: Mapping[tuple[str, Any], str] = MappingProxyType(
    {
        ("activation", "leaky-relu"): "leaky ReLUs (--activation leaky-relu)",
        ("activation", "relu"): "ReLUs (--activation relu)",
        ("init", "he"): "He's initialisation (--init he)",
        ("init", "glorot"): "Glorot's initialisation (--init glorot)",
        ("normalise", True): "normalisation (--normalise)",
        ("residual", True): "skip connections (--residual)",
        ("optimizer", "adamw"): "AdamW (--optimizer adamw)",
        ("patience", 3): "an early stop (--patience 3)",
        ("dropout", 0.3): "dropout (--dropout 0.3)",
    }
)
"""Settings in words."""


def advised(change: Mapping[str, Any]) -> str:
    """Return a change in words, as a sentence lists them.

    >>> advised({"init": "he", "learning_rate": 0.001})
    "He's initialisation (--init he) and a learning rate of 0.001"
    """
    words = {"learning_rate": "a learning rate of"}
    return listed(
        [
            ADVICE[key, value]
            if (key, value) in ADVICE
            else f"{words[key]} {number(value)}"
            for key, value in change.items()
        ]
    )


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong with a training.

    Parameters
    ----------
    kind : str
        What it is: ``exploding``, ``dead units``, …; the same for the same rule.
    text : str
        What happened, in a sentence with numbers.
    reason : str
        Why it happens, in a sentence or two.
    remedy : str
        What fixes it, in words.
    change : mapping of str to Any
        The same as settings: fields of ``MLP`` and ``Recipe``, ``scaling``, and those
        of the data that `Setup.changed` knows; empty where no setting fixes it.
    evidence : mapping of str to Any
        Every number in the sentences, by name.
    layer : str, optional
        Where it began.
    step : int, optional
        When: updates done by then.
    """

    kind: str
    text: str
    reason: str
    remedy: str
    change: Mapping[str, Any]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    layer: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training, the cause to fix first standing first.

    Parameters
    ----------
    causes : tuple of Cause
        Empty where the training is healthy.
    """

    causes: tuple[Cause, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.causes

    @property
    def first(self) -> Cause | None:
        """The cause to fix first."""
        return self.causes[0] if self.causes else None

    def summary(self) -> list[dict[str, Any]]:
        """Return the causes as JSON's types, but for numbers of NumPy."""
        return [asdict(cause) for cause in self.causes]

    def __str__(self) -> str:
        if self.healthy:
            return "healthy: nothing stands out"
        parts = [f"{c.kind}: {c.text} {c.reason} {c.remedy}" for c in self.causes]
        return "\n".join(parts)
