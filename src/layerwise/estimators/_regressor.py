"""The regressor."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.estimators._descent import Verdict
from layerwise.estimators._perceptron import Perceptron, follows_epochs
from layerwise.training import Engine


class MLPRegressor(RegressorMixin, Perceptron):
    """A multilayer perceptron that gives numbers, one or several for each sample.

    The loss of a sample is half the squared distance of its outputs from its targets,
    ½ Σ (y − t)², the sum of the outputs' own. Scikit-learn reports their mean and
    follows the gradient of their sum; the training is the same, and with one output
    the loss too.

    Parameters and attributes are those of `MLPClassifier`, apart from ``class_weight``,
    ``classes_`` and what follows from classes. Scores are R², and the validation set is
    drawn at random. ``loss`` is "squared_error"; scikit-learn's "poisson" is refused.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> model = MLPRegressor((20,), learning_rate_init=0.03, random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.95
    True
    """

    _y_rules: ClassVar[dict[str, bool]] = {"multi_output": True, "y_numeric": True}

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "squared_error",
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: Any = 0.001,
        power_t: Any = 0.5,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: Any = 15000,
        engine: Any = "auto",
        device: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            engine=engine,
            device=device,
        )
        self.loss = loss

    @available_if(follows_epochs)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Go on for one epoch over ``X`` and ``y``, what the optimiser remembers kept.

        Parameters and errors are those of `fit`; early stopping is one of the latter.
        """
        return self._go_on(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Return the outputs for ``X``: shape (rows,), or (rows, outputs) as y was."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_column else outputs

    @property
    def out_activation_(self) -> str:
        """What is done to the outputs: nothing."""
        return "identity"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @property
    def _loss_name(self) -> str:
        return "squared-error"

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.loss != "squared_error":
            raise InputError(
                f"loss is {self.loss!r}: give 'squared_error', the only one here"
            )

    def _learn_targets(self, y: np.ndarray) -> tuple[str, ...]:
        self._one_column = y.ndim == 1
        outputs = 1 if y.ndim == 1 else y.shape[1]
        return tuple(f"y{place}" for place in range(outputs))

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        rows = y.reshape(len(y), -1)
        if rows.shape[1] != len(self._output_names):
            raise InputError(
                f"y has {rows.shape[1]} columns where {len(self._output_names)} were "
                "learnt"
            )
        largest = float(np.abs(rows.astype(np.float64)).max())
        if largest >= (float(np.finfo(dtype).max) / rows.size) ** 0.5:
            raise InputError(
                f"y holds numbers as large as {largest:.3g}, whose squares overflow in "
                f"{dtype}: scale the targets down"
            )
        return rows.astype(dtype)

    def _verdict(self, engine: Engine, parameters: Tree, held_out: Samples) -> Verdict:
        loss = engine.evaluate(parameters, held_out).loss
        network = replace(self.network_, parameters=tree_map(to_numpy, parameters))
        outputs, weights = network.logits(held_out.inputs), held_out.weights
        if not np.isfinite(loss) or not np.isfinite(outputs).all():
            return Verdict(np.inf, np.nan)
        return Verdict(loss, r2_score(held_out.targets, outputs, sample_weight=weights))
