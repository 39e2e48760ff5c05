"""The regressor."""

from dataclasses import KW_ONLY, dataclass, replace
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


@dataclass(eq=False, repr=False)
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

    _: KW_ONLY
    loss: Any = "squared_error"

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
