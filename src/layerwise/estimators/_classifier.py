"""The classifier."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from layerwise.arrays import Tree
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.estimators._descent import Verdict
from layerwise.estimators._perceptron import Perceptron
from layerwise.training import Engine

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, Perceptron):
    """doc."""

    _loss_name: ClassVar[str] = "cross-entropy"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
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
        class_weight: Any = None,
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
            engine=engine,
            device=device,
        )
        self.class_weight = class_weight

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Go on for one epoch over ``X`` and ``y``, the optimiser's moments kept.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array, shape (classes,)
            All the classes that there will be; needed in the first call alone.

        Raises
        ------
        ValueError
            As in `fit`; or in the first call without ``classes``, with early stopping,
            or with balanced class weights, for which all samples would be needed.
        """
        if isinstance(self.class_weight, str):
            raise InputError("class_weight = 'balanced' needs all samples: use fit")
        begins = not hasattr(self, "network_")
        if begins and classes is None:
            raise InputError("classes must be passed on the first call to partial_fit")
        if classes is not None:
            classes = np.unique(classes)
            if not begins and not np.array_equal(classes, self.classes_):
                raise InputError(
                    f"classes are {classes}, and were {self.classes_} in the first call"
                )
        self._promised_classes = classes if begins else None
        try:
            return self._go_on(X, y, sample_weight)
        finally:
            del self._promised_classes

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row of ``X``, shape (rows,)."""
        outputs = self._outputs(X)
        return self.classes_[np.argmax(outputs, axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (rows, classes)."""
        outputs = self._outputs(X)
        return self.network_.loss.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of `predict_proba`, finite where those are 0."""
        outputs = self._outputs(X)
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    @property
    def out_activation_(self) -> str:
        """What makes outputs probabilities."""
        return "softmax"

    def _learn_targets(self, y: np.ndarray) -> tuple[str, ...]:
        check_classification_targets(y)
        promised = getattr(self, "_promised_classes", None)
        self.classes_ = np.unique(y) if promised is None else promised
        return tuple(map(str, self.classes_))

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        del dtype
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise InputError(
                f"y has the class {y[unknown][0]!r}, which is none of {self.classes_}"
            )
        return places

    def _class_weights(self, y: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return of_class[self._targets(y, of_class.dtype)]

    def _verdict(self, engine: Engine, parameters: Tree, held_out: Samples) -> Verdict:
        return Verdict(*engine.evaluate(parameters, held_out))
