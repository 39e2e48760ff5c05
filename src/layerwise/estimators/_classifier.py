"""The classifier."""

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.estimators._descent import Verdict
from layerwise.estimators._perceptron import Perceptron, follows_epochs
from layerwise.training import Engine


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron that tells classes apart.

    Parameters, their defaults and the rules by which training stops are those of
    scikit-learn's ``MLPClassifier``, and the same ``random_state`` draws the same
    initial weights. What comes out is a network that `layerwise.inspect` looks into.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, or int
        The width of each hidden layer; ``()`` for none.
    activation : str
        ``relu``, ``tanh``, ``logistic`` or ``identity``; also any other key of
        ``layerwise.names.ACTIVATIONS``.
    solver : "adam", "sgd" or "lbfgs"
        Adam, gradient descent with momentum, or L-BFGS over all samples at once, in
        NumPy: it has no batches, no learning rate, no early stopping and no
        `partial_fit`.
    alpha : float
        The penalty on large weights: ½ alpha Σ W², divided by the number (the sum of
        the weights) of the samples in a batch. Biases are not penalised.
    batch_size : int or "auto"
        Samples in a step; "auto" means all of them up to 200, and 200 beyond. More
        than there are means all.
    learning_rate : str
        ``constant``; ``invscaling`` or ``adaptive``, which are for "sgd" alone and
        constant for "adam"; or another key of ``layerwise.names.SCHEDULES``, laid out
        over ``max_iter`` epochs. ``adaptive`` divides the rate by 5 where training
        would stop, until it is 1e-6.
    learning_rate_init : float
        The learning rate, or the schedule's peak.
    power_t : float
        With ``invscaling`` the rate of an epoch is
        ``learning_rate_init / (samples seen + 1) ** power_t``.
    max_iter : int
        How many epochs, or iterations of "lbfgs", there are at most.
    shuffle : bool
        Whether every epoch takes the samples in another order.
    random_state : int, RandomState or None
        Of the initial weights, the order and the validation set.
    tol, n_iter_no_change : float, int
        Training stops when for more than ``n_iter_no_change`` epochs in a row the
        training loss (with ``early_stopping`` the validation score) has not become
        better than its best by ``tol``. With "lbfgs" ``tol`` is what no entry of the
        gradient may exceed.
    verbose : bool
        Whether the loss of every epoch is printed, as scikit-learn does.
    warm_start : bool
        Whether another `fit` goes on with the network of the last one, on the same
        classes. When to stop is decided anew in each `fit`.
    momentum, nesterovs_momentum : float, bool
        Of "sgd".
    early_stopping : bool
        Whether the validation score decides when to stop, and the weights of the best
        epoch are kept.
    validation_fraction : float
        The share of the samples held out for that where `fit` is given no validation
        set: drawn in every class alike, or, of more than two classes too small for
        that, at random.
    beta_1, beta_2, epsilon : float
        Of "adam".
    max_fun : int
        How often "lbfgs" may compute the loss.
    class_weight : dict, "balanced" or None
        What the samples of a class count, times their ``sample_weight``; "balanced"
        gives all classes the same sum.
    engine : str
        "compiled" (XLA), "eager" (NumPy) or another of ``layerwise.names.ENGINES`` that
        is not for modules of torch; "auto" decides by the size of the problem alone.
    device : str, optional
        Where that engine computes: one of its ``devices`` there.

    Attributes
    ----------
    network_ : Network
        What was trained: ``lw.inspect(model.network_, data)`` looks into it.
    classes_ : array, shape (classes,)
    coefs_, intercepts_ : lists of arrays
        The weights, shape (fan_in, units), and biases, shape (units,), of each layer.
    loss_curve_ : list of float
        The mean loss of each epoch, penalty included, as it was before each update.
    loss_, best_loss_ : float
        The last of them and the lowest.
    validation_losses_, validation_scores_ : lists of float, or None
        The loss (without penalty) and the accuracy of the validation set after each
        epoch, where there is such a set.
    best_validation_score_ : float or None
        The highest of them, with ``early_stopping``.
    n_iter_, t_ : int
        Epochs of the last `fit`; samples seen in all.
    n_features_in_, n_layers_, n_outputs_ : int
    out_activation_ : str
        ``softmax``, or ``logistic`` where a sample can have several labels.

    Notes
    -----
    Two classes have two outputs and a softmax, where scikit-learn has one and a
    sigmoid: both give any probability, by other weights. Where ``y`` is a table of 0
    and 1, shape (samples, labels), a sample can have several labels: each output has a
    sigmoid of its own. Sparse rows are filled in with their zeros: all of those
    trained on at once, those predicted block by block.

    A batch of samples that all have weight 0 is passed over: it changes nothing.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), learning_rate_init=0.05, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model.transform(X).shape
    (150, 20)
    """

    _y_rules: ClassVar[dict[str, bool]] = {"multi_output": True}

    _: KW_ONLY
    class_weight: Any = None

    @available_if(follows_epochs)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Go on for one epoch over ``X`` and ``y``, what the optimiser remembers kept.

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
        """Return the likeliest class of each row of ``X``, shape (rows,).

        Of several labels for one sample: 1 where a label is likelier than not, else 0,
        shape (rows, labels).
        """
        outputs = self._outputs(X)
        if self._multilabel:
            return (outputs > 0).astype(int)
        return self.classes_[np.argmax(outputs, axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (rows, classes)."""
        outputs = self._outputs(X)
        if self._multilabel:
            return np.exp(-np.logaddexp(0, -outputs))
        return self.network_.loss.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of `predict_proba`, finite where those are 0."""
        outputs = self._outputs(X)
        if self._multilabel:
            return -np.logaddexp(0, -outputs)
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    @property
    def out_activation_(self) -> str:
        """What makes outputs probabilities."""
        return "logistic" if self._multilabel else "softmax"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def _loss_name(self) -> str:
        return "binary-cross-entropy" if self._multilabel else "cross-entropy"

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        one_column = y.ndim == 2 and y.shape[1] == 1
        return column_or_1d(y, warn=True) if one_column else y

    def _learn_targets(self, y: np.ndarray) -> tuple[str, ...]:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise InputError(
                "y has several columns of classes: give one column, or one of 0 and 1 "
                "for each label"
            )
        self._multilabel = kind == "multilabel-indicator"
        promised = getattr(self, "_promised_classes", None)
        if promised is None:
            promised = np.arange(y.shape[1]) if self._multilabel else np.unique(y)
        self.classes_ = promised
        return tuple(map(str, self.classes_))

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        if self._multilabel:
            if y.shape != (len(y), len(self.classes_)) or not np.isin(y, (0, 1)).all():
                raise InputError(
                    f"y has shape {y.shape}: give a column of 0 and 1 for each of the "
                    f"{len(self.classes_)} labels"
                )
            return y.astype(dtype)
        if y.ndim > 1:
            raise InputError(
                f"y has shape {y.shape}: one class for each sample was learnt"
            )
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise InputError(
                f"y has the class {y[unknown][0]!r}, which is none of {self.classes_}"
            )
        return places

    def _check_resumed(self, targets: np.ndarray) -> None:
        if self._multilabel:
            return
        missing = np.delete(self.classes_, np.unique(targets))
        if len(missing):
            raise InputError(
                f"y lacks the classes {missing} of the last fit: warm_start needs the "
                "same classes again, partial_fit does not"
            )

    def _strata(self, targets: np.ndarray, most: int) -> np.ndarray | None:
        # Of more than two classes some may be too small, or the set too small for all
        # of them: then, as by scikit-learn, it is drawn at random.
        if self._multilabel:
            return None
        counts = np.unique(targets, return_counts=True)[1]
        drawable = counts.min() >= 2 and most >= len(counts)
        return self.classes_[targets] if drawable or len(counts) == 2 else None

    def _class_weights(self, y: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if self._multilabel:
            raise InputError(
                "class_weight is for one class a sample: use sample_weight"
            )
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return of_class[self._targets(y, of_class.dtype)]

    def _verdict(self, engine: Engine, parameters: Tree, held_out: Samples) -> Verdict:
        score = engine.evaluate(parameters, held_out)
        if not self._multilabel:
            return Verdict(score.loss, score.accuracy)
        network = replace(self.network_, parameters=tree_map(to_numpy, parameters))
        found = network.logits(held_out.inputs) > 0
        right = (found == held_out.targets).all(axis=1)
        return Verdict(score.loss, float(np.average(right, weights=held_out.weights)))
