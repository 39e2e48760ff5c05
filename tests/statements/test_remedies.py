"""What is done about a planted fault: the data after a fix, warnings, modules."""

import warnings

import numpy as np
import pytest

import layerwise as lw
from layerwise.diagnosis import Setup
from layerwise.statistics import share
from layerwise.statistics._predictions import exceeds

pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Three normal classes, each shifted along an axis of its own."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 500)
    inputs = rng.normal(size=(500, 4))
    inputs[np.arange(500), targets] += 3
    return inputs, targets


class TestLabelsOutOfStepInTheFile:
    @pytest.mark.parametrize("given_test", [False, True])
    def test_the_fix_moves_all_rows_of_the_file(self, rows, given_test):
        inputs, targets = rows
        test = (inputs[400:], targets[400:]) if given_test else None
        own = slice(0, 400) if given_test else slice(None)
        x, y = inputs[own], targets[own]
        data = lw.Dataset.from_arrays(x, np.roll(y, 3), test=test)
        setup = Setup(lw.MLP([16]), data, lw.Recipe(epochs=5, engine="eager"))
        cause = lw.diagnose(lw.fit(setup.architecture, data, setup.recipe)).first
        assert cause.kind == "inputs and labels out of step"
        assert cause.change == {"roll_source": -3}
        moved = setup.changed(cause.change).data
        for part in (moved.train, moved.validation):
            assert np.array_equal(part.targets, y[part.rows])
        # A test set that was given apart has rows of its own.
        truth = test[1] if given_test else y[moved.test.rows]
        assert np.array_equal(moved.test.targets, truth)

    def test_labels_that_are_in_step_are_left_alone(self, rows):
        data = lw.Dataset.from_arrays(*rows)
        result = lw.fit(lw.MLP([16]), data, epochs=20, engine="eager")
        assert lw.diagnose(result).healthy


class TestCodesForMissingValues:
    def test_the_fix_puts_the_mean_of_the_others(self, rows):
        inputs = rows[0].copy()
        inputs[::7, 1] = -999
        data = lw.Dataset.from_arrays(inputs, rows[1])
        setup = Setup(lw.MLP([16]), data, lw.Recipe(epochs=2, engine="eager"))
        before = lw.fit(setup.architecture, data, setup.recipe)
        cause = lw.diagnose(before).first
        assert cause.change == {"missing": ((1, -999.0),)}
        fixed = setup.changed(cause.change).data
        known = data.train.inputs[:, 1] != -999
        mean = data.train.inputs[known, 1].mean()
        filled = fixed.train.inputs[~known, 1]
        assert filled == pytest.approx(np.full(len(filled), mean))
        assert np.array_equal(fixed.train.inputs[known], data.train.inputs[known])
        assert lw.data.missing_codes(fixed.train.inputs) == ()

    @pytest.mark.parametrize(
        ("change", "codes"),
        [
            (lambda x: x, []),
            (lambda x: np.where(x > 3, 0, x), []),  # zero is a measurement
            (lambda x: np.where(x > 2, 9999, x), [0, 1, 2, 3]),
            (lambda x: np.where(np.arange(500)[:, None] == 3, -999, x), []),  # once
            (lambda x: (x > 0).astype(float), []),
            (lambda x: np.where(x > 2, -1, x + 500), [0, 1, 2, 3]),
            (lambda x: np.clip(40 * x + 100, 0, 255).astype(np.uint8), []),
        ],
    )
    def test_what_is_a_code(self, rows, change, codes):
        found = lw.data.missing_codes(change(rows[0]))
        assert [code.feature for code in found] == codes


@pytest.fixture(scope="module")
def of_bytes():
    """Pictures in bytes, and a network that was trained on them."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    bright = 60 + 90 * targets[:, None] + 30 * rng.normal(size=(200, 16))
    inputs = np.clip(bright, 0, 255).astype(np.uint8).reshape(-1, 4, 4)
    data = lw.Dataset.from_arrays(inputs, targets)
    return data, lw.fit(lw.MLP([8]), data, epochs=1, engine="eager").network


class TestUnits:
    def test_numbers_from_0_to_1_where_training_had_bytes(self, of_bytes):
        data, network = of_bytes
        for ask in (network.predict, network.predict_proba):
            with pytest.warns(UserWarning, match="in other units than the training"):
                ask(data.test.inputs / 255)

    def test_bytes_where_training_had_0_to_1(self, of_bytes):
        data = of_bytes[0]
        small = lw.Dataset.from_arrays(data.train.inputs / 255, data.train.targets)
        network = lw.fit(lw.MLP([8]), small, epochs=1, engine="eager").network
        with pytest.warns(UserWarning, match="in other units"):
            network.predict(data.test.inputs)

    def test_the_same_units_are_no_warning(self, of_bytes, rows):
        data, network = of_bytes
        table = lw.Dataset.from_arrays(*rows)
        other = lw.fit(lw.MLP([8]), table, epochs=1, engine="eager").network
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            network.predict(data.test.inputs)
            network.predict(data.test.inputs[0])
            network.predict(np.zeros((3, 4, 4)))  # blank pictures
            other.predict(rows[0])
            for row in rows[0][:50]:
                other.predict(row)


class TestModules:
    def test_looking_changes_no_statistics(self, rows):
        torch = pytest.importorskip("torch")
        from torch import nn

        torch.manual_seed(0)
        data = lw.Dataset.from_arrays(5 * rows[0] + 3, rows[1])
        module = nn.Sequential(
            nn.Linear(4, 16),
            nn.BatchNorm1d(16, momentum=0.1),
            nn.ReLU(),
            nn.Linear(16, 3),
        )
        network = lw.fit(module, data, epochs=10).network
        trained = lw.to_torch(network)
        with torch.no_grad():  # those of other inputs
            trained[1].running_mean.add_(20)
        before = {k: v.clone() for k, v in trained.state_dict().items()}
        study = lw.inspect(trained, data)
        (found,) = [f for f in study.findings if f.kind == "stale running statistics"]
        assert found.evidence["batch"] > found.evidence["running"] + 0.02
        assert all(torch.equal(before[k], v) for k, v in trained.state_dict().items())
        # Passed once more in training mode, as is advised, they are not stale.
        trained.train()
        trained[1].momentum = None
        trained[1].reset_running_stats()
        inputs = torch.tensor(data.train.inputs, dtype=torch.float32)
        with torch.no_grad():
            trained(inputs)
        study = lw.inspect(trained.eval(), data)
        assert "stale running statistics" not in {f.kind for f in study.findings}

    def test_statistics_that_serve_are_looked_at_no_longer(self, rows, monkeypatch):
        torch = pytest.importorskip("torch")
        from torch import nn

        from layerwise.study.subjects import _given

        torch.manual_seed(0)
        module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)).eval()
        inputs = torch.tensor(np.tile(rows[0], (8, 1)), dtype=torch.float32)
        labels = module(inputs).argmax(dim=1)  # as they are, all is right
        batches = list(zip(inputs.split(50), labels.split(50), strict=True))
        passed = []
        right = _given._right

        def counted(capture, batch, targets):
            passed.append(len(targets))
            return right(capture, batch, targets)

        monkeypatch.setattr(_given, "_right", counted)
        study = lw.inspect(module, batches)
        assert passed == [50] * 6  # of 150 samples, each way
        assert "stale running statistics" not in {f.kind for f in study.findings}


def test_all_of_few_are_no_more_than_nearly_all_of_many():
    """The plain standard error of 12 of 12 is 0."""
    assert not exceeds(share(np.ones(12) > 0), share(np.arange(400) >= 20), 0.02)
    assert exceeds(share(np.ones(400) > 0), share(np.arange(400) >= 20), 0.02)
