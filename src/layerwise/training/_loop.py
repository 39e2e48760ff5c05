"""The training loop, the same for every engine: epochs, evaluation, stop."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from layerwise import ranks
from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Dataset, Samples
from layerwise.errors import InputError
from layerwise.model import Architecture, Network, TrainedNetwork, initial_network
from layerwise.training._history import Epoch, History, Snapshot, snapshot_epochs
from layerwise.training._recipe import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    Recipe,
    ResolvedRecipe,
)
from layerwise.training.engines import (
    Engine,
    EngineKind,
    Problem,
    Score,
    State,
    Steps,
    Task,
    engine_for,
    engine_kind,
    on_host,
)
from layerwise.wording import type_in_words

if TYPE_CHECKING:
    from torch import nn

    from layerwise.modules import TorchModule

Trainable: TypeAlias = "Architecture | TorchModule | nn.Module"
"""What a network is trained from."""

CHUNK_SECONDS = 0.2
"""How long an engine runs before the loop looks up: for the screen, and for Ctrl-C."""

TRAINING_SCORED = 10_000
"""Training samples that are scored on the way: all of MNIST's, after every epoch, take
a quarter of the time of its steps and more, and say the same to half a point."""


@dataclass(frozen=True)
class Progress:
    """What a watcher is told, a few times a second.

    Parameters
    ----------
    step, total_steps, epochs : int
        The steps done, those of the whole training, and its epochs.
    loss, accuracy : float
        Of the last step's batch.
    steps_per_second : float
        By the time spent in steps; 0 before the second stretch of them.
    latest : Epoch or None
        The last one that was scored.
    history : History
        All records so far.
    """

    step: int
    total_steps: int
    epochs: int
    loss: float
    accuracy: float
    steps_per_second: float
    latest: Epoch | None
    history: History


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that is needed to go on: the same training follows as if it had not stopped.

    Parameters
    ----------
    state : State
        Parameters, slots and step, on the host.
    history : History
        The records so far.
    best : tuple of Epoch and tree, optional
        The epoch of the lowest validation loss and its parameters, where that is kept.
    snapshots : dict of int to tree
        The parameters kept on the way, on the host, by epoch in rising order. Those of
        epoch 0 are among them only for a module of torch: the seed gives those of a
        network by hand again, to the byte.
    seconds : float
        How long the training took to here, in all its runs.
    """

    state: State
    history: History
    best: tuple[Epoch, Any] | None = None
    snapshots: dict[int, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"Checkpoint(step={self.state.step}, history={self.history})"


@dataclass(frozen=True, eq=False)
class Result:
    """A training that has ended.

    Parameters
    ----------
    network : TrainedNetwork
        As trained; where training diverged or was interrupted, its last finite state.
        A module of torch is in it as ``lw.to_torch(network)``.
    history : History
        Every step and epoch.
    recipe : Recipe
        The settings, defaults filled in.
    status : str
        ``finished``, ``diverged`` or ``interrupted``.
    validation, test : Score
        Of ``network``; the test set is scored here, once.
    seconds : float
        From the first step to the last evaluation.
    steps_per_second : float
        Steps by the time spent in steps, without compilation and evaluation; 0 where
        none was timed, as where a training that had done all its steps is resumed.
    checkpoint : Checkpoint
        From which an interrupted training goes on.
    engine : str
        The engine that trained, a key of ``ENGINES``.
    snapshots : tuple of Snapshot
        The networks on the way, the untrained one first; where training stopped early,
        those that were reached. They are kept as they were: with ``patience`` the last
        need not be ``network``, which is the best.
    data : Dataset
        What it was trained on.
    optimiser : Optimiser
        What turned gradients into updates.
    """

    network: TrainedNetwork
    history: History
    recipe: ResolvedRecipe
    status: str
    validation: Score
    test: Score
    seconds: float
    steps_per_second: float
    checkpoint: Checkpoint
    engine: str
    snapshots: tuple[Snapshot, ...]
    data: Dataset
    optimiser: Optimiser

    def __repr__(self) -> str:
        return (
            f"Result({self.status!r}, epochs={self.epochs}, "
            f"validation_accuracy={self.validation.accuracy}, "
            f"test_accuracy={self.test.accuracy}, network={self.network})"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the curves, and over them the page."""
        from layerwise.presentation import result_html

        return result_html(self)

    @property
    def epochs(self) -> int:
        """Passes over the training set that were finished."""
        order = self.recipe.order(len(self.data.train))
        return self.checkpoint.state.step // order.steps_per_epoch


def _dataset(data: Any) -> Dataset:
    """Return what is to be trained on as a data set of ours, if it is one of others'.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return Dataset.of(data)
    except InputError as error:
        raise InputError(
            "a network is trained on a layerwise.Dataset, not on "
            f"{type_in_words(data)}: {error}; or make one "
            "with lw.Dataset.from_arrays(X, y), X the inputs and y the labels as arrays"
        ) from error


def fit(  # noqa: PLR0913 - one more than six, all but three by name
    architecture: Trainable,
    data: Any,
    recipe: Recipe | None = None,
    *,
    resume: Checkpoint | None = None,
    watch: Callable[[Progress], None] | None = None,
    save: Callable[[Checkpoint], None] | None = None,
    optimiser: Optimiser | None = None,
    **settings: Any,
) -> Result:
    """Train a network on the training set; score it on the others.

    Parameters
    ----------
    architecture : Architecture, TorchModule or torch.nn.Module
        What to train: an ``MLP``, settings of your own, or any module of torch, which
        is copied. Its first parameters are its own, and it gets the inputs as they
        are: see ``TorchModule``.
    data : Dataset, or what `Dataset.of` takes
        Its scaling is fitted on the training set; only the validation set has a say in
        when to stop; the test set is scored once, at the end.
    recipe : Recipe, optional
        How to train.
    resume : Checkpoint, optional
        Where an interrupted training of the same architecture, data and recipe stood.
    watch : callable, optional
        Told of the progress a few times a second.
    save : callable, optional
        Given a checkpoint after every stretch of steps, a few times a second and at
        the end of each epoch; but none that has diverged, from which nothing goes on.
    optimiser : Optimiser, optional
        One of your own, instead of the recipe's.
    **settings
        Changes to the recipe by name: ``epochs=5``, ``seed=1``.

    Returns
    -------
    Result
        Also after Ctrl-C (status ``interrupted``), and where the loss or a parameter
        stopped being finite (status ``diverged``).

    Raises
    ------
    InputError
        If a setting is unknown or out of its range, the data is no Dataset, or the
        module does not fit it.
    MachineError
        If another process of the same job is lost.

    Notes
    -----
    Under ``torchrun`` all processes train one network, each on its slice of the same
    batches; ``watch`` and ``save`` are called in rank 0 alone.

    Examples
    --------
    >>> import layerwise as lw
    >>> result = lw.fit(lw.MLP([16]), lw.load("iris"), seed=0)
    >>> result.status
    'finished'
    """
    data = _dataset(data).in_memory()
    settled = _changed(recipe or Recipe(), settings).resolved(len(data.train))
    problem = problem_of(architecture, data, settled)
    if optimiser is not None:
        problem = replace(problem, optimiser=optimiser)
    training = _Training(engine_for(problem, settled.engine), problem, data, settled)
    checkpoint = resume or _begun(problem)
    status = "finished"
    try:
        for reached in training.stretches(checkpoint):
            checkpoint = reached
            if watch and ranks.is_first():
                watch(training.progress(checkpoint))
            if save and ranks.is_first() and not checkpoint.history.diverged:
                save(checkpoint)
    except KeyboardInterrupt:
        status = "interrupted"
    if checkpoint.history.diverged:
        status = "diverged"
    return training.result(checkpoint, status)


def planned_engine(
    architecture: Trainable, data: Dataset, recipe: Recipe, trainings: int = 1
) -> EngineKind:
    """Return what is known of the engine that such a training, or several, would take.

    Nothing is drawn for it: of a network its sizes suffice.

    Raises
    ------
    InputError
        If the recipe names one that cannot train this.
    """
    settled = recipe.resolved(len(data.train))
    by_hand = isinstance(architecture, Architecture)
    blocks = parameters = 0
    if by_hand:
        features = int(np.prod(data.shape))
        layer = architecture.build(features, data.classes)
        blocks, parameters = len(layer.layers), layer.sizes((features,))[0]
    task = Task(
        is_module=not by_hand,
        device=settled.device,
        steps=settled.steps(len(data.train)) * trainings,
        batch_size=settled.batch_size,
        blocks=blocks,
        parameters=parameters,
    )
    return engine_kind(task, settled.engine)


def score(
    architecture: Trainable,
    data: Dataset,
    recipe: Recipe,
    checkpoint: Checkpoint,
    status: str = "interrupted",
) -> Result:
    """Return the result of a training as it stands at a checkpoint, without a step.

    Its network is the one that a training of this ``status`` ends with: the best of a
    finished one that waited for a lower loss, else the last.
    """
    data = data.in_memory()
    settled = recipe.resolved(len(data.train))
    problem = problem_of(architecture, data, settled)
    # Without a step to take the one that is there at once, whatever the recipe names.
    kind = engine_kind(Task(is_module=not isinstance(problem.network, Network)))
    training = _Training(kind.load(problem), problem, data, settled)
    kept = replace(checkpoint, state=on_host(checkpoint.state))  # of another engine
    return training.result(kept, status)


def _changed(recipe: Recipe, settings: dict[str, Any]) -> Recipe:
    try:
        return replace(recipe, **settings)
    except TypeError as error:
        known = ", ".join(Recipe.__dataclass_fields__)
        names = ", ".join(sorted(set(settings) - set(Recipe.__dataclass_fields__)))
        if not names:
            raise
        raise InputError(f"no setting {names}; a training has {known}") from error


def _begun(problem: Problem) -> Checkpoint:
    """Return where a training begins."""
    state = problem.initial_state()
    by_hand = isinstance(problem.network, Network)
    return Checkpoint(
        state, History(), snapshots={} if by_hand else {0: state.parameters}
    )


def _untrained(
    architecture: Trainable, data: Dataset, recipe: ResolvedRecipe
) -> TrainedNetwork:
    if isinstance(architecture, type):
        what, name = type_in_words(architecture), architecture.__name__
        raise InputError(f"{what} cannot be trained: give an object of it, {name}(…)")
    if isinstance(architecture, Architecture):
        return initial_network(architecture, data, seed=recipe.seed)
    from layerwise.modules import TorchModule, torch_network

    if not isinstance(architecture, TorchModule):
        architecture = TorchModule(architecture)
    return torch_network(architecture, data)


def problem_of(architecture: Trainable, data: Dataset, recipe: Recipe) -> Problem:
    """Return what an engine is made for, to train this on these data so."""
    recipe = recipe.resolved(len(data.train))
    return Problem(
        network=_untrained(architecture, data, recipe),
        samples=_weighted(data.train, recipe.class_weight),
        optimiser=OPTIMISERS[recipe.optimizer],
        schedule=SCHEDULES[recipe.schedule],
        peak_rate=recipe.learning_rate,
        total_steps=recipe.steps(len(data.train)),
        order=recipe.order(len(data.train)),
        device=recipe.device,
    )


def _weighted(samples: Samples, class_weight: str | None) -> Samples:
    """Return the samples so weighted that every class has the same sum.

    As in scikit-learn: samples / (classes · samples of the class).
    """
    if class_weight is None or samples.targets.ndim > 1:
        return samples
    counts = np.bincount(samples.targets)
    shares = len(samples) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    weights = shares[samples.targets] * samples.weights_at(np.arange(len(samples)))
    return replace(samples, weights=weights.astype(np.float32))


@dataclass
class _Training:
    """One training in progress: what does not change, and the clocks."""

    engine: Engine
    problem: Problem
    data: Dataset
    recipe: ResolvedRecipe
    _began: float = field(default_factory=time.perf_counter)
    _stepping: float = 0.0
    _steps_timed: int = 0
    _validated: tuple[Tree, Score] | None = None

    @property
    def steps_per_second(self) -> float:
        """Steps by the time spent in steps; the first, which compiles, left out."""
        return self._steps_timed / self._stepping if self._stepping else 0.0

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def stretches(self, checkpoint: Checkpoint) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every stretch of steps, until the training ends."""
        self._began -= checkpoint.seconds
        first = True
        with ranks.stops_noted() as asked_to_stop:
            while not self._is_over(checkpoint):
                start = checkpoint.state.step
                # One step alone: it compiles, and its time says nothing of the others'.
                stop = start + 1 if first else self._next_stop(start)
                stop = _agreed(stop, asked_to_stop())
                clock = time.perf_counter()
                state, steps = self.engine.advance(checkpoint.state, start, stop)
                if not first:
                    self._stepping += time.perf_counter() - clock
                    self._steps_timed += stop - start
                first = False
                history = _extended(checkpoint.history, steps)
                checkpoint = replace(checkpoint, state=state, history=history)
                epoch, inside = divmod(stop, self.problem.order.steps_per_epoch)
                # Where it diverged before ``stop``, the epoch was not done.
                if not inside and not steps.diverged:
                    checkpoint = self.at_end_of(epoch, checkpoint)
                yield replace(checkpoint, seconds=self._seconds)

    def progress(self, checkpoint: Checkpoint) -> Progress:
        """Return what a watcher is told."""
        history = checkpoint.history
        return Progress(
            step=checkpoint.state.step,
            total_steps=self.problem.total_steps,
            epochs=self.recipe.epochs,
            loss=float(history.losses[-1]),
            accuracy=float(history.accuracies[-1]),
            steps_per_second=self.steps_per_second,
            latest=history.epochs[-1] if history.epochs else None,
            history=history,
        )

    def result(self, checkpoint: Checkpoint, status: str) -> Result:
        """Score the network that the training ended with; put all of it together."""
        parameters = checkpoint.state.parameters
        # One that was interrupted goes on from where it stands, not from its best.
        if checkpoint.best and status == "finished":
            parameters = checkpoint.best[1]
        return Result(
            network=replace(
                self.problem.network, parameters=tree_map(to_numpy, parameters)
            ),
            history=checkpoint.history,
            recipe=self.recipe,
            status=status,
            validation=self._on_validation(parameters),
            test=self.engine.evaluate(parameters, self.data.test),
            seconds=self._seconds,
            steps_per_second=self.steps_per_second,
            checkpoint=replace(checkpoint, state=on_host(checkpoint.state)),
            engine=self.engine.name,
            snapshots=self._snapshots(checkpoint),
            data=self.data,
            optimiser=self.problem.optimiser,
        )

    def _snapshots(self, checkpoint: Checkpoint) -> tuple[Snapshot, ...]:
        untrained = self.problem.network
        kept = {0: untrained.parameters} | checkpoint.snapshots
        return tuple(
            Snapshot(epoch, replace(untrained, parameters=tree))
            for epoch, tree in kept.items()
        )

    def _next_stop(self, start: int) -> int:
        per_epoch = self.problem.order.steps_per_epoch
        epoch_end = (start // per_epoch + 1) * per_epoch
        # As long as the machine is fast: where stretches end changes no byte.
        steps = max(1, int(CHUNK_SECONDS * (self.steps_per_second or 50)))
        return min(start + steps, epoch_end)

    def _is_over(self, checkpoint: Checkpoint) -> bool:
        state, history = checkpoint.state, checkpoint.history
        if state.step >= self.problem.total_steps or history.diverged:
            return True
        best = checkpoint.best
        return best is not None and self._has_waited(history.epochs[-1].epoch, best[0])

    def at_end_of(self, epoch: int, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint with what an epoch's end adds."""
        every = self.recipe.evaluate_every
        if (every and epoch % every == 0) or epoch == self.recipe.epochs:
            checkpoint = self._evaluated(epoch, checkpoint)
        if epoch not in snapshot_epochs(self.recipe.epochs, self.recipe.snapshots):
            return checkpoint
        kept = on_host(checkpoint.state).parameters
        return replace(checkpoint, snapshots=checkpoint.snapshots | {epoch: kept})

    def _evaluated(self, number: int, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint with an epoch's figures."""
        parameters = checkpoint.state.parameters
        validation = self._on_validation(parameters)
        best = checkpoint.best
        lowest = best is None or validation.loss < best[0].validation_loss
        # Known before the epoch is recorded: `_is_over` asks the same afterwards.
        ends = number == self.recipe.epochs or (
            not lowest and best is not None and self._has_waited(number, best[0])
        )
        # Whether a unit is dead depends on how many samples are asked: always as many.
        part, whole = self._some_trained, self.data.train
        some = train = self.engine.evaluate(parameters, part)
        if ends and part is not whole:  # for what is said of the network that results
            train = self.engine.evaluate(parameters, whole)
        epoch = Epoch(
            epoch=number,
            step=checkpoint.state.step,
            seconds=self._seconds,
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            validation_loss=validation.loss,
            validation_accuracy=validation.accuracy,
            dead=some.dead,
        )
        history = checkpoint.history
        history = replace(history, epochs=(*history.epochs, epoch))
        if self.recipe.patience is not None and lowest:
            best = (epoch, on_host(checkpoint.state).parameters)
        return replace(checkpoint, history=history, best=best)

    def _on_validation(self, parameters: Tree) -> Score:
        """Return their score; the network that results was scored with its epoch."""
        if self._validated is None or self._validated[0] is not parameters:
            score = self.engine.evaluate(parameters, self.data.validation)
            self._validated = parameters, score
        return self._validated[1]

    def _has_waited(self, epoch: int, best: Epoch) -> bool:
        """Return whether it has been long enough since the lowest validation loss."""
        patience = self.recipe.patience
        return patience is not None and epoch - best.epoch >= patience

    @cached_property
    def _some_trained(self) -> Samples:
        """At most `TRAINING_SCORED` samples, evenly from all of the training set."""
        train = self.data.train
        if len(train) <= TRAINING_SCORED:
            return train  # itself: an engine may have it on its device
        return train.at(train.spread(TRAINING_SCORED))


def _agreed(stop: int, asked: bool) -> int:
    """Return where all ranks stop next: their clocks differ, their steps must not.

    Raises
    ------
    KeyboardInterrupt
        On every rank, if one of them was asked to stop.
    """
    wanted = ranks.gathered((stop, asked))
    if any(asked for _, asked in wanted):
        raise KeyboardInterrupt
    return wanted[0][0]


def _extended(history: History, steps: Steps) -> History:
    return replace(
        history,
        losses=np.concatenate([history.losses, steps.losses]),
        accuracies=np.concatenate([history.accuracies, steps.accuracies]),
        health=np.concatenate([history.health, steps.health])
        if len(history.health)
        else steps.health,
    )
