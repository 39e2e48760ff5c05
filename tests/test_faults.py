"""Right where teaching material of this kind goes wrong.

Each class is named after a fault that was seen. It asks the same question of our code
and of a version with the fault, and the answers must differ.
"""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import make_moons

import layerwise as lw
from layerwise.arrays import namespace, one_hot, tree_map
from layerwise.data import fit_scaling
from layerwise.model import (
    MLP,
    Batch,
    CrossEntropy,
    CrossEntropyOnProbabilities,
    Linear,
    ReLU,
    Sequential,
    Softmax,
    gradcheck,
    initial_network,
    loss_and_gradients,
)
from layerwise.statistics import Moments, principal_components
from layerwise.training import Checkpoint, History, Order, State, save_checkpoint
from layerwise.wording import percent

SGD = {"epochs": 10, "batch_size": 32, "optimizer": "sgd", "learning_rate": 0.05}


def peak_bytes(function) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class TestFault1GradientClampedToItsPositiveHalf:
    """Clamped to [-1e-10, 1e10], moons ends far below 99.9 %."""

    @dataclass(frozen=True)
    class Clamped(Linear):
        def backward(self, params, trace, gradient):
            gradients, of_input = super().backward(params, trace, gradient)
            xp = namespace(gradient)
            return tree_map(lambda g: xp.clip(g, -1e-10, 1e10), gradients), of_input

    @dataclass(frozen=True)
    class Network:
        linear: type

        def build(self, inputs: int, outputs: int) -> Sequential:
            del inputs
            hidden = Sequential((self.linear(30), ReLU()))
            return Sequential((hidden, hidden, Sequential((self.linear(outputs),))))

        def loss_function(self) -> CrossEntropy:
            return CrossEntropy()

    @pytest.mark.slow("long trainings")
    def test_moons(self, moons):
        def learns(linear):
            return lw.fit(self.Network(linear), moons, **SGD).test.accuracy >= 0.998

        assert learns(Linear)
        assert not learns(self.Clamped)

    def test_gradcheck(self):
        assert gradcheck(Linear(3))
        assert not gradcheck(self.Clamped(3))


class TestFault2LossIsAMeanAndItsGradientASum:
    def belongs(self, gradient_of):
        """Whether the gradient is that of the loss that is reported."""
        rng = np.random.default_rng(0)
        layer = Sequential((Sequential((Linear(3),)),))
        params = layer.init(rng, (4,))
        x, weights = rng.normal(size=(6, 4)), np.ones(6)
        batch = Batch(x, one_hot(np.arange(6) % 3, 3, x), weights)
        direction = rng.normal(size=(4, 3))

        def loss(t):
            moved = (({**params[0][0], "W": params[0][0]["W"] + t * direction},),)
            return loss_and_gradients(layer, CrossEntropy(), moved, batch).loss

        slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
        gradient = gradient_of(layer, params, batch)[0][0]["W"]
        return abs((gradient * direction).sum() - slope) < 1e-9

    def test_the_gradient_is_that_of_the_loss(self):
        def ours(layer, params, batch):
            return loss_and_gradients(layer, CrossEntropy(), params, batch).gradients

        def of_the_sum(layer, params, batch):
            loss = CrossEntropy()
            outputs, traces = layer.forward(params, batch.inputs)
            _, trace = loss.forward(outputs, batch.targets)
            return layer.backward(params, traces, loss.backward(trace))[0]

        assert self.belongs(ours)
        assert not self.belongs(of_the_sum)


class TestFault3WeightsDrawnFromTheStandardNormal:
    """Eight hidden layers of 30: NaN after the second step, where He's scale trains."""

    def test_moons(self, moons):
        def finishes(init):
            settings = {**SGD, "epochs": 1, "schedule": "constant"}
            result = lw.fit(MLP([30] * 8, init=init), moons, **settings)
            return result.status == "finished" and result.test.accuracy > 0.8

        assert finishes("he")
        assert not finishes("normal")


class TestFault4BytesWrapRound:
    def right_at_both_ends(self, scaled):
        bytes_ = np.array([[0], [51], [255]], np.uint8)
        return scaled(bytes_).ravel().tolist() == pytest.approx([-1, -0.6, 1])

    def test_scaling(self):
        def ours(x):
            return fit_scaling(x, "range").apply(x)

        def in_bytes(x):
            return (x - np.uint8(255)) / 255

        assert self.right_at_both_ends(ours)
        assert not self.right_at_both_ends(in_bytes)


class TestFault5EigOnASymmetricMatrix:
    rows = np.random.default_rng(0).normal(2, 1, (20, 60))

    def test_components_are_real(self):
        def ours(rows):
            return principal_components(Moments.of(rows)).components

        def by_eig(rows):
            return np.linalg.eig(np.cov(rows.T))[1].T

        assert not np.iscomplexobj(ours(self.rows))
        assert np.iscomplexobj(by_eig(self.rows))

    def test_projections_are_centred(self):
        components = principal_components(Moments.of(self.rows), 2)

        def is_centred(projection):
            return np.abs(projection.mean(axis=0)).max() < 1e-12

        assert is_centred(components.project(self.rows))
        assert not is_centred(self.rows @ components.components.T)


class TestFault6SamplesSeenBefore:
    def test_a_test_set_with_the_training_sets_seed(self, moons):
        def share_seen(train, test):
            seen = {row.tobytes() for row in train}
            return np.mean([row.tobytes() in seen for row in test])

        ours = (moons.train.inputs, moons.test.inputs, moons.validation.inputs)
        assert share_seen(ours[0], ours[1]) == share_seen(ours[0], ours[2]) == 0
        assert share_seen(ours[2], ours[1]) == 0
        train, test = (make_moons(2000, noise=0.08, random_state=0)[0] for _ in "12")
        assert share_seen(train, test) == 1

    def test_a_probe_scored_on_what_it_was_fitted_on(self):
        rng = np.random.default_rng(0)
        noise, labels = rng.normal(size=(400, 150)), rng.integers(0, 2, 400)
        samples = lw.Samples(noise, labels)
        network = initial_network(MLP([]), lw.Dataset.from_arrays(noise, labels))

        def near_chance(study):
            return abs(study.input.probe_accuracy.value - 0.5) < 0.1

        assert near_chance(lw.inspect(network, samples))
        assert not near_chance(lw.inspect(network, samples, fit_on=samples))

    def test_validation_and_test_are_two_sets_with_two_names(self, digits):
        result = lw.fit(MLP([8]), digits, epochs=2)
        scores = {
            part: (result.network.predict(s.inputs) == s.targets).mean()
            for part in ("validation", "test")
            for s in [getattr(digits, part)]
        }
        assert scores["validation"] != scores["test"]
        assert result.validation.accuracy == scores["validation"]
        assert result.test.accuracy == scores["test"]
        assert result.history.epochs[-1].validation_accuracy == scores["validation"]


class TestFault7FiguresThatAreNotWhatTheySay:
    def test_percent(self):
        def says_ninety_four(text):
            return float(text.removesuffix("%")) == 94

        assert says_ninety_four(percent(0.94))
        assert not says_ninety_four(f"{0.94}%")

    def test_a_mean_of_batch_means_with_a_short_last_batch(self, iris):
        result = lw.fit(MLP([8]), iris, epochs=1, batch_size=16, engine="eager")
        p = result.network.predict_proba(iris.train.inputs).astype(float)
        losses = -np.log(p[np.arange(len(p)), iris.train.targets])
        assert len(losses) % 16

        def is_the_mean(figure):
            return figure == pytest.approx(losses.mean(), rel=1e-6)

        batches = [losses[i : i + 16].mean() for i in range(0, len(losses), 16)]
        assert is_the_mean(result.history.epochs[-1].train_loss)
        assert not is_the_mean(np.mean(batches))

    def test_a_running_mean_over_the_epochs(self, iris):
        result = lw.fit(MLP([8]), iris, epochs=3, engine="eager")

        def is_the_test_loss(figure):
            p = result.network.predict_proba(iris.test.inputs).astype(float)
            losses = -np.log(p[np.arange(len(p)), iris.test.targets])
            return figure == pytest.approx(losses.mean(), rel=1e-6)

        assert is_the_test_loss(result.test.loss)
        assert not is_the_test_loss(result.history.losses.mean())


@pytest.mark.slow("long trainings")
class TestFault8AllActivationsInOneList:
    @pytest.mark.usefixtures("unchecked")
    def test_memory(self):
        """With twice the samples, only what is said of each is more: a few bytes."""
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(60_000, 4)).astype(np.float32)
        targets = np.arange(60_000) % 2
        data = lw.Dataset.from_arrays(inputs[:100], targets[:100])
        network = initial_network(MLP([200, 200]), data)
        activations_of_a_sample = 406 * 4

        def ours(count):
            samples = lw.Samples(inputs[:count], targets[:count])
            lw.inspect(network, samples, fit_on=samples)

        def kept(count):
            blocks = list(network.activations(inputs[:count]))
            return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]

        def growth(function):
            fewer, more = (
                peak_bytes(lambda count=count: function(count))
                for count in (30_000, 60_000)
            )
            return (more - fewer) / 30_000

        ours(3000)
        assert growth(ours) < activations_of_a_sample / 4
        assert growth(kept) >= activations_of_a_sample


class TestFault9SoftmaxAndItsLogarithm:
    def test_no_jacobian_is_built(self):
        rng = np.random.default_rng(0)
        z, g = rng.normal(size=(100, 300)), rng.normal(size=(100, 300))
        p, trace = Softmax().forward({}, z)

        def ours():
            return Softmax().backward({}, trace, g)[1]

        def by_jacobians():
            jacobians = p[:, :, None] * (np.eye(300) - p[:, None, :])
            return np.einsum("bij,bi->bj", jacobians, g)

        assert ours() == pytest.approx(by_jacobians(), abs=1e-15)
        assert peak_bytes(ours) < 10 * z.nbytes
        assert peak_bytes(by_jacobians) > 100 * z.nbytes

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_probability_that_underflows(self, dtype):
        """The loss is floored, and so must be its gradient."""

        class Floored(CrossEntropyOnProbabilities):
            def backward(self, trace):
                p, targets = trace
                with np.errstate(divide="ignore", invalid="ignore"):
                    return -targets / p

        def is_finite(loss):
            z = np.array([[0, -2000.0]], dtype)
            p, trace = Softmax().forward({}, z)
            losses, of_loss = loss.forward(p, np.array([[0, 1]], dtype))
            with np.errstate(invalid="ignore"):
                _, gradient = Softmax().backward({}, trace, loss.backward(of_loss))
            return bool(np.isfinite(losses).all() and np.isfinite(gradient).all())

        assert is_finite(CrossEntropyOnProbabilities())
        assert not is_finite(Floored())


class TestFault10NoHiddenLayerNoSoftmax:
    def test_outputs_are_probabilities(self, iris):
        def with_the_last_hidden_layer(inputs, outputs):
            """A builder that hangs the Softmax on the loop over hidden layers."""
            blocks = []
            for units in ():
                blocks += [Linear(units), ReLU(), Softmax()]
            return Sequential((*blocks, Linear(outputs)))

        def are_probabilities(build):
            layer = build(4, 3)
            params = layer.init(np.random.default_rng(0), (4,))
            outputs, _ = layer.forward(params, iris.test.inputs)
            return np.allclose(outputs.sum(axis=1), 1, rtol=0, atol=1e-14)

        chained = MLP([], loss="cross-entropy-on-probabilities")
        assert are_probabilities(chained.build)
        assert not are_probabilities(with_the_last_hidden_layer)
        result = lw.fit(chained, iris, learning_rate=0.1)
        assert result.test.accuracy >= 0.9


class TestFault11CheckpointsThatOverwriteEachOther:
    def test_names(self, iris, tmp_path):
        def one_for_each_epoch(save):
            names = {}

            def keep(checkpoint):
                if checkpoint.state.step in (each, 2 * each, 3 * each):
                    names[checkpoint.state.step] = save(checkpoint)

            lw.fit(MLP([4]), iris, epochs=3, engine="eager", save=keep)
            return len(set(names.values())) == len(names) == 3

        each = Order(len(iris.train), 32, 0).steps_per_epoch

        def within_the_epoch(checkpoint):
            step = checkpoint.state.step % each
            renamed = Checkpoint(State(*checkpoint.state[:2], step), History())
            return save_checkpoint(renamed, tmp_path / "faulty", "iris").name

        def ours(checkpoint):
            return save_checkpoint(checkpoint, tmp_path / "ours", "iris").name

        assert one_for_each_epoch(ours)
        assert not one_for_each_epoch(within_the_epoch)
        assert len(list((tmp_path / "ours").iterdir())) == 3
        assert len(list((tmp_path / "faulty").iterdir())) == 1
