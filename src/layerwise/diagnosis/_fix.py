"""A diagnosis put to work: make the change it names, train again, keep what is best."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from layerwise.baselines import Baselines
from layerwise.diagnosis._diagnose import diagnose
from layerwise.diagnosis._evidence import Cause, scores_of
from layerwise.diagnosis._setup import Setup
from layerwise.errors import InputError
from layerwise.training import Progress, Result, fit
from layerwise.wording import type_in_words

ROUNDS = 4
"""Trainings at most: one cause may hide another."""

USUAL = {
    "init": "he",
    "normalise": True,
    "optimizer": "adamw",
    "learning_rate": None,
    "schedule": "one-cycle",
}
"""What to go back to where the same cause is named again after its change."""


@dataclass(frozen=True, eq=False)
class Round:
    """One change and what came of it.

    Parameters
    ----------
    cause : Cause
        What was named first.
    change : dict
        What was changed because of it.
    setup : Setup
        With the change made.
    result : Result
        Of the training.
    """

    cause: Cause
    change: dict[str, Any]
    setup: Setup
    result: Result


@dataclass(frozen=True, eq=False)
class Fixed:
    """A training before and after.

    Parameters
    ----------
    before : Result
    setup : Setup
        What the best training had.
    result : Result
        The best by validation accuracy, then loss; ``before`` where none was better.
        Where a rare class was missed, by the mean recall of the classes instead.
    rounds : tuple of Round
        Every change that was tried.
    by_class : bool
        Whether the mean recall decided.
    """

    before: Result
    setup: Setup
    result: Result
    rounds: tuple[Round, ...]
    by_class: bool = False


def mean_recall(result: Result) -> float:
    """Return the mean over the classes of the share of validation samples found."""
    samples, classes = result.data.validation, result.data.classes
    predicted = result.network.predict(samples.inputs)
    return scores_of(samples, predicted, classes).balanced_accuracy


def fix(
    setup: Setup,
    before: Result,
    *,
    baselines: Baselines | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Fixed:
    """Fix what the diagnosis names first, train again, and so on until it is healthy.

    The choice between the trainings looks at the validation set only.

    Parameters
    ----------
    setup : Setup
        Of the training ``before``.
    before : Result
        What went wrong.
    baselines : Baselines, optional
        Of its data, where they are known already.
    watch : callable, optional
        As for `fit`, of every training in turn.

    Examples
    --------
    >>> import layerwise as lw
    >>> from layerwise.diagnosis import Setup
    >>> data, slow = lw.load("iris"), lw.Recipe(epochs=5, learning_rate=1e-7)
    >>> setup = Setup(lw.MLP([16]), data, slow)
    >>> fixed = lw.fix(setup, lw.fit(setup.architecture, data, slow))
    >>> fixed.rounds[0].cause.kind
    'learning rate too low'
    """
    if not isinstance(setup, Setup):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"{type_in_words(setup)} is no setup of a training: give "
            "layerwise.diagnosis.Setup(architecture, data, recipe)"
        )
    rounds: list[Round] = []
    best = latest = (setup, before)
    by_class = False
    simple = baselines or Baselines(before.data, before.recipe.seed)
    while len(rounds) < ROUNDS:
        cause, change = _next(latest[1], simple, rounds)
        change = latest[0].possible(change)
        if cause is None or not change:
            break
        changed = latest[0].changed(change)
        result = fit(
            changed.architecture,
            changed.data,
            changed.recipe,
            optimiser=changed.optimiser,
            watch=watch,
        )
        if changed.data.train is not latest[0].data.train:
            simple = Baselines(result.data, result.recipe.seed)
        latest = (changed, result)
        rounds.append(Round(cause, change, changed, result))
        by_class = any(one.cause.kind == "class imbalance" for one in rounds)
        best = max(best, latest, key=lambda pair: _rank(pair[1], by_class))
        if result.status == "interrupted":
            break
    return Fixed(before, *best, tuple(rounds), by_class)


def _next(
    result: Result, simple: Baselines, rounds: list[Round]
) -> tuple[Cause | None, dict[str, Any]]:
    """Return what to fix next, and how.

    What is no cause for alarm can still be better: a training that is fixed goes back
    to the usual settings, once, where simple methods do better on the validation set.
    """
    cause = diagnose(result, simple).first
    if cause is not None:
        again = any(one.cause.kind == cause.kind for one in rounds)
        return cause, dict(cause.change) | (USUAL if again and cause.change else {})
    if not rounds or result.validation.accuracy >= simple.best.value:
        return None, {}
    last = rounds[-1].change
    return rounds[-1].cause, {} if USUAL.items() <= last.items() else dict(USUAL)


def _rank(result: Result, by_class: bool) -> tuple[bool, float, float]:
    validation = result.validation
    reached = mean_recall(result) if by_class else validation.accuracy
    return result.status != "diverged", reached, -validation.loss
