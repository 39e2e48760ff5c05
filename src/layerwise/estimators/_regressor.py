"""The regressor."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.estimators._descent import Verdict
from layerwise.estimators._perceptron import Perceptron
from layerwise.training import Engine

__all__ = ["MLPRegressor"]


class MLPRegressor(RegressorMixin, Perceptron):
    """doc."""

    _loss_name: ClassVar[str] = "squared-error"
    _y_rules: ClassVar[dict[str, bool]] = {"multi_output": True, "y_numeric": True}

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Go on for one epoch over ``X`` and ``y``, the optimiser's moments kept.

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

    def _learn_targets(self, y: np.ndarray) -> tuple[str, ...]:
        self._one_column = y.ndim == 1
        outputs = 1 if y.ndim == 1 else y.shape[1]
        return tuple(f"y{place}" for place in range(outputs))

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        rows = y.reshape(len(y), -1).astype(dtype)
        if rows.shape[1] != len(self._output_names):
            raise InputError(
                f"y has {rows.shape[1]} columns where {len(self._output_names)} were "
                "learnt"
            )
        return rows

    def _verdict(self, engine: Engine, parameters: Tree, held_out: Samples) -> Verdict:
        loss = engine.evaluate(parameters, held_out).loss
        network = replace(self.network_, parameters=tree_map(to_numpy, parameters))
        outputs, weights = network.logits(held_out.inputs), held_out.weights
        return Verdict(loss, r2_score(held_out.targets, outputs, sample_weight=weights))
