"""MLPClassifier and MLPRegressor as their users meet them."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import layerwise as lw
from layerwise.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = np.array(["setosa", "versicolor", "virginica"])


@pytest.fixture(scope="module")
def X():
    return load_iris().data


@pytest.fixture(scope="module")
def y():
    return NAMES[load_iris().target]


def quick(**settings):
    return MLPClassifier((8,), **{"max_iter": 15, "random_state": 0, **settings})


class TestInputs:
    def test_string_labels(self, X, y):
        model = quick(learning_rate_init=0.05, max_iter=100).fit(X, y)
        assert model.classes_.tolist() == NAMES.tolist()
        assert model.network_.class_names == tuple(NAMES)
        assert model.score(X, y) > 0.9

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
    def test_a_column_of_text_is_named(self, y, frame):
        size, town = np.arange(len(y)) * 1.0, ["York"] * len(y)
        with pytest.raises(lw.InputError, match=r"column 'town' holds .*from_frame"):
            quick().fit(frame({"size": size, "town": town}), y)
        model = quick().fit(frame({"size": size, "town": size}), y)
        with pytest.raises(lw.InputError, match="column 'town' holds "):
            model.predict(frame({"size": size, "town": town}))

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
    def test_data_frames(self, X, y, frame):
        names = ["a", "b", "c", "d"]
        framed = frame(dict(zip(names, X.T, strict=True)))
        column = framed.assign(y=y)["y"] if frame is pd.DataFrame else pl.Series(y)
        model = quick().fit(framed, column)
        assert model.feature_names_in_.tolist() == names
        assert np.array_equal(model.predict(framed), quick().fit(X, y).predict(X))

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_trains_in_the_precision_of_the_inputs(self, X, y, dtype, engine):
        model = quick(engine=engine).fit(X.astype(dtype), y)
        assert {a.dtype for a in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
        assert model.predict_proba(X.astype(dtype)).dtype == dtype
        if engine == "compiled":
            import jax.numpy as jnp

            assert jnp.ones(1).dtype == np.float32  # the setting was ours alone

    def test_more_classes_than_were_promised(self, X, y):
        model = quick().partial_fit(X[:100], y[:100], classes=NAMES[:2])
        with pytest.raises(ValueError, match=r"^y has the class .*'virginica'"):
            model.partial_fit(X, y)

    def test_the_first_partial_fit_needs_all_classes(self, X, y):
        with pytest.raises(ValueError, match="classes must be passed"):
            quick().partial_fit(X, y)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("solver", "newton"),
            ("alpha", -1),
            ("batch_size", 0),
            ("learning_rate", "adaptative"),
            ("max_fun", 0),
            ("learning_rate_init", 0),
            ("max_iter", 0),
            ("beta_1", 1),
            ("n_iter_no_change", 0.5),
            ("engine", "torch"),
        ],
    )
    def test_a_setting_out_of_its_range_is_named(self, X, y, name, value):
        with pytest.raises(ValueError, match=f"^{name} is {value!r}: give "):
            quick(**{name: value}).fit(X, y)

    def test_weights_must_be_one_for_each_sample_and_not_negative(self, X, y):
        with pytest.raises(ValueError, match=r"has shape \(3,\): give one for each"):
            quick().fit(X, y, sample_weight=[1, 2, 3])
        with pytest.raises(ValueError, match="must not be negative"):
            quick().fit(X, y, sample_weight=np.full(len(y), -1.0))

    def test_a_training_that_diverges_says_so_and_keeps_what_was_finite(self, X, y):
        model = quick(solver="sgd", learning_rate_init=1e200, alpha=1e200)
        with pytest.raises(ValueError, match=r"^training diverged after \d+ steps"):
            model.fit(X, y)
        assert all(np.isfinite(W).all() for W in model.coefs_)

    @pytest.mark.parametrize("settings", [{"early_stopping": True}, {}], ids=str)
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_a_regression_that_diverges_says_so(self, X, engine, settings):
        model = MLPRegressor(solver="sgd", engine=engine, random_state=0, **settings)
        model.set_params(activation="identity", learning_rate_init=1e80)
        with pytest.raises(ValueError, match=r"diverged after \d+ .* and the targets$"):
            model.fit(X, X[:, 0] * 1e6, X_val=X, y_val=X[:, 0] * 1e6)
        assert all(np.isfinite(W).all() for W in model.coefs_)

    def test_early_stopping_keeps_the_best_before_a_divergence(self, X):
        """The rate rises until the training diverges."""
        model = MLPRegressor((8,), "identity", solver="sgd", early_stopping=True)
        model.set_params(learning_rate="one-cycle", learning_rate_init=5.0)
        model.set_params(max_iter=60, n_iter_no_change=60, random_state=0)
        y = X[:, 0]
        with pytest.raises(ValueError, match="diverged"):
            model.fit(X, y, X_val=X, y_val=y)
        kept = model.validation_scores_
        assert len(kept) > 1
        assert model.score(X, y) == pytest.approx(max(kept))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_targets_whose_squares_overflow_are_named(self, X, dtype):
        size = {np.float32: 1e25, np.float64: 1e200}[dtype]
        model = MLPRegressor(random_state=0)
        with pytest.raises(ValueError, match=r"y holds .*: scale the targets down"):
            model.fit(X.astype(dtype), X[:, 0] * size)
        rows = X.astype(dtype)
        with pytest.raises(ValueError, match="scale the targets down"):
            model.fit(rows, X[:, 0], X_val=rows, y_val=X[:, 0] * size)
        with pytest.raises(ValueError, match=r"X holds .*, scale the inputs down"):
            model.fit((X * size).astype(dtype), X[:, 0])

    @pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
    def test_takes_the_arguments_of_scikit_learn(self, kind):
        theirs = getattr(neural_network, kind.__name__)().get_params()
        ours = kind().get_params()
        assert {name: ours[name] for name in theirs} == theirs

    def test_the_loss_of_counts_is_refused_with_the_reason(self, X):
        MLPRegressor(loss="squared_error", max_iter=2).fit(X, X[:, 0])
        with pytest.raises(
            ValueError, match=r"^loss is 'poisson': give 'squared_error'"
        ):
            MLPRegressor(loss="poisson").fit(X, X[:, 0])

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    @pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix])
    def test_sparse_rows_are_rows(self, X, y, form, engine):
        rows = np.where(X > 3, X, 0)
        model = quick(engine=engine).fit(form(rows), y, X_val=form(rows), y_val=y)
        same = quick(engine=engine).fit(rows, y, X_val=rows, y_val=y)
        assert model.loss_curve_ == same.loss_curve_
        assert model.validation_losses_ == same.validation_losses_
        for method in ("predict", "predict_proba", "transform"):
            found = getattr(model, method)(form(rows))
            assert np.array_equal(found, getattr(same, method)(rows))
        numbers = MLPRegressor((5,), max_iter=3, random_state=0).fit(form(rows), rows)
        assert numbers.partial_fit(form(rows), rows).predict(form(rows)).shape == (
            150,
            4,
        )


class TestWeights:
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_twice_the_weight_is_the_sample_twice(self, X, y, engine):
        weights = np.arange(len(y)) % 3
        repeated = np.repeat(np.arange(len(y)), weights)
        weighted = quick(engine=engine, solver="sgd").fit(X, y, sample_weight=weights)
        twice = quick(engine=engine, solver="sgd").fit(X[repeated], y[repeated])
        for ours, theirs in zip(weighted.coefs_, twice.coefs_, strict=True):
            assert np.abs(ours - theirs).max() < 1e-12

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    @pytest.mark.parametrize("solver", ["adam", "sgd"])
    def test_a_batch_without_weight_is_passed_over(self, X, y, engine, solver):
        """Of five batches only the fourth counts: it alone gives the same bytes."""
        weights = np.repeat([0.0, 0, 0, 1, 0], 30)
        settings = {"shuffle": False, "batch_size": 30, "max_iter": 4}
        settings |= {"engine": engine, "solver": solver}
        part = slice(90, 120)
        # All classes must be seen; which samples have which is of no account here.
        labels = NAMES[np.arange(len(y)) % 3]
        most = quick(**settings).fit(X, labels, sample_weight=weights)
        alone = quick(**settings).fit(
            X[part], labels[part], sample_weight=weights[part]
        )
        ours, theirs = (m.coefs_ + m.intercepts_ for m in (most, alone))
        for a, b in zip(ours, theirs, strict=True):
            assert a.tobytes() == b.tobytes()

    def test_class_weights_are_sample_weights(self, X, y):
        of_class = dict(zip(NAMES.tolist(), (1.0, 2.0, 5.0), strict=True))
        by_class = quick(class_weight=of_class).fit(X, y)
        by_sample = quick().fit(X, y, sample_weight=[of_class[label] for label in y])
        assert by_class.loss_curve_ == by_sample.loss_curve_
        both = quick(class_weight=of_class).fit(X, y, sample_weight=np.full(150, 2.0))
        assert both.loss_ != by_class.loss_  # alpha weighs against their sum

    def test_balanced_class_weights(self, X, y):
        few = slice(0, 120)
        balanced = quick(class_weight="balanced").fit(X[few], y[few])
        counts = np.array([50, 50, 20])
        weights = (120 / 3 / counts)[np.searchsorted(NAMES, y[few])]
        by_sample = quick().fit(X[few], y[few], sample_weight=weights)
        assert balanced.loss_curve_ == by_sample.loss_curve_
        with pytest.raises(ValueError, match="balanced"):
            balanced.partial_fit(X, y)


class TestValidation:
    def test_a_validation_set_is_followed_and_decides_nothing(self, X, y):
        model = quick().fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
        assert model.loss_curve_ == quick().fit(X[::2], y[::2]).loss_curve_
        assert len(model.validation_losses_) == len(model.validation_scores_) == 15
        assert model.validation_scores_[-1] == model.score(X[1::2], y[1::2])
        p = model.predict_proba(X[1::2])
        right = p[np.arange(75), np.searchsorted(NAMES, y[1::2])]
        assert model.validation_losses_[-1] == pytest.approx(-np.log(right).mean())

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_early_stopping_keeps_the_best_epoch(self, X, y, engine):
        rng = np.random.default_rng(0)
        model = quick(
            early_stopping=True, max_iter=300, learning_rate_init=0.2, engine=engine
        )
        model.fit(X[::2], y[::2], X_val=X[1::2], y_val=rng.permutation(y[1::2]))
        assert model.n_iter_ < 300
        best = max(model.validation_scores_)
        assert model.best_validation_score_ == best
        assert model.best_loss_ is None
        kept = model.predict(X[1::2])
        shuffled = np.random.default_rng(0).permutation(y[1::2])
        assert np.mean(kept == shuffled) == best

    def test_a_share_is_held_out_of_each_class(self, X, y):
        model = quick(early_stopping=True, validation_fraction=0.2).fit(X, y)
        assert model.t_ == model.n_iter_ * 120
        assert len(model.validation_losses_) == model.n_iter_
        with pytest.raises(ValueError, match="fewer than 2"):
            MLPRegressor(early_stopping=True).fit(X[:9], X[:9, 0])

    def test_a_share_too_small_for_all_classes_is_drawn_at_random(self, X, y):
        """As by scikit-learn, which refuses it of two classes alone."""
        few = slice(None, None, 10)
        model = quick(early_stopping=True).fit(X[few], y[few])
        assert model.t_ == model.n_iter_ * 13
        alone = np.append(y[:100], "virginica")
        quick(early_stopping=True).fit(X[:101], alone)
        two = np.append(y[:60], np.repeat(y[:1], 41))
        two[1:60] = "virginica"
        two[0], two[60:] = "setosa", "virginica"
        theirs = neural_network.MLPClassifier(early_stopping=True)
        with pytest.raises(ValueError, match="least populated class"):
            theirs.fit(X[:101], two)
        with pytest.raises(ValueError, match=r"least populated class.*setosa"):
            quick(early_stopping=True).fit(X[:101], two)

    @pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
    def test_samples_held_out_without_weight_are_named(self, X, kind):
        model = kind(early_stopping=True, random_state=0, max_iter=5)
        targets = (np.arange(150) % 2).astype(float)
        for drawn in range(3):
            model.set_params(random_state=drawn)
            weights = np.zeros(150)
            # The last of each class that this draw trains on.
            weights[np.random.default_rng(drawn).integers(150)] = 1
            with pytest.raises(ValueError, match=r"samples .* have weight 0"):
                model.fit(X, targets, sample_weight=weights)

    def test_a_validation_set_is_whole(self, X, y):
        with pytest.raises(ValueError, match="y_val is given without X_val"):
            quick().fit(X, y, y_val=y)
        with pytest.raises(ValueError, match="requires y to be passed"):
            quick().fit(X, y, X_val=X)

    def test_a_regressor_is_scored_by_r2(self, X):
        parts = X[::2, :3], X[::2, 3]
        held_out = X[1::2, :3], X[1::2, 3]
        model = MLPRegressor((8,), max_iter=15, random_state=0)
        model.fit(*parts, X_val=held_out[0], y_val=held_out[1])
        assert model.validation_scores_[-1] == pytest.approx(model.score(*held_out))
        squares = (model.predict(held_out[0]) - held_out[1]) ** 2
        assert model.validation_losses_[-1] == pytest.approx(squares.mean() / 2)


class TestTrainings:
    def test_partial_fit_goes_on(self, X, y):
        """Whole epochs in parts are the epochs in one piece, slots included."""
        model = quick(shuffle=False, batch_size=50)
        for _ in range(6):
            model.partial_fit(X, y, classes=NAMES)
        whole = quick(shuffle=False, batch_size=50, max_iter=6).fit(X, y)
        assert model.loss_curve_ == whole.loss_curve_
        with pytest.raises(ValueError, match="does not support early_stopping"):
            quick(early_stopping=True).partial_fit(X, y, classes=NAMES)

    def test_the_same_seed_gives_the_same_bytes(self, X, y):
        first, again = (quick(batch_size=20).fit(X, y).coefs_ for _ in range(2))
        other = quick(batch_size=20, random_state=1).fit(X, y).coefs_
        assert all(map(np.array_equal, first, again))
        assert not np.array_equal(first[0], other[0])

    def test_says_when_the_epochs_were_too_few(self, X, y):
        with pytest.warns(ConvergenceWarning, match="max_iter = 15 epochs are done"):
            quick().fit(X, y)

    def test_one_cycle_is_laid_out_over_all_epochs(self, X, y):
        steady = quick(solver="sgd").fit(X, y)
        cycle = quick(solver="sgd", learning_rate="one-cycle").fit(X, y)
        assert cycle.loss_curve_[0] == steady.loss_curve_[0]
        assert cycle.loss_curve_[1] > steady.loss_curve_[1]


class TestWhatComesOut:
    def test_pickled_and_cloned(self, X, y):
        model = quick().fit(X, y)
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        again.partial_fit(X, y), model.partial_fit(X, y)
        assert again.loss_curve_ == model.loss_curve_
        assert clone(model).get_params() == model.get_params()

    def test_hidden_activations(self, X, y):
        model = MLPClassifier((8, 5), max_iter=3, random_state=0).fit(X, y)
        first = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
        assert np.abs(model.transform(X, layer=0) - first).max() < 1e-12
        assert model.transform(X).shape == (150, 5)
        assert np.array_equal(model.transform(X, layer=-1), model.transform(X, 1))
        with pytest.raises(ValueError, match="layer is 2: there are 2 hidden layers"):
            model.transform(X, layer=2)
        names = model.get_feature_names_out()
        assert names.tolist() == [f"mlpclassifier{i}" for i in range(5)]

    def test_a_study_of_the_network(self, X, y):
        model = quick(max_iter=100, learning_rate_init=0.05).fit(X, y)
        study = lw.inspect(model.network_, lw.Dataset.from_arrays(X, y))
        assert [layer.name for layer in study.layers] == ["hidden1", "output"]

    def test_in_a_pipeline_a_search_and_a_calibration(self, X, y):
        pipeline = make_pipeline(StandardScaler(), quick(learning_rate_init=0.05))
        search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1]}, cv=3)
        assert search.fit(X, y).best_score_ > 0.9
        calibrated = CalibratedClassifierCV(pipeline, cv=3).fit(X, y)
        assert np.abs(calibrated.predict_proba(X).sum(axis=1) - 1).max() < 1e-12

    def test_a_column_stays_a_column(self, X):
        model = MLPRegressor((4,), max_iter=2, random_state=0)
        assert model.fit(X, X[:, 0]).predict(X).shape == (150,)
        assert model.fit(X, X[:, :1]).predict(X).shape == (150, 1)
        assert model.fit(X, X[:, :2]).predict(X).shape == (150, 2)

    def test_small_problems_need_no_jax(self):
        code = (
            "import sys; from sklearn.datasets import load_iris;"
            "from layerwise.estimators import MLPClassifier;"
            "MLPClassifier(max_iter=300, tol=1e-2).fit(*load_iris(return_X_y=True));"
            "print('jax' in sys.modules)"
        )
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"
