"""The torch engine: any module, its gradients by autograd, on CPU and CUDA.

The mathematics around the module is that of the other engines: the losses' forward
lines, the mean over a batch, and the optimisers run on tensors. Under ``torchrun``
every rank takes its slice of the same global batch, and ``DistributedDataParallel``
adds up the gradients.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise import ranks
from layerwise.arrays import Tree, leaves, to_numpy, torch_device_named, tree_map
from layerwise.data import Samples
from layerwise.model import BLOCK_ROWS, Network, hits, target_rows
from layerwise.modules import MODULE_ROWS, Watched
from layerwise.training._history import silent_shares
from layerwise.training.engines._engine import Problem, Score, State, Steps
from layerwise.training.engines._graph import (
    REPLAYED_STEPS,
    RecordedStep,
    recorded_step,
)
from layerwise.training.engines._live import fill, greatest_slopes, live

SHARE_OF_DEVICE = 0.5
"""Training inputs lie on a CUDA device where they take at most this of its memory."""


@dataclass(frozen=True, eq=False)
class _Step:
    """A step, as this rank sees it: its slice of the samples that count.

    ``total`` is the sum of the weights over all ranks; ``at`` is where the step lies in
    what a recorded one reads, shape (1,), if it can be replayed.
    """

    number: int
    rows: np.ndarray
    weights: np.ndarray
    total: Any
    rate: Any
    at: Tensor | None = None


class TorchEngine:
    """Advances a torch module: a network by hand as its twin, or any other."""

    name = "torch"

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._device = torch_device_named(problem.device)
        ranks.join()
        if self._device.type == "cuda":
            self._device = torch.device("cuda", torch.cuda.current_device())
        self._live = live(problem.network, self._device)
        self._slots = tree_map(torch.clone, problem.optimiser.init(self._live.vector))
        self._matrices = self._of_matrices() if problem.l2 else None
        self._forward = self._live.module
        if ranks.joined():
            own = [self._device] if self._device.type == "cuda" else None
            self._forward = torch.nn.parallel.DistributedDataParallel(
                self._live.module,
                device_ids=own,
                # A module may leave layers out of a step; our own networks do not.
                find_unused_parameters=not isinstance(problem.network, Network),
            )
        self._inputs, self._targets = self._resident(problem.samples)
        self._recorded: RecordedStep | None = None
        # Under several ranks the exchange would have to be recorded too. Inputs that
        # are not on the device are gathered on the host, which no graph does.
        self._replays = self._inputs is not None and not ranks.joined()
        self._latest: State | None = None

    def advance(self, state: State, start: int, stop: int) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        steps = self._steps(start, stop)
        with self._training():
            if self._replays and self._recorded is None:
                self._record(steps)
            self._load(state)
            done, records = self._followed(steps)
            # As in the eager engine: what has overflowed is looked for afterwards.
            if not (np.isfinite(records.losses).all() and self._is_finite()):
                self._load(state)
                done, records = self._followed(steps, careful=True)
            if ranks.joined():
                # Running means are those of rank 0's samples, on every rank.
                self._from_first([*(self._live.kept or {}).values()])
        self._latest = State(self._live.parameters(), self._shown_slots(), start + done)
        return self._latest, records

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        # A state is known by identity: what this engine gave last is still in place.
        if self._latest is None or parameters is not self._latest.parameters:
            self._live.load(parameters)
            self._latest = None
        is_ours = isinstance(self._problem.network, Network)
        size = BLOCK_ROWS if is_ours else MODULE_ROWS
        own = range(len(samples))[ranks.own_share(len(samples))]
        found = torch.zeros(3, dtype=torch.float64, device=self._device)
        greatest: list[Tensor] | None = None
        self._live.module.eval()
        with torch.no_grad():
            for start in range(own.start, own.stop, size):
                rows = slice(start, min(start + size, own.stop))
                weights = self._tensor(samples.weights_at(np.r_[rows]))
                sums, seen = self._scored(samples, rows, weights)
                found += sums
                observed = self._live.observed
                own_greatest = greatest_slopes(seen, observed, weights > 0)
                greatest = _larger(greatest, own_greatest)
        of_layers = greatest and [to_numpy(of_layer) for of_layer in greatest]
        parts = ranks.gathered((to_numpy(found), of_layers))
        loss, right, total = np.sum([part for part, _ in parts], axis=0)
        slopes = [of_rank for _, of_rank in parts if of_rank is not None]
        return Score(float(loss / total), float(right / total), silent_shares(slopes))

    def _scored(
        self, samples: Samples, rows: slice, weights: Tensor
    ) -> tuple[Tensor, Watched]:
        """Return what some samples add to loss, hits and weight, in float64.

        And what was seen of the layers meanwhile.
        """
        if samples is self._problem.samples and self._inputs is not None:
            inputs, targets = self._inputs[rows], self._targets[rows]
        else:
            places = np.r_[rows]
            inputs, targets = samples.inputs[places], samples.targets[places]
            targets = self._tensor(targets)
        seen = self._live.watched(self._live.module, self._live.inputs(inputs))
        outputs = self._live.logits(seen.answer, len(targets))
        losses = self._losses(outputs, targets)
        parts = [losses, hits(outputs, targets), torch.ones_like(losses)]
        # Not a product: what does not count may be infinite.
        counted = weights > 0
        sums = [
            torch.where(counted, part.double() * weights.double(), 0).sum()
            for part in parts
        ]
        return torch.stack(sums), seen

    def _steps(self, start: int, stop: int) -> list[_Step]:
        """Return this rank's part of the global steps from start to stop."""
        indices, weights = self._problem.batches(start, stop)
        rates = self._problem.rates(start, stop)
        numbers = zip(range(start, stop), indices, weights, rates, strict=True)
        return [_own_part(*of_step) for of_step in numbers]

    def _followed(
        self, steps: list[_Step], *, careful: bool = False
    ) -> tuple[int, Steps]:
        """Do the steps, whatever becomes of the numbers; return how many were done.

        ``careful`` stops at the first that is not finite, which is not kept.
        """
        held: Tree = self._live.vector, self._slots, self._live.kept or {}
        figures: list[Tensor] = []
        health: list[Tensor] = []
        for done, step in enumerate(self._fed(steps)):
            before = tree_map(torch.clone, held) if careful else None
            found, taken = self._step(step)
            figures.append(found)
            health += taken
            if not careful:
                continue
            # Of the sum over the ranks: all of them have to stop at the same step.
            loss_is = bool(torch.isfinite(self._summed(found.clone())[0]))
            if not (loss_is and self._is_finite()):
                fill(held, before)
                if loss_is:
                    figures.append(torch.full_like(found, torch.nan))
                return done, self._records(figures, health)
        return len(steps), self._records(figures, health)

    def _records(self, figures: list[Tensor], health: list[Tensor]) -> Steps:
        """Return the records of steps; ranks add up what each has of the sums."""
        taken = self._problem.no_health()
        if health:
            taken = to_numpy(torch.stack(health))
        if not figures:
            nothing = np.zeros(0, self._problem.dtype)
            return Steps(nothing, nothing, taken)
        losses, rights = to_numpy(self._summed(torch.stack(figures))).T
        return Steps(losses, rights, taken)

    def _seed(self, step: int) -> None:
        """Seed the noise of a step, on the device that is trained on and no other.

        In every step, so that a cut of the training changes no number.
        """
        key = [self._problem.order.seed, step, ranks.rank()]
        seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        if self._device.type == "cuda":
            torch.cuda.manual_seed(seed)
        torch.default_generator.manual_seed(seed)

    def _step(self, step: _Step) -> tuple[Tensor, list[Tensor]]:
        """Make a step; return this rank's part of loss and accuracy, and the health."""
        problem = self._problem
        takes_health = bool(problem.takes_health(step.number))
        if not step.total:
            # A batch without weight is no step, and would divide by 0.
            nothing = torch.zeros(2, dtype=self._live.vector.dtype, device=self._device)
            empty = torch.as_tensor(problem.no_health(int(takes_health)))
            return nothing, [*empty.to(self._device)]
        recorded = self._recorded
        if recorded is None or step.at is None:
            self._seed(step.number)
            make = self._advanced_with_health if takes_health else self._advanced
            figures, *health = make(*self._given(step))
            return figures, health
        if recorded.draws:
            self._seed(step.number)
        figures, *health = recorded(step.at, takes_health=takes_health)
        return figures, health

    def _given(self, step: _Step) -> tuple[Tensor, ...]:
        """Return a step's rows, weights, their sum and the rate as tensors."""
        dtype = self._live.vector.dtype
        numbers = (step.weights, step.total, step.rate)
        real = (torch.tensor(n, dtype=dtype, device=self._device) for n in numbers)
        return torch.tensor(step.rows, dtype=torch.long, device=self._device), *real

    def _advanced(
        self, rows: Tensor, weights: Tensor, total: Tensor, rate: Tensor
    ) -> tuple[Tensor, ...]:
        """Make one step; return this rank's part of the mean loss and accuracy."""
        inputs, targets = self._rows(rows)
        outputs = self._forward(inputs)
        return (self._updated(outputs, targets, (weights, total, rate)),)

    def _advanced_with_health(
        self, rows: Tensor, weights: Tensor, total: Tensor, rate: Tensor
    ) -> tuple[Tensor, ...]:
        """Make one step; return its figures, and the health of the layers in it."""
        before = self._live.vector.clone()
        inputs, targets = self._rows(rows)
        seen = self._live.watched(self._forward, inputs)
        figures = self._updated(seen.answer, targets, (weights, total, rate))
        with torch.no_grad():
            share = weights / total
            return figures, self._live.health(seen, share, before, self._summed)

    def _updated(
        self, outputs: Any, targets: Tensor, numbers: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """Go back from a module's outputs and update; return loss and accuracy.

        The numbers are the samples' weights, their sum over all ranks, and the rate.
        """
        problem, live = self._problem, self._live
        weights, total, rate = numbers
        outputs = live.logits(outputs, len(targets))
        # To 0 and not to None: gradients have to stay views of the one vector.
        live.gradient.zero_()
        share = weights / total
        loss = (self._losses(outputs, targets) * share).sum()
        # DistributedDataParallel divides the sum over the ranks by their number.
        (loss * ranks.world_size() if ranks.joined() else loss).backward()
        with torch.no_grad():
            loss = loss.detach()
            if self._matrices is not None:
                strength = problem.l2 / total
                pull = strength * self._matrices * live.vector
                live.gradient.add_(pull)
                penalty = 0.5 * (pull * live.vector).sum()
                loss = loss + penalty / ranks.world_size()
            moved, slots = problem.optimiser.update(
                live.gradient, self._slots, live.vector, rate
            )
            # In place: the module's parameters are views, and a graph knows addresses.
            live.vector.copy_(moved)
            fill(self._slots, slots)
            right = (hits(outputs, targets).to(share.dtype) * share).sum()
            return torch.stack([loss, right])

    def _losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        network = self._problem.network
        rows = target_rows(targets, len(network.class_names), outputs)
        return network.loss.forward(outputs, rows)[0]

    def _rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of some training samples, on the device."""
        if self._inputs is None:
            inputs: Any = self._problem.samples.inputs[to_numpy(rows)]
        else:
            inputs = self._inputs[rows]
        return self._live.inputs(inputs), self._targets[rows]

    def _resident(self, samples: Samples) -> tuple[Tensor | None, Tensor]:
        """Put the training set on a CUDA device, in its own dtype, where it fits.

        On a CPU its rows are gathered from where they are, a memory map perhaps.
        """
        targets = self._tensor(samples.targets)
        if self._device.type != "cuda":
            return None, targets
        free, _ = torch.cuda.mem_get_info(self._device)
        if samples.inputs.nbytes > SHARE_OF_DEVICE * free:
            return None, targets
        return self._tensor(samples.inputs), targets

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.tensor(np.asarray(array), device=self._device)

    def _of_matrices(self) -> Tensor:
        """Return 1 where the vector holds a matrix, which the penalty is on, else 0."""
        mask = torch.zeros_like(self._live.vector)
        for part in leaves(self._live.shown(mask)):
            part.fill_(float(part.ndim > 1))
        return mask

    def _load(self, state: State) -> None:
        """Set parameters and slots to those of a state, unless they are already."""
        is_there, self._latest = state is self._latest, None
        if is_there:
            return
        self._live.load(state.parameters)
        shown = tree_map(self._shown, self._slots)
        fill(shown, state.slots)
        if ranks.joined():
            # A module's first parameters need not be the same everywhere.
            held = [self._live.vector, *leaves(self._slots)]
            self._from_first([*held, *(self._live.kept or {}).values()])

    def _from_first(self, tensors: list[Tensor]) -> None:
        with ranks.lost_rank():
            for tensor in tensors:
                torch.distributed.broadcast(tensor, src=0)

    def _shown(self, moment: Tensor) -> Tree:
        """Return one of the slots as the state has it: like the parameters."""
        return self._live.shown(moment) if moment.ndim else moment

    def _shown_slots(self) -> Tree:
        return tree_map(lambda slot: self._shown(slot.clone()), self._slots)

    def _is_finite(self) -> bool:
        held = [self._live.vector, *leaves(self._slots)]
        return all(bool(torch.isfinite(tensor).all()) for tensor in held)

    def _summed(self, tensor: Tensor) -> Tensor:
        """Return the sum over all ranks, in place."""
        if ranks.joined():
            with ranks.lost_rank():
                torch.distributed.all_reduce(tensor)
        return tensor

    def _record(self, steps: Sequence[_Step]) -> None:
        """Record the step of a whole batch, if there is one, where that can be done."""
        first = next(filter(self._is_whole, steps), None)
        if first is None:
            return
        self._latest = None  # it is stepped to warm up
        made = self._advanced, self._advanced_with_health
        self._recorded = recorded_step(self._live.module, *made, self._given(first))
        self._replays = self._recorded is not None

    def _fed(self, steps: Sequence[_Step]) -> Iterator[_Step]:
        """Yield the steps; those that can be replayed, with their place in the feed."""
        if self._recorded is None:
            yield from steps
            return
        for start in range(0, len(steps), REPLAYED_STEPS):
            part = steps[start : start + REPLAYED_STEPS]
            whole = filter(self._is_whole, part)
            given = [(s.rows, s.weights, s.total, s.rate) for s in whole]
            places = self._recorded.fed(given)
            for step in part:
                is_whole = self._is_whole(step)
                yield replace(step, at=next(places)) if is_whole else step

    def _is_whole(self, step: _Step) -> bool:
        return len(step.rows) == self._problem.order.batch_size

    @contextmanager
    def _training(self) -> Generator[None]:
        """Be in training mode, with torch's own noise put back afterwards."""
        cuda = self._device.type == "cuda"
        devices = [self._device] if cuda else []
        self._live.module.train()
        with torch.random.fork_rng(devices=devices), ranks.lost_rank():
            yield
        self._live.module.eval()


def _own_part(number: int, rows: np.ndarray, weights: np.ndarray, rate: Any) -> _Step:
    """Return this rank's slice of a batch; samples without weight are left out."""
    counted = np.flatnonzero(weights > 0)
    own = counted[ranks.own_share(len(counted))]
    total = weights.sum()
    if own.size:
        return _Step(number, rows[own], weights[own], total, rate)
    # A rank without samples has one that does not count: it takes part in the exchange.
    return _Step(number, rows[:1], 0 * weights[:1], total, rate)


def _larger(one: list[Tensor] | None, other: list[Tensor]) -> list[Tensor]:
    """Return the larger numbers, tensor by tensor."""
    return other if one is None else list(map(torch.maximum, one, other))
