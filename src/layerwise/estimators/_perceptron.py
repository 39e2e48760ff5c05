"""What the classifier and the regressor have in common: how they are fitted."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from layerwise.arrays import Tree, tree_map
from layerwise.data import Samples, numbers_of
from layerwise.errors import InputError
from layerwise.estimators._descent import Patience, Verdict, epoch_losses
from layerwise.estimators._lbfgs import minimised
from layerwise.estimators._settings import (
    LARGEST_BATCH,
    checked_settings,
    checked_weights,
    optimiser_of,
    schedule_of,
    untrained_network,
)
from layerwise.estimators._sparse import dense_blocks
from layerwise.training import (
    Engine,
    Optimiser,
    Order,
    Problem,
    State,
    Steps,
    engine_for,
    on_host,
)

SLOWER = 5.0
LEAST_RATE = 1e-6
"""An adaptive rate is divided by the first while it is above the second."""


def follows_epochs(estimator: "Perceptron") -> bool:
    """Return whether training is by epochs, so that one more of them can follow."""
    return estimator.solver != "lbfgs"


@dataclass(eq=False, repr=False)
class Perceptron(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A multilayer perceptron with scikit-learn's interface, whatever its targets are.

    Parameters and attributes are described in ``MLPClassifier``.
    """

    _y_rules: ClassVar[dict[str, bool]] = {}

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: Any = 0.0001
    batch_size: Any = "auto"
    learning_rate: Any = "constant"
    learning_rate_init: Any = 0.001
    power_t: Any = 0.5
    max_iter: Any = 200
    shuffle: Any = True
    random_state: Any = None
    tol: Any = 1e-4
    verbose: Any = False
    warm_start: Any = False
    momentum: Any = 0.9
    nesterovs_momentum: Any = True
    early_stopping: Any = False
    validation_fraction: Any = 0.1
    beta_1: Any = 0.9
    beta_2: Any = 0.999
    epsilon: Any = 1e-8
    n_iter_no_change: Any = 10
    max_fun: Any = 15000
    engine: Any = "auto"
    device: Any = None

    # --- What users call ---------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,  # noqa: N803
        y_val: Any = None,
    ) -> Any:
        """Train on ``X``, shape (samples, features), and its targets ``y``.

        Parameters
        ----------
        X : array, data frame or sparse array, shape (samples, features)
            The training is in its precision: float32 stays, all else is float64.
            A sparse one is filled in with its zeros.
        y : array or series
            The targets, one for each row.
        sample_weight : array, shape (samples,), optional
            How much each sample counts; k times as much is the sample k times.
        X_val, y_val : optional
            A validation set. Its loss and score are kept for every epoch, and with
            ``early_stopping`` it is the one that is looked at.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of its range, the data are not as described, or the
            training diverges.
        """
        begins = not (self.warm_start and hasattr(self, "network_"))
        if X_val is None and y_val is not None:
            raise InputError("y_val is given without X_val: give both, or neither")
        samples = self._samples(X, y, sample_weight, begins=begins)
        if not begins:
            self._check_resumed(samples.targets)
        self._patience = Patience(float(self.tol), float(self.n_iter_no_change))
        held_out = None
        if X_val is not None:
            held_out = self._checked(X_val, y_val, None, reset=False)
        elif self._scores_decide:
            samples, held_out = self._split(samples)
        _check_any_weight(samples, "trained on")
        if held_out is not None:
            _check_any_weight(held_out, "held out for validation")
        unfinished = self._train(samples, held_out, self.max_iter)
        if unfinished:
            warnings.warn(unfinished, ConvergenceWarning, stacklevel=2)
        return self

    def _go_on(self, X: Any, y: Any, sample_weight: Any) -> Any:
        if self.early_stopping:
            raise InputError("partial_fit does not support early_stopping=True")
        begins = not hasattr(self, "network_")
        samples = self._samples(X, y, sample_weight, begins=begins)
        self._train(samples, None, 1, on=True)
        return self

    def transform(self, X: Any, layer: int = -1) -> Any:
        """Return what a hidden layer makes of ``X``, after its activation.

        Parameters
        ----------
        X : array or data frame, shape (samples, features)
        layer : int
            Which hidden layer, counted from 0; -1 is the last.

        Returns
        -------
        array, shape (samples, units)

        Raises
        ------
        ValueError
            If there is no such hidden layer.
        """
        rows = self._rows(X)
        hidden = len(self.network_.layer.layers) - 1
        if not -hidden <= layer < hidden:
            raise InputError(f"layer is {layer}: there are {hidden} hidden layers")
        place = 1 + layer % hidden
        blocks = [
            arrays[place]
            for part in dense_blocks(rows)
            for arrays in self.network_.activations(part)
        ]
        return np.concatenate(blocks)

    # --- What was learnt ---------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weight matrices, shape (fan_in, units) each."""
        return [block[0]["W"] for block in self.network_.parameters]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases, shape (units,) each."""
        return [block[0]["b"] for block in self.network_.parameters]

    @property
    def n_layers_(self) -> int:
        """How many layers there are, input and output included."""
        return len(self.network_.parameters) + 1

    @property
    def n_outputs_(self) -> int:
        """How many outputs there are."""
        return len(self.network_.class_names)

    @property
    def _no_improvement_count(self) -> int:
        # As scikit-learn calls it.
        return self._patience.waited

    @property
    def _n_features_out(self) -> int:
        return len(self.coefs_[-1])

    @property
    def loss_(self) -> float:
        """The mean loss of the last epoch."""
        return self.loss_curve_[-1]

    @property
    def best_loss_(self) -> float | None:
        """The lowest loss of an epoch; None where scores decided."""
        return None if self._scores_decide else min(self.loss_curve_)

    @property
    def best_validation_score_(self) -> float | None:
        """The highest validation score; None where losses decided."""
        return -self._patience.best if self._scores_decide else None

    @property
    def _scores_decide(self) -> bool:
        return bool(self.early_stopping) and follows_epochs(self)

    # --- What the two differ in --------------------------------------------------

    @property
    @abstractmethod
    def _loss_name(self) -> str:
        """A key of ``LOSSES``."""

    @abstractmethod
    def _learn_targets(self, y: np.ndarray) -> tuple[str, ...]:
        """Remember what kind of targets there are; return a name for each output."""

    @abstractmethod
    def _targets(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return ``y`` as ``Samples`` takes it."""

    @abstractmethod
    def _verdict(self, engine: Engine, parameters: Tree, held_out: Samples) -> Verdict:
        """Return the loss and the score of the samples held out."""

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        """Return the targets in the shape in which they are learnt."""
        return y

    def _check_resumed(self, targets: np.ndarray) -> None:
        """Raise an ``InputError`` where a warm start cannot go on with these."""

    def _strata(self, targets: np.ndarray, most: int) -> np.ndarray | None:
        """Return by what to draw a validation set of ``most`` samples, if by anything.

        Where targets are numbers it is drawn at random.
        """
        del targets, most
        return None

    def _class_weights(self, y: np.ndarray) -> np.ndarray | None:
        """Return what each sample counts for the sake of its target."""
        del y
        return None

    # --- How it is done ----------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_settings(self) -> None:
        checked_settings(vars(self))

    def _samples(self, X: Any, y: Any, sample_weight: Any, *, begins: bool) -> Samples:
        """Check the parameters and the data; draw a network where there is none."""
        self._check_settings()
        samples = self._checked(X, y, sample_weight, reset=begins)
        if begins:
            self._begin(samples.inputs)
        return samples

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> Samples:
        with _named_columns(X, type(self).__name__):
            checked: Any = validate_data(
                self,
                X,
                y,
                dtype=(np.float64, np.float32),
                reset=reset,
                accept_sparse=("csr", "csc"),
                **self._y_rules,
            )
        inputs, y = checked
        if issparse(inputs):
            inputs = inputs.toarray()
        if issparse(y):
            y = y.toarray()
        y = self._shaped(y)
        if reset:
            self._output_names = self._learn_targets(y)
        weights = checked_weights(sample_weight, len(inputs), inputs.dtype)
        by_class = self._class_weights(y)
        if by_class is not None:
            weights = by_class if weights is None else weights * by_class
        return Samples(inputs, self._targets(y, inputs.dtype), weights)

    def _begin(self, inputs: np.ndarray) -> None:
        """Draw a network, and forget what an earlier one did."""
        rng = check_random_state(self.random_state)
        self.network_ = untrained_network(
            vars(self), self._loss_name, inputs, self._output_names, rng
        )
        self._rng = rng
        self._slots: tuple[Optimiser, Tree] | None = None
        self._rate = float(self.learning_rate_init)
        self._patience = Patience(float(self.tol), float(self.n_iter_no_change))
        self.t_ = 0
        self.loss_curve_: list[float] = []
        self.validation_losses_: list[float] | None = None
        self.validation_scores_: list[float] | None = None

    def _split(self, samples: Samples) -> tuple[Samples, Samples]:
        """Hold out ``validation_fraction`` of the samples."""
        count = int(np.ceil(self.validation_fraction * len(samples)))
        parts: Any = train_test_split(
            np.arange(len(samples)),
            random_state=self._rng,
            test_size=self.validation_fraction,
            stratify=self._strata(samples.targets, min(count, len(samples) - count)),
        )
        training, validation = parts
        if len(validation) < 2:
            raise InputError(
                f"validation_fraction = {self.validation_fraction} of {len(samples)} "
                "samples are fewer than 2: hold out more, or give X_val and y_val"
            )
        return samples.at(training), samples.at(validation)

    def _train(
        self,
        samples: Samples,
        held_out: Samples | None,
        epochs: int,
        *,
        on: bool = False,
    ) -> str:
        """Train for at most so many epochs; ``on`` keeps what the optimiser remembers.

        Returns
        -------
        str
            Why the training ended before it converged, or nothing.
        """
        if not on:
            self._rate = float(self.learning_rate_init)
        problem = self._problem(samples, epochs, seen=self.t_ if on else 0)
        follows = follows_epochs(self)
        engine = engine_for(problem, self.engine if follows else "eager")
        judge = None
        if held_out is not None:
            judge = partial(self._verdict, engine, held_out=held_out)
        if not follows:
            return self._minimise(samples, judge)
        state = problem.initial_state()
        if on and self._slots and self._slots[0] == problem.optimiser:
            state = state._replace(slots=self._slots[1])
        state, diverged = self._followed(engine, problem, state, judge)
        state = on_host(state)
        self._slots = problem.optimiser, state.slots
        self.network_ = replace(self.network_, parameters=state.parameters)
        if diverged:
            raise self._divergence(samples, int(state.step))
        if self.n_iter_ < self.max_iter or self._patience.is_over:
            return ""
        return (
            f"max_iter = {self.max_iter} epochs are done, and the loss still improves: "
            "allow more of them"
        )

    def _minimise(
        self, samples: Samples, judge: Callable[[Tree], Verdict] | None
    ) -> str:
        """Train by "lbfgs"; return as `_train`."""
        self.n_iter_ = 0

        def watch(parameters: Tree, loss: float) -> None:
            self.n_iter_ += 1
            self._record([loss], judge(parameters) if judge else None)

        options = {
            "maxiter": int(self.max_iter),
            "maxfun": int(self.max_fun),
            "gtol": float(self.tol),
        }
        found = minimised(self.network_, samples, float(self.alpha), options, watch)
        self.network_ = replace(self.network_, parameters=found.parameters)
        if not np.isfinite(found.loss):
            raise self._divergence(samples, found.iterations)
        if not found.iterations:  # it began at the minimum
            self.loss_curve_.append(found.loss)
        self.n_iter_ = found.iterations
        if not found.unfinished:
            return ""
        return (
            f"lbfgs stopped after {found.iterations} iterations, before it converged "
            f"({found.unfinished}): raise max_iter or max_fun, or scale the inputs"
        )

    def _divergence(self, samples: Samples, steps: int) -> InputError:
        inputs = samples.inputs
        largest = float(np.abs(inputs).max())
        if largest >= float(np.finfo(inputs.dtype).max) ** 0.5:
            return InputError(
                f"training diverged after {steps} steps: X holds numbers as large as "
                f"{largest:.3g}, whose squares overflow in {inputs.dtype}, scale the "
                "inputs down"
            )
        numbers = self._loss_name == "squared-error"
        what = "inputs and the targets" if numbers else "inputs"
        return InputError(
            f"training diverged after {steps} steps: choose a lower "
            f"learning_rate_init, or scale the {what}"
        )

    def _problem(self, samples: Samples, epochs: int, seen: int) -> Problem:
        settings, rows = vars(self), len(samples)
        size = LARGEST_BATCH if self.batch_size == "auto" else int(self.batch_size)
        size = min(size, rows)
        # One batch holds all samples: their order would only move the rounding.
        shuffled = self.shuffle and size < rows
        order = Order(rows, size, int(self._rng.randint(2**31 - 1)), shuffled)
        per_epoch = order.steps_per_epoch
        return Problem(
            network=self.network_,
            samples=samples,
            optimiser=optimiser_of(settings),
            schedule=schedule_of(settings, rows, per_epoch, seen),
            peak_rate=self._rate,
            total_steps=epochs * per_epoch,
            order=order,
            device=self.device,
            l2=float(self.alpha),
            health_every=0,
        )

    def _followed(
        self,
        engine: Engine,
        problem: Problem,
        state: State,
        judge: Callable[[Tree], Verdict] | None,
    ) -> tuple[State, bool]:
        """Train by epochs until patience is over, one epoch at least.

        As many are done at a time as there will be in any case: the engine is called
        less often, and nothing is done in vain. One that is judged may be the last:
        none is done before it is.

        Returns
        -------
        State, bool
            The one to keep, and whether the training diverged.
        """
        self.n_iter_ = 0
        per_epoch = problem.order.steps_per_epoch
        epochs = problem.total_steps // per_epoch
        best = state
        try:
            while self.n_iter_ < epochs:
                at, ahead = self.n_iter_, 1
                if not (judge or self.verbose):
                    ahead = int(max(1, min(epochs - at, self._patience.epochs_left)))
                reached, steps = engine.advance(
                    state, at * per_epoch, (at + ahead) * per_epoch
                )
                lost = steps.diverged
                verdict = judge(reached.parameters) if judge and not lost else None
                if lost or (verdict and not np.isfinite(verdict.loss)):
                    finite = reached if lost else state
                    kept = best if self.early_stopping else finite
                    return kept._replace(step=reached.step), True
                state = reached
                if self._counted(problem, steps, verdict):
                    best = state
                if not self._patience.is_over:
                    continue
                if not self._goes_on_slower():
                    break
                # A velocity is what it was in steps of the rate: these are shorter.
                state = on_host(state)
                slots = tree_map(lambda v: v * SLOWER, state.slots)
                state = state._replace(slots=slots)
                slower = replace(problem, peak_rate=self._rate)
                engine = engine_for(slower, self.engine)
        except KeyboardInterrupt:
            warnings.warn(
                "training was interrupted; what it reached stays", stacklevel=4
            )
        return best if self.early_stopping else state, False

    def _counted(self, problem: Problem, steps: Steps, verdict: Verdict | None) -> bool:
        """Count the epochs that have passed; return whether the best is among them."""
        losses = epoch_losses(problem.order, steps.losses)
        lowest = self._patience.best
        values = [-verdict.score] if verdict and self.early_stopping else losses
        self._patience = self._patience.after(values)
        self.n_iter_ += len(losses)
        self.t_ += len(losses) * len(problem.samples)
        self._record(losses, verdict)
        return self._patience.best < lowest

    def _goes_on_slower(self) -> bool:
        """Lower an adaptive rate; return whether that is so."""
        what = "Validation score" if self.early_stopping else "Training loss"
        said = (
            f"{what} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs."
        )
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        lowered = adaptive and self._rate > LEAST_RATE
        if lowered:
            self._rate /= SLOWER
            self._patience = replace(self._patience, waited=0)
            said += f" Setting learning rate to {self._rate:f}"
        else:
            said += " Learning rate too small." if adaptive else ""
            said += " Stopping."
        if self.verbose:
            print(said)
        return lowered

    def _record(self, losses: list[float], verdict: Verdict | None) -> None:
        """Keep the figures of the epochs that have passed; print them if asked to."""
        self.loss_curve_ += losses
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if verdict is None:
            return
        self.validation_losses_ = [*(self.validation_losses_ or ()), verdict.loss]
        self.validation_scores_ = [*(self.validation_scores_ or ()), verdict.score]
        if self.verbose:
            print(f"Validation score: {verdict.score:f}")

    def _outputs(self, X: Any) -> np.ndarray:
        blocks = dense_blocks(self._rows(X))
        return np.concatenate([self.network_.logits(rows) for rows in blocks])

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        types = (np.float64, np.float32)
        with _named_columns(X, type(self).__name__):
            return validate_data(self, X, reset=False, dtype=types, accept_sparse="csr")


@contextmanager
def _named_columns(X: Any, source: str) -> Generator[None]:
    """Name the column of a frame that is no number: scikit-learn says its value alone.

    Raises
    ------
    InputError
    """
    try:
        yield
    except ValueError as error:
        if isinstance(error, InputError) or not hasattr(X, "columns"):
            raise
        numbers_of(X, source)
        raise


def _check_any_weight(samples: Samples, what: str) -> None:
    if samples.weights is not None and not samples.weights.any():
        raise InputError(
            f"all {len(samples)} samples {what} have weight 0: leave those of weight 0 "
            "out, or give X_val and y_val"
        )
