"""The same training as scikit-learn's, number by number, where that is possible.

In one batch of all samples nothing is left to chance but the initial parameters, and
those are drawn alike.
"""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning

from layerwise.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = [
    {},
    {"solver": "sgd"},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2, "momentum": 0},
    {"activation": "logistic", "hidden_layer_sizes": (20, 10), "alpha": 1},
    {"activation": "tanh", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    {"activation": "identity", "hidden_layer_sizes": 7},
    {"hidden_layer_sizes": ()},
    {"learning_rate": "adaptive"},
    {"shuffle": False, "batch_size": 32},
    {"shuffle": False, "batch_size": 32, "solver": "sgd"},
]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:150], (y[:150] - y.mean()) / y.std()


def assert_the_same(ours, theirs):
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    curves = np.array([ours.loss_curve_, theirs.loss_curve_])
    assert np.abs(np.diff(curves, axis=0)).max() < 1e-10
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert np.abs(mine - other).max() < 1e-9
    for mine, other in zip(ours.intercepts_, theirs.intercepts_, strict=True):
        assert np.abs(mine - other).max() < 1e-9


def both(kind, settings):
    ours = {"c": MLPClassifier, "r": MLPRegressor}[kind]
    theirs = getattr(neural_network, ours.__name__)
    settings = {"random_state": 3, "max_iter": 25, **settings}
    return ours(**settings), theirs(**settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_classifier(iris, settings):
    ours, theirs = both("c", settings)
    assert_the_same(ours.fit(*iris), theirs.fit(*iris))
    X, _ = iris
    assert np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-9
    assert np.abs(ours.predict_log_proba(X) - theirs.predict_log_proba(X)).max() < 1e-8


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_regressor(diabetes, settings):
    ours, theirs = both("r", settings)
    assert_the_same(ours.fit(*diabetes), theirs.fit(*diabetes))
    X, _ = diabetes
    assert np.abs(ours.predict(X) - theirs.predict(X)).max() < 1e-9


def test_regressor_of_several_outputs(diabetes):
    """Its loss is the sum over outputs; scikit-learn's is their mean, though the
    gradient that it follows is that of the sum. So the weights agree."""
    X, y = diabetes
    Y = np.stack([y, X[:, 2] * 10, y**2], axis=1)
    ours, theirs = both("r", {})
    ours.fit(X, Y), theirs.fit(X, Y)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert np.abs(mine - other).max() < 1e-9
    assert ours.predict(X).shape == Y.shape


def test_sample_weights(iris):
    X, y = iris
    weights = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    ours, theirs = both("c", {"shuffle": False, "batch_size": 50})
    ours.fit(X, y, sample_weight=weights)
    theirs.fit(X, y, sample_weight=weights)
    assert_the_same(ours, theirs)


@pytest.mark.parametrize("tol", [1e-4, 1e-2])
def test_stops_at_the_same_epoch(iris, tol):
    ours, theirs = both("c", {"max_iter": 500, "tol": tol, "learning_rate_init": 0.02})
    ours.fit(*iris), theirs.fit(*iris)
    assert 20 < ours.n_iter_ < 500
    assert_the_same(ours, theirs)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, abs=1e-10)


def test_stops_early_at_the_same_epoch(diabetes):
    ours, theirs = both(
        "r", {"early_stopping": True, "max_iter": 500, "learning_rate_init": 0.01}
    )
    assert_the_same(ours.fit(*diabetes), theirs.fit(*diabetes))
    scores = np.array([ours.validation_scores_, theirs.validation_scores_])
    assert np.abs(np.diff(scores, axis=0)).max() < 1e-9
    assert 20 < ours.n_iter_ < 500
    best = theirs.best_validation_score_
    assert ours.best_validation_score_ == pytest.approx(best, abs=1e-9)


def test_partial_fit(iris):
    X, y = iris
    ours, theirs = both("c", {})
    for part in (slice(0, None, 2), slice(1, None, 2), slice(0, None, 3)):
        for model in (ours, theirs):
            model.partial_fit(X[part], y[part], classes=[0, 1, 2])
    assert_the_same(ours, theirs)


def test_warm_start(iris):
    ours, theirs = both("c", {"warm_start": True})
    for _ in range(3):
        ours.fit(*iris), theirs.fit(*iris)
    assert len(ours.loss_curve_) == 75
    assert_the_same(ours, theirs)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_both_engines(iris, engine):
    ours, theirs = both("c", {"shuffle": False, "batch_size": 32})
    ours.set_params(engine=engine)
    assert_the_same(ours.fit(*iris), theirs.fit(*iris))


@pytest.mark.parametrize("kind", ["c", "r"])
def test_partial_fit_outlasts_the_patience_of_a_fit(kind):
    """The labels are turned round after a fit that converged: both unlearn them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int if kind == "c" else float)
    ours, theirs = both(kind, {"max_iter": 600, "learning_rate_init": 0.05})
    ours.set_params(tol=1e-3), theirs.set_params(tol=1e-3)
    for model in (ours, theirs):
        model.fit(X, y)
        for _ in range(60):
            model.partial_fit(X, 1 - y)
    assert len(ours.loss_curve_) == ours.t_ / 60 > 60
    assert ours.score(X, 1 - y) > 0.9
    assert theirs.score(X, 1 - y) > 0.9


def test_a_stream_is_learnt_as_long_as_it_flows(iris):
    """Each of 60 epochs of one fit, and of 60 calls, whatever the loss did before."""
    X, y = iris
    ours, theirs = both("c", {"tol": 10, "n_iter_no_change": 2})
    for _ in range(60):
        for model in (ours, theirs):
            model.partial_fit(X, y, classes=[0, 1, 2])
    assert_the_same(ours, theirs)


def test_a_warm_start_of_one_epoch_is_one_epoch(iris):
    ours, theirs = both("c", {"warm_start": True, "max_iter": 1, "tol": 10})
    for _ in range(40):
        ours.fit(*iris), theirs.fit(*iris)
    assert_the_same(ours, theirs)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, abs=1e-10)


def test_a_warm_start_on_other_labels_learns_them(iris):
    X, y = iris
    ours, _ = both("c", {"warm_start": True, "max_iter": 300, "tol": 1e-3})
    ours.set_params(learning_rate_init=0.05)
    ours.fit(X, y).fit(X, (y + 1) % 3)
    assert ours.n_iter_ > 11
    assert ours.score(X, (y + 1) % 3) > 0.9


def test_a_warm_start_needs_the_same_classes(iris):
    X, y = iris
    for model in both("c", {"warm_start": True}):
        model.fit(X, y)
        for labels in (y % 2, y + 1):
            with pytest.raises(ValueError, match="class"):
                model.fit(X, labels)
    ours, _ = both("c", {})
    ours.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y % 2)


ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1}
ADAPTIVE |= {"n_iter_no_change": 2, "max_iter": 300, "tol": 1e-3}


@pytest.mark.parametrize(
    "settings",
    [{}, {"momentum": 0.5, "nesterovs_momentum": False}, {"max_iter": 12}],
    ids=str,
)
def test_an_adaptive_rate_falls_at_the_same_epochs(iris, settings, capsys):
    ours, theirs = both("c", {**ADAPTIVE, **settings, "verbose": True})
    ours.fit(*iris)
    said = capsys.readouterr().out
    theirs.fit(*iris)
    assert said == capsys.readouterr().out
    assert "Setting learning rate to 0.020000" in said
    assert_the_same(ours, theirs)


def test_an_adaptive_rate_falls_by_scores_too(diabetes):
    ours, theirs = both("r", {**ADAPTIVE, "early_stopping": True, "random_state": 1})
    assert_the_same(ours.fit(*diabetes), theirs.fit(*diabetes))


def test_an_adaptive_rate_falls_from_call_to_call(iris):
    ours, theirs = both("c", ADAPTIVE)
    for _ in range(60):
        for model in (ours, theirs):
            model.partial_fit(*iris, classes=[0, 1, 2])
    assert ours._rate == theirs._optimizer.learning_rate < 0.1
    assert ours._no_improvement_count == theirs._no_improvement_count
    assert_the_same(ours, theirs)


def test_both_engines_lower_an_adaptive_rate(iris):
    eager, compiled = (
        both("c", ADAPTIVE)[0].set_params(engine=engine).fit(*iris)
        for engine in ("eager", "compiled")
    )
    assert_the_same(eager, compiled)


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}], ids=str)
def test_says_the_same_of_every_epoch(diabetes, settings, capsys):
    settings |= {"verbose": True, "max_iter": 200, "n_iter_no_change": 3, "tol": 1e-2}
    ours, theirs = both("r", {**settings, "learning_rate_init": 0.01})
    ours.fit(*diabetes)
    said = capsys.readouterr().out
    assert said.startswith("Iteration 1, loss = ")
    assert said.endswith("Stopping.\n")
    theirs.fit(*diabetes)
    assert said == capsys.readouterr().out


@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", ["c", "r"])
def test_lbfgs_follows_the_same_path(iris, diabetes, kind, activation):
    """Until rounding parts the two: on the way the losses agree to many digits."""
    data = {"c": iris, "r": diabetes}[kind]
    settings = {"solver": "lbfgs", "activation": activation, "alpha": 0.1}
    for most in (1, 5, 15):
        ours, theirs = both(kind, {**settings, "max_iter": most})
        ours.fit(*data), theirs.fit(*data)
        assert ours.n_iter_ == theirs.n_iter_ == most == len(ours.loss_curve_)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-5)
        assert ours.t_ == theirs.t_ == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_converges(iris, dtype):
    X, y = iris
    settings = {"solver": "lbfgs", "activation": "tanh", "tol": 1e-3, "alpha": 1.0}
    ours, theirs = both("c", {**settings, "max_iter": 3000})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.fit(X.astype(dtype), y)
    theirs.fit(X.astype(dtype), y)
    # Each in the valley that rounding led it to.
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.05)
    assert ours.score(X.astype(dtype), y) > 0.97
    assert {W.dtype for W in ours.coefs_} == {np.dtype(dtype)}


def test_lbfgs_says_when_it_was_stopped(iris):
    ours, _ = both("c", {"solver": "lbfgs", "max_iter": 3})
    with pytest.warns(ConvergenceWarning, match="lbfgs stopped after 3 iterations"):
        ours.fit(*iris)
    ours.set_params(max_iter=1000, max_fun=5)
    with pytest.warns(ConvergenceWarning, match="raise max_iter or max_fun"):
        ours.fit(*iris)


def test_lbfgs_has_no_epochs(iris):
    X, y = iris
    weights = np.arange(len(y)) % 3
    ours, theirs = both("c", {"solver": "lbfgs", "early_stopping": True})
    assert not hasattr(ours, "partial_fit")
    assert not hasattr(theirs, "partial_fit")
    ours.fit(X, y, sample_weight=weights, X_val=X, y_val=y)
    repeated = np.repeat(np.arange(len(y)), weights)
    twice = both("c", {"solver": "lbfgs"})[0].fit(X[repeated], y[repeated])
    assert ours.loss_curve_[:5] == pytest.approx(twice.loss_curve_[:5], rel=1e-9)
    assert len(ours.validation_losses_) == ours.n_iter_ == len(ours.loss_curve_)
    assert ours.best_validation_score_ is None
    again = ours.set_params(warm_start=True, max_iter=5).fit(X, y)
    assert again.loss_curve_[-1] < again.loss_curve_[0]


@pytest.mark.parametrize(
    "settings",
    [{}, {"activation": "logistic"}, {"early_stopping": True, "max_iter": 200}],
    ids=str,
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_several_labels_for_one_sample(iris, settings, form):
    X, y = iris
    Y = np.stack([y > 0, y == 1, X[:, 0] > 6, y == 9], axis=1).astype(int)
    ours, theirs = both("c", settings)
    assert_the_same(ours.fit(X, form(Y)), theirs.fit(X, Y))
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    for method in ("predict_proba", "predict_log_proba"):
        found, expected = (getattr(model, method)(X) for model in (ours, theirs))
        assert np.abs(found - expected).max() < 1e-8
    assert ours.score(X, Y) == theirs.score(X, Y)
    assert ours.validation_scores_ == theirs.validation_scores_
    assert ours.out_activation_ == theirs.out_activation_
    assert ours.classes_.tolist() == theirs.classes_.tolist()


def test_several_labels_in_parts(iris):
    X, y = iris
    Y = np.stack([y > 0, X[:, 0] > 6], axis=1).astype(int)
    ours, theirs = both("c", {})
    for model in (ours, theirs):
        model.partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y)
    assert_the_same(ours, theirs)
    with pytest.raises(ValueError, match="give a column of 0 and 1 for each of the 2"):
        ours.partial_fit(X, Y[:, [0, 1, 1]])
    with pytest.raises(ValueError, match="several columns of classes"):
        both("c", {})[0].fit(X, np.stack([y, y], axis=1))
