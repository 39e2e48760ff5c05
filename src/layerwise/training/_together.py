"""Many trainings at once, by groups of one shape: for an accelerator."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from layerwise.data import Dataset
from layerwise.model import Architecture
from layerwise.training._loop import Result, finished, fit, problem_of
from layerwise.training._recipe import Recipe, ResolvedRecipe
from layerwise.training.engines import Problem, State, Steps, engine_for

__all__ = ["Planned", "fit_together"]

MOST_TOGETHER = 64

MOST_BYTES = 2**32
"""Of the training sets of a group: each training has its own on the device."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A training to do.

    Parameters
    ----------
    architecture : Architecture
    data : Dataset
    recipe : Recipe
        Snapshots are not kept, and there is one evaluation, after the last epoch.
    """

    architecture: Architecture
    data: Dataset
    recipe: Recipe


def fit_together(planned: Sequence[Planned]) -> Iterator[tuple[int, Result]]:
    """Train many networks, those of one shape at once; for networks by hand.

    Trainings that differ in their seed, learning rate or data, but in no size and no
    layer, are one program. Losses and accuracies are those of `fit` to rounding,
    which training can make larger. One that diverges, or that has patience, is done
    again by itself.

    Parameters
    ----------
    planned : sequence of Planned

    Yields
    ------
    place : int
        Of a training in ``planned``.
    result : Result
        As soon as its group is done, which is in no particular order.

    Raises
    ------
    InputError
        As `fit`.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    settled = [_Settled.of(one) for one in planned]
    for place, one in enumerate(settled):
        groups[one.in_common() or place].append(place)
    for group in groups.values():
        each = max(1, min(MOST_TOGETHER, MOST_BYTES // settled[group[0]].nbytes))
        for start in range(0, len(group), each):
            part = group[start : start + each]
            yield from zip(part, _trained([settled[p] for p in part]), strict=True)


@dataclass(frozen=True, eq=False)
class _Settled:
    """A training to do, its data in memory and its defaults filled in."""

    architecture: Architecture
    data: Dataset
    recipe: ResolvedRecipe

    @classmethod
    def of(cls, planned: Planned) -> "_Settled":
        data = planned.data.in_memory()
        recipe = replace(planned.recipe, snapshots=0).resolved(len(data.train))
        return cls(planned.architecture, data, recipe)

    @property
    def nbytes(self) -> int:
        """What its training set takes."""
        return max(1, self.data.train.inputs.nbytes)

    def problem(self) -> Problem:
        """Return what an engine is made for; made anew, for it may be large."""
        return problem_of(self.architecture, self.data, self.recipe)

    def in_common(self) -> Hashable:
        """Return what those have in common that it is done with; None: it is alone."""
        if self.recipe.patience or self.recipe.engine not in ("auto", "compiled"):
            return None
        from layerwise.training.engines._together import in_common

        return in_common(self.problem())


def _trained(group: Sequence[_Settled]) -> Iterator[Result]:
    """Yield the results of a group."""
    problems = [one.problem() for one in group]
    ends: Sequence[tuple[State, Steps] | None] = [None]
    if len(group) > 1:
        from layerwise.training.engines._together import all_steps_together

        orders = [one.recipe.order(len(one.data.train)) for one in group]
        ends = all_steps_together(problems, orders)
    for one, problem, reached in zip(group, problems, ends, strict=True):
        if reached is None:
            yield fit(one.architecture, one.data, one.recipe)
        else:
            engine = engine_for(problem, "compiled")
            yield finished(problem, one.data, one.recipe, engine, reached)
