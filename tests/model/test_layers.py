"""What layers do beside agreeing with torch: kinks, extremes, noise, shapes."""

import numpy as np
import pytest

from layerwise.arrays import leaves
from layerwise.errors import InputError
from layerwise.model import (
    ACTIVATIONS,
    Activation,
    Draw,
    Dropout,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Softmax,
    Tanh,
    layers_within,
    output_shape,
    own_targets,
)


def test_the_kink_takes_the_left_derivative():
    x, ones = np.array([[-1.0, 0.0, 2.0]]), np.ones((1, 3))
    _, trace = ReLU().forward({}, x)
    assert ReLU().backward({}, trace, ones)[1].tolist() == [[0, 0, 1]]
    _, trace = LeakyReLU(0.25).forward({}, x)
    assert LeakyReLU(0.25).backward({}, trace, ones)[1].tolist() == [[0.25, 0.25, 1]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(name):
    y, _ = ACTIVATIONS[name].forward({}, np.array([[np.nan, 1.0]]))
    assert np.isnan(y).tolist() == [[True, False]]


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_inputs_neither_overflow_nor_change_dtype(name, dtype):
    layer = ACTIVATIONS[name]
    x = np.array([[-1e4, -100, 0, 100, 1e4]], dtype)
    y, trace = layer.forward({}, x)
    _, gradient = layer.backward({}, trace, np.ones_like(x))
    assert y.dtype == gradient.dtype == dtype
    limit = {"tanh": [-1, 1], "sigmoid": [0, 1], "leaky-relu": [-100, 1e4]}
    limit["identity"] = [-1e4, 1e4]
    ends = limit.get(name, [0, 1e4])
    assert y[0, [0, -1]].tolist() == pytest.approx(ends)
    slopes = {"tanh": [0, 0], "sigmoid": [0, 0], "leaky-relu": [0.01, 1]}
    slopes["identity"] = [1, 1]
    assert gradient[0, [0, -1]].tolist() == pytest.approx(slopes.get(name, [0, 1]))


LAYERS = {name: t for name, t in own_targets().items() if isinstance(t, Layer)}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_sizes_are_those_of_what_is_drawn(layer):
    drawn = layer.init(np.random.default_rng(0), (5,))
    count = sum(leaf.size for leaf in leaves(drawn))
    assert layer.sizes((5,)) == (count, output_shape(layer, drawn, (5,)))


def test_softmax_of_huge_logits_and_of_shifted_ones():
    p, _ = Softmax().forward({}, np.array([[1e300, 0, -1e300], [5.0, 5.0, 5.0]]))
    assert p[0].tolist() == [1, 0, 0]
    assert p[1] == pytest.approx(1 / 3, rel=1e-15)
    z = np.random.default_rng(0).normal(size=(4, 6))
    moved = Softmax().forward({}, z + 100)[0]
    assert moved == pytest.approx(Softmax().forward({}, z)[0], rel=1e-13)


def test_softmax_gradient_is_the_jacobians_product():
    rng = np.random.default_rng(1)
    p, trace = Softmax().forward({}, rng.normal(size=(3, 5)))
    g = rng.normal(size=(3, 5))
    jacobians = [np.diag(row) - np.outer(row, row) for row in p]
    expected = np.stack([j @ row for j, row in zip(jacobians, g, strict=True)])
    assert Softmax().backward({}, trace, g)[1] == pytest.approx(expected, abs=1e-16)


def test_layer_norm_begins_as_the_plain_normalisation():
    layer = LayerNorm(epsilon=0.0)
    params = layer.init(np.random.default_rng(0), (64,))
    y, _ = layer.forward(params, np.random.default_rng(1).normal(5, 3, (10, 64)))
    assert np.abs(y.mean(axis=1)).max() < 1e-15
    assert np.abs(y.var(axis=1) - 1).max() < 1e-14


def test_layer_norm_of_a_constant_row_is_finite():
    params = LayerNorm().init(np.random.default_rng(0), (4,))
    y, trace = LayerNorm().forward(params, np.full((1, 4), 7.0))
    assert y.tolist() == [[0, 0, 0, 0]]
    _, gradient = LayerNorm().backward(params, trace, np.array([[1.0, 0, 0, 0]]))
    assert np.isfinite(gradient).all()


def test_linear_begins_with_its_scheme_and_a_bias_of_zero():
    params = Linear(3, "orthogonal").init(np.random.default_rng(0), (5,))
    assert params["W"].T @ params["W"] == pytest.approx(np.eye(3), abs=1e-15)
    assert params["b"].tolist() == [0, 0, 0]


class TestDropout:
    def test_keeps_the_mean(self):
        noise = np.random.default_rng(0).uniform(size=(1000, 400))
        y, _ = Dropout(0.3).forward({}, np.ones((1000, 400)), noise)
        assert set(np.unique(y)) == {0.0, 1 / 0.7}
        # 400,000 Bernoulli draws: a standard error of 0.001 in the mean of y.
        assert y.mean() == pytest.approx(1, abs=0.005)

    def test_leaves_out_exactly_the_noise_below_its_rate(self):
        noise = np.array([[0.0, 0.249, 0.25, 0.999]])
        y, trace = Dropout(0.25).forward({}, np.full((1, 4), 3.0), noise)
        assert y.tolist() == [[0, 0, 4, 4]]
        _, gradient = Dropout(0.25).backward({}, trace, np.ones((1, 4)))
        assert gradient == pytest.approx(np.array([[0, 0, 4 / 3, 4 / 3]]))

    def test_rests_without_noise(self):
        x = np.random.default_rng(0).normal(size=(3, 2))
        y, trace = Dropout(0.9).forward({}, x)
        assert np.array_equal(y, x)
        assert np.array_equal(Dropout(0.9).backward({}, trace, x)[1], x)

    def test_asks_for_one_draw_for_every_unit(self):
        assert Dropout(0.5).noise({}, (7,)) == Draw((7,))

    @pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, float("nan")])
    def test_refuses_other_rates(self, rate):
        with pytest.raises(InputError, match=rf"^dropout must be .* not {rate}$"):
            Dropout(rate)


class TestComposition:
    def test_sequential_passes_shapes_noise_and_outputs_on(self):
        layer = Sequential((Linear(3), Dropout(0.5), Linear(2), Tanh()))
        params = layer.init(np.random.default_rng(0), (5,))
        assert [p["W"].shape for p in params if p] == [(5, 3), (3, 2)]
        assert layer.noise(params, (5,)) == (None, Draw((3,)), None, None)
        assert output_shape(layer, params, (5,)) == (2,)
        outputs, _ = layer.outputs(params, np.ones((4, 5)))
        assert [y.shape for y in outputs] == [(4, 3), (4, 3), (4, 2), (4, 2)]
        assert np.array_equal(outputs[-1], layer.forward(params, np.ones((4, 5)))[0])

    def test_what_is_within_need_not_be_a_dataclass(self):
        class Own(Activation):
            forward = backward = Tanh.forward

        layer = Residual(Sequential((Linear(3), own := Own())))
        assert [*layers_within(layer)][2:] == [Linear(3), own]

    def test_no_layers_are_the_identity(self):
        x = np.array([[1.0, 2.0]])
        y, trace = Sequential(()).forward((), x)
        assert y is x
        assert Sequential(()).backward((), trace, x) == ((), x)

    def test_residual_of_a_dead_layer_is_the_identity(self):
        layer = Residual(Linear(3))
        dead = {"W": np.zeros((3, 3)), "b": np.zeros(3)}
        x = np.random.default_rng(0).normal(size=(2, 3))
        y, trace = layer.forward(dead, x)
        assert np.array_equal(y, x)
        assert np.array_equal(layer.backward(dead, trace, x)[1], x)

    def test_residual_needs_equal_shapes(self):
        with pytest.raises(InputError, match=r"equal shapes: \(3,\) gives \(4,\)"):
            Residual(Linear(4)).init(np.random.default_rng(0), (3,))


def test_inputs_and_parameters_are_never_changed(point_of):
    layer = Residual(
        Sequential((Linear(4), LayerNorm(), ReLU(), Dropout(0.5), Linear(4)))
    )
    params, x, noise = point_of(layer, (4,))
    copy, before = x.copy(), params[0]["W"].copy()
    y, trace = layer.forward(params, x, noise)
    layer.backward(params, trace, y)
    assert np.array_equal(x, copy)
    assert np.array_equal(params[0]["W"], before)
