"""Findings on the size: advice is counted on validation samples, and tried."""

from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.model import MLP, initial_network
from layerwise.study import ValidationView
from layerwise.study.findings._training import depth, width


def viewed(study, samples, *exclusive):
    """The study with so many validation samples that only one of two has right.

    ``exclusive`` has, for the input and each hidden layer, how many only the whole
    network has right, and how many only the network cut there.
    """
    targets = np.zeros(samples, np.int32)
    network = np.zeros(samples, np.int64)
    network[samples * 4 // 5 :] = 1
    said = np.tile(network, (4, 1))
    for probe, (only_whole, only_cut) in zip(said, exclusive, strict=False):
        probe[:only_whole] = 1
        probe[samples - only_cut :] = 0
    confidence = np.ones(samples, np.float32)
    view = ValidationView(targets, network, confidence, said)
    return replace(study, validation=view)


MUCH = (900, 0)


class TestDepth:
    @pytest.mark.parametrize(
        ("exclusive", "would_do"),
        [
            ((MUCH, MUCH), None),
            ((MUCH, (0, 0)), 1),
            (((0, 0), MUCH), 0),
            # 0.15 points and more, where that is beyond the noise and where it is not.
            ((MUCH, (15, 0)), 1),
            ((MUCH, (16, 0)), None),
            ((MUCH, (80, 64)), 1),
            # 0.29 points and 0.3, both within noise.
            ((MUCH, (229, 200)), 1),
            ((MUCH, (230, 200)), None),
            # Better than the network, but not known to a point.
            ((MUCH, (1301, 1301)), 1),
            ((MUCH, (1302, 1302)), None),
        ],
    )
    def test_the_fewest_layers_that_lose_little(self, study, exclusive, would_do):
        found = list(depth(viewed(study, 10_000, *exclusive, MUCH)))
        advice = [] if would_do is None else [would_do]
        assert [f.evidence["would_do"] for f in found] == advice

    def test_the_sentence(self, study):
        (found,) = depth(viewed(study, 10_000, MUCH, (20, 10)))
        assert found.text == (
            "1 of 2 hidden layers is enough. Cut after hidden1, with a linear "
            "classifier in place of hidden2, the network is right for 79.9 % of "
            "10,000 validation samples, the whole network for 80.0 % (difference ± 0.1 "
            "points)."
        )
        assert found.evidence["could_go"] == ["hidden2"]
        assert found.evidence["cut_after"] == {
            "input": 0.71,
            "hidden1": 0.799,
            "hidden2": 0.8,
        }
        assert found.evidence["noise"] == 1.96 * np.sqrt(31) / 10_000

    def test_no_hidden_layer_at_all(self, study):
        (found,) = depth(viewed(study, 10_000, (0, 0)))
        assert found.text.startswith(
            "No hidden layer is needed. A linear classifier on the raw input is right"
        )

    def test_too_few_samples_give_no_advice(self, study):
        """A count of none has noise as well: 1.96 / 195 is more than a point."""
        assert list(depth(viewed(study, 197, (0, 0))))
        assert not list(depth(viewed(study, 195, (0, 0))))

    def test_scored_samples_have_no_say(self, study):
        view = viewed(study, 10_000, MUCH, (20, 10))
        other = replace(view, predictions=(view.predictions + 1) % 10)
        assert list(depth(other)) == list(depth(view))

    def test_without_validation_samples_there_is_no_advice(self, study):
        assert not list(depth(replace(study, validation=None)))

    def test_without_hidden_layers_there_is_no_advice(self, study):
        view = viewed(study, 10_000, (0, 0))
        assert not list(depth(replace(view, layers=study.layers[-1:])))


class Tried:
    """What became of advice: test samples that only one of two networks has right."""

    def __init__(self, data, hidden, seeds, **recipe):
        self.given = self.only_whole = self.only_smaller = self.samples = 0
        targets = data.test.targets
        for seed in seeds:
            whole = lw.fit(MLP(hidden), data, seed=seed, **recipe).network
            for advice in depth(lw.inspect(whole, data)):
                kept = hidden[: advice.evidence["would_do"]]
                smaller = lw.fit(MLP(kept), data, seed=seed, **recipe).network
                first, second = (
                    network.predict(data.test.inputs) == targets
                    for network in (whole, smaller)
                )
                self.given += 1
                self.only_whole += int(np.sum(first & ~second))
                self.only_smaller += int(np.sum(second & ~first))
                self.samples += len(targets)

    @property
    def loss(self):
        return (self.only_whole - self.only_smaller) / self.samples


@pytest.mark.slow("long trainings")
class TestAdviceIsTried:
    """The smaller network, trained in the same way, is within 0.3 points."""

    @pytest.mark.parametrize(
        ("name", "hidden", "epochs"),
        [("moons", [30] * 4, 10), ("spirals", [30] * 6, 20)],
    )
    def test_on_curved_classes(self, name, hidden, epochs):
        tried = Tried(lw.load(name), hidden, range(2), epochs=epochs)
        assert tried.given == 2
        assert tried.loss <= 0.003

    def test_on_mnist(self, mnist):
        tried = Tried(mnist, [100] * 8, (0, 3), epochs=4, batch_size=128)
        assert tried.given
        assert tried.loss <= 0.003

    def test_what_the_validation_set_is_too_small_for(self, digits):
        """Networks of which a layer could go by 270 samples, and would be missed."""
        tried = Tried(digits, [64] * 3, (3, 4), epochs=20)
        assert not tried.given


class TestWidth:
    @pytest.fixture
    def idle(self, digits):
        """Of six units two are dead, and a third repeats the first."""
        network = initial_network(MLP([6]), digits)
        (linear, relu), output = network.parameters
        weights = linear["W"].copy()
        weights[:, 5] = 2 * weights[:, 0]
        bias = np.array([0, -1e6, -1e6, 0, 0, 0], np.float32)
        parameters = (({**linear, "W": weights, "b": bias}, relu), output)
        return replace(network, parameters=parameters)

    def test_they_are_counted(self, idle, digits):
        (found,) = width(lw.inspect(idle, digits))
        assert found.evidence["dead"] == {"hidden1": 2}
        assert found.evidence["repeated"] == {"hidden1": 1}
        assert found.evidence["would_do"] == {"hidden1": 3}
        assert found.certainty == "counted"
        assert found.text == (
            "3 of 6 hidden units can be removed without changing a prediction. 2 are "
            "dead, with the same output and 1 repeats another unit, for all of 1,258 "
            "training samples: 3 of 6 in hidden1."
        )

    def test_without_them_no_prediction_changes(self, idle, digits):
        (linear, relu), (output,) = idle.parameters
        kept = [0, 3, 4]
        weights = output["W"].copy()
        weights[0] += 2 * weights[5]
        smaller = replace(
            idle,
            architecture=MLP([3]),
            parameters=(
                ({"W": linear["W"][:, kept], "b": linear["b"][kept]}, relu),
                ({"W": weights[kept], "b": output["b"]},),
            ),
        )
        inputs = digits.train.inputs
        assert np.array_equal(smaller.predict(inputs), idle.predict(inputs))

    def test_busy_units_are_no_finding(self, study):
        assert not list(width(study))

    def test_a_dead_unit_is_not_counted_twice(self, study):
        hidden1 = study.layers[0]
        both = np.arange(hidden1.units) < 2
        layers = (replace(hidden1, dead=both, duplicate=both), *study.layers[1:])
        (found,) = width(replace(study, layers=layers))
        assert found.evidence["would_do"] == {"hidden1": hidden1.units - 2}
        assert "repeat" not in found.text
