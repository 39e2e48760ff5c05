"""The gradient check: it passes what is right and says what is wrong with the rest."""
# ruff: noqa: ARG002, ARG005
# A layer's methods take what layers may need, whether this one does or not.

import math
import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from layerwise.errors import InputError
from layerwise.model import (
    ACTIVATIONS,
    INITIALISERS,
    LOSSES,
    MLP,
    Dropout,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Softmax,
    SquaredError,
    Tanh,
    gradcheck,
    own_targets,
)

widths = st.integers(1, 7)
any_shape = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
rates = st.sampled_from([0.0, 0.1, 0.5, 0.9])
seeds = st.integers(0, 1000)

LAYERS = {
    "linear": lambda n, rate, init: Linear(n, init),
    "leaky": lambda n, rate, init: LeakyReLU(rate),
    "dropout": lambda n, rate, init: Dropout(rate),
    "softmax": lambda n, rate, init: Softmax(),
    "norm": lambda n, rate, init: LayerNorm(),
    "residual": lambda n, rate, init: Residual(Sequential((Linear(n, init), Tanh()))),
    **{name: lambda *_, layer=layer: layer for name, layer in ACTIVATIONS.items()},
}
ROWS_ONLY = {"linear", "softmax", "norm", "residual"}

network_settings = st.fixed_dictionaries(
    {
        "hidden": st.lists(st.integers(1, 5), max_size=3),
        "activation": st.sampled_from(list(ACTIVATIONS)),
        "init": st.sampled_from(["he", "glorot", "lecun", "orthogonal"]),
        "loss": st.sampled_from(list(LOSSES)),
        "normalise": st.booleans(),
        "dropout": rates,
        "residual": st.booleans(),
    }
)


@pytest.mark.parametrize("name", own_targets())
def test_every_layer_and_loss_of_ours(name):
    report = gradcheck(own_targets()[name])
    assert report.passed, report
    assert {check.witness for check in report.checks} == {"differences", "automatic"}


@pytest.mark.slow("many cases")
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(LAYERS)),
    widths,
    any_shape,
    rates,
    st.sampled_from(list(INITIALISERS)),
    seeds,
)
def test_layers_of_any_shape(name, units, shape, rate, init, seed):
    layer = LAYERS[name](units, rate, init)
    report = gradcheck(layer, shape=(units,) if name in ROWS_ONLY else shape, seed=seed)
    assert report.passed, report


@pytest.mark.parametrize("seed", [10, 134, 632, 1170])
def test_two_units_all_but_alike(seed):
    """Their LayerNorm's gradient is what is left of terms that cancel."""
    report = gradcheck(LayerNorm(), shape=(2,), seed=seed)
    assert report.passed, report


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(LOSSES)), st.integers(1, 9), seeds)
def test_losses_of_any_width(name, classes, seed):
    report = gradcheck(LOSSES[name], shape=(classes,), seed=seed)
    assert report.passed, report


@pytest.mark.slow("many cases")
@settings(max_examples=6, deadline=None)
@given(network_settings, widths, widths, seeds)
def test_networks_of_any_settings(chosen, inputs, outputs, seed):
    # One unit alone is normalised to 0, where every ReLU has its kink.
    assume(not (chosen["normalise"] and 1 in chosen["hidden"]))
    # Nor do two units of which dropout leaves none: the next norm is of zeros.
    assume(not (chosen["normalise"] and chosen["dropout"] and 2 in chosen["hidden"]))
    layer = MLP(**chosen).build(inputs, outputs)
    report = gradcheck(layer, shape=(inputs,), seed=seed)
    assert report.passed, report


class Affine:
    """A layer of a user's own, which inherits from nothing."""

    def init(self, rng, shape):
        return {"W": rng.normal(size=(shape[0], 3)), "b": np.zeros(3)}

    def forward(self, params, x, noise=None):
        return x @ params["W"] + params["b"], x

    def backward(self, params, trace, g):
        return {"W": trace.T @ g, "b": g.sum(0)}, g @ params["W"].T


def test_a_layer_of_ones_own_needs_to_inherit_from_nothing():
    report = gradcheck(Affine())
    assert report
    checked = {(check.array, check.witness) for check in report.checks}
    arrays = ("params.W", "params.b", "input")
    witnesses = ("differences", "automatic")
    assert checked == {(a, w) for a in arrays for w in witnesses}


def test_a_function_needs_no_init():
    class Square:
        def forward(self, params, x, noise=None):
            return x * x, x

        def backward(self, params, trace, g):
            return {}, 2 * trace * g

    assert gradcheck(Square(), shape=(2, 3))


class Wrong(Affine):
    """An affine layer with one fault in its backward."""

    def __init__(self, fault):
        self.fault = fault

    def backward(self, params, trace, g):
        return self.fault(*super().backward(params, trace, g))


def clamped(gradient):
    return np.clip(gradient, -1e-10, 1e10)


@pytest.mark.parametrize(
    ("fault", "array", "symptom"),
    [
        (lambda p, x: (p, -x), "input", "the sign is reversed"),
        (
            lambda p, x: (p, 7 * x),
            "input",
            "7 times the differences, the batch size: a sum for a mean",
        ),
        (
            lambda p, x: ({**p, "W": p["W"] / 7}, x),
            "params.W",
            "0.1429 times the differences: divided by the batch size",
        ),
        (lambda p, x: (p, 0.5 * x), "input", "0.5 times the differences"),
        # No batch size: sheets that divide by 4 have other reasons.
        (lambda p, x: (p, 4 * x), "input", "4 times the differences"),
        (
            lambda p, x: ({**p, "W": p["W"].T}, x),
            "params.W",
            "the gradient has shape (3, 5), expected (5, 3)",
        ),
        (
            lambda p, x: ({**p, "W": clamped(p["W"])}, x),
            "params.W",
            "another direction than the differences",
        ),
        (
            lambda p, x: ({"W": p["W"]}, x),
            "params.b",
            "the gradient is missing, expected (3,)",
        ),
        (
            lambda p, x: ({**p, "b": 0 * p["b"]}, x),
            "params.b",
            "the gradient is zero, the differences are not",
        ),
    ],
)
def test_a_wrong_gradient_is_named_with_its_symptom(fault, array, symptom):
    report = gradcheck(Wrong(fault))
    assert not report
    failed = {check.array for check in report.checks if not check.passed}
    assert failed == {array}
    (first, *_) = [check for check in report.checks if not check.passed]
    assert (first.witness, first.note) == ("differences", symptom)
    assert f"FAIL {array.removeprefix('params.')}" in str(report)
    assert str(report).startswith("Wrong: FAILED\n")


def test_a_square_weight_transposed_is_another_direction():
    class Transposed(Affine):
        def backward(self, params, trace, g):
            gradients, x = super().backward(params, trace, g)
            return {**gradients, "W": gradients["W"].T}, x

    checks = gradcheck(Transposed(), shape=(3,)).checks
    (wrong,) = [c for c in checks if not c.passed and c.witness == "differences"]
    assert (wrong.array, wrong.note) == (
        "params.W",
        "another direction than the differences",
    )


def test_a_backward_that_ignores_the_mask():
    @dataclass(frozen=True)
    class Forgetful(Dropout):
        def backward(self, params, trace, gradient):
            return {}, gradient

    report = gradcheck(Forgetful(0.5))
    assert [check.passed for check in report.checks] == [False, False]
    assert report.checks[0].note == "another direction than the differences"


def test_a_gradient_where_nothing_depends_on_it():
    class Constant:
        def forward(self, params, x, noise=None):
            return 0 * x + 1, x

        def backward(self, params, trace, g):
            return {}, g

    (check, _) = gradcheck(Constant()).checks
    expected = "the outputs do not depend on it, the gradient says they do"
    assert check.note == expected


def test_a_loss_that_sums_where_it_should_not():
    class TwiceAsLarge(SquaredError):  # noqa: N818
        def backward(self, trace):
            return 2 * trace

    report = gradcheck(TwiceAsLarge())
    assert not report
    assert report.checks[0].note == "2 times the differences"


def test_an_error_of_one_part_in_a_million_is_found():
    report = gradcheck(Wrong(lambda p, x: (p, x * (1 + 1e-6))))
    failed = {
        (check.array, check.witness) for check in report.checks if not check.passed
    }
    assert failed == {("input", "differences"), ("input", "automatic")}


class InPlace:
    def forward(self, params, x, noise=None):
        y = x.copy()
        y[y < 0] = 0
        return y, x

    def backward(self, params, trace, g):
        return {}, g * (trace > 0)


class ByName(InPlace):
    def forward(self, params, x, noise=None):
        return np.maximum(x, 0), x


class ByMethod(InPlace):
    def forward(self, params, x, noise=None):
        y = np.empty_like(x)
        np.copyto(y, x)
        y.put(np.flatnonzero(y < 0), 0)
        return y, x


class ByFloat(InPlace):
    def forward(self, params, x, noise=None):
        return math.exp(float(x.sum())) * x**0 * 0 + x * (x > 0), x


@pytest.mark.parametrize("layer", [InPlace, ByName, ByMethod, ByFloat])
def test_a_layer_written_for_numpy_alone_gets_a_note(layer):
    report = gradcheck(layer())
    assert report.passed
    assert [check.witness for check in report.checks] == ["differences"]
    assert report.note == "not written over the array API: no automatic check"
    assert report.note in str(report)


def test_kinks_are_kept_away_from():
    class ManyKinks:
        def forward(self, params, x, noise=None):
            return abs(20 * x - (20 * x).round()), x

        def backward(self, params, trace, g):
            return {}, 20 * np.sign(20 * trace - np.round(20 * trace)) * g

    assert all(gradcheck(ManyKinks(), seed=seed) for seed in range(5))


def test_what_is_not_continuous_is_refused():
    class Jumps:
        def forward(self, params, x, noise=None):
            return np.sin(1e6 * x), x

        def backward(self, params, trace, g):
            return {}, g

    with pytest.raises(InputError, match="Jumps: no smooth point found in 20 draws"):
        gradcheck(Jumps())


class Unfit:
    """A function without parameters, and the derivative of x."""

    def __init__(self, function):
        self.function = function

    def forward(self, params, x, noise=None):
        return self.function(x), x

    def backward(self, params, trace, g):
        return {}, g


def zeroed(x):
    x[x < 0] = 0
    return x


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x + random.random(), "draws random numbers of its own"),
        (np.float32, "computes in float32"),
        (lambda x: np.float64(np.float32(x)), "computes in float32"),
        (zeroed, "changes its input in place"),
        (lambda x: x * np.nan, "numbers that are not finite"),
    ],
)
def test_what_differences_say_nothing_of_is_refused_with_the_reason(function, reason):
    with pytest.raises(InputError, match=reason):
        gradcheck(Unfit(function))


def test_what_is_nan_for_negative_inputs_is_checked_on_positive_ones():
    class Root(Unfit):
        def backward(self, params, trace, g):
            return {}, g / (2 * np.sqrt(trace))

    report = gradcheck(Root(np.sqrt))
    assert report.passed
    assert "NaN for negative inputs: checked on positive ones" in report.note


def test_the_report_shows_itself():
    assert repr(gradcheck(ReLU())) == str(gradcheck(ReLU()))


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_missing_method_is_named(method):
    class Half:
        pass

    setattr(Half, {"forward": "backward", "backward": "forward"}[method], print)
    with pytest.raises(InputError, match=f"Half has no method '{method}'"):
        gradcheck(Half())


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_wrong_return_value_is_named(method):
    layer = Affine()
    setattr(layer, method, lambda *arguments: np.zeros(3))
    with pytest.raises(InputError, match=rf"Affine\.{method} must return "):
        gradcheck(layer)


def test_the_report_is_a_table():
    lines = str(gradcheck(ReLU())).splitlines()
    assert lines[0] == "ReLU(): passed"
    assert lines[1].split()[:3] == ["ok", "input", "differences"]
    assert lines[2].split()[:3] == ["ok", "input", "automatic"]
