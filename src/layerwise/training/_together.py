"""Many trainings at once, by groups of one shape: for an accelerator."""

import time
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from layerwise.arrays import leaves
from layerwise.data import Dataset
from layerwise.model import Architecture
from layerwise.training._loop import Result, finished, fit, problem_of
from layerwise.training._recipe import Recipe, ResolvedRecipe
from layerwise.training.engines import Problem, State, Steps, engine_for

__all__ = ["Planned", "fit_together"]

MOST_TOGETHER = 64

MOST_BYTES = 2**31
"""Of a group's training sets and weights: each training has its own on the device, and
on the way there they are on the host twice."""

COPIES = 4
"""Of a network's parameters: with a gradient, and Adam's two moments."""


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
    layer, are one program. Losses and accuracies are those of `fit` to rounding, which
    training can make larger. One that diverges is done again by itself, to find out
    where; one with patience, of another engine or with layers of somebody else's is
    done by itself in the first place.

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
    KeyboardInterrupt
        After Ctrl-C; what was under way is lost.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    settled = [_Settled.of(one) for one in planned]
    for place, one in enumerate(settled):
        groups[one.in_common or place].append(place)
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
    in_common: Hashable
    nbytes: int

    @classmethod
    def of(cls, planned: Planned) -> "_Settled":
        data = planned.data.in_memory()
        recipe = replace(planned.recipe, snapshots=0).resolved(len(data.train))
        problem = problem_of(planned.architecture, data, recipe)
        parameters = sum(leaf.nbytes for leaf in leaves(problem.network.parameters))
        return cls(
            architecture=planned.architecture,
            data=data,
            recipe=recipe,
            in_common=_in_common(problem, recipe),
            nbytes=data.train.inputs.nbytes + COPIES * parameters,
        )

    def problem(self) -> Problem:
        """Return what an engine is made for; made anew, for there may be many."""
        return problem_of(self.architecture, self.data, self.recipe)


def _in_common(problem: Problem, recipe: ResolvedRecipe) -> Hashable:
    """Return what those have in common that it is done with; None: it is alone."""
    if recipe.patience or recipe.engine not in ("auto", "compiled"):
        return None
    from layerwise.training.engines._mapped import in_common

    return in_common(problem)


def _trained(group: Sequence[_Settled]) -> Iterator[Result]:
    """Yield the results of a group; the time of its steps is shared out."""
    problems, began = [one.problem() for one in group], time.perf_counter()
    ends: Sequence[tuple[State, Steps] | None] = [None]
    if len(group) > 1:
        from layerwise.training.engines._mapped import all_steps_together

        orders = [one.recipe.order(len(one.data.train)) for one in group]
        ends = all_steps_together(problems, orders)
    share = (time.perf_counter() - began) / len(group)
    for one, problem, reached in zip(group, problems, ends, strict=True):
        if reached is None:
            yield _alone(one)
            continue
        engine = engine_for(problem, "compiled")
        yield finished(problem, one.data, one.recipe, engine, reached, share)


def _alone(one: _Settled) -> Result:
    result = fit(one.architecture, one.data, one.recipe)
    if result.status == "interrupted":
        raise KeyboardInterrupt
    return result
