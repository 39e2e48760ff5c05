"""Training in torch: the twin of a network by hand, and any module."""

import importlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import layerwise as lw
from layerwise.arrays import leaves, named_leaves
from layerwise.diagnosis import Setup, fix
from layerwise.errors import InputError
from layerwise.model import MLP
from layerwise.modules import TorchNetwork
from layerwise.training import (
    LayerHealth,
    Order,
    Progress,
    checkpoints_in,
    engine_for,
    fingerprint,
    load_checkpoint,
    on_host,
    save_checkpoint,
    score,
)

MAKES = {
    "plain": MLP([6, 6]),
    "normalised": MLP([6, 6], normalise=True),
    "residual tanh": MLP([6, 6], activation="tanh", residual=True),
    "gelu": MLP([6, 6], activation="gelu"),
    "leaky": MLP([6], activation="leaky-relu"),
    "sigmoid": MLP([6], activation="sigmoid"),
    "softmax": MLP([6], loss="cross-entropy-on-probabilities"),
    "squared": MLP([6], loss="squared-error"),
    "none": MLP([]),
}


class TestTwin:
    @pytest.mark.parametrize("make", MAKES)
    @pytest.mark.slow("long trainings")
    def test_loss_curves_over_200_steps(self, problem_of, run, make):
        problem = problem_of(MAKES[make], total=200)
        (_, by_hand), (_, twin) = (
            run(problem, e, [0, 200]) for e in ("eager", "torch")
        )
        assert by_hand.shape == (2, 200)
        assert np.abs(twin[0] - by_hand[0]).max() < 1e-10
        assert np.array_equal(twin[1], by_hand[1])

    @pytest.mark.parametrize("make", MAKES)
    def test_health_and_dead_units(self, problem_of, make):
        problem = problem_of(MAKES[make])
        found = []
        for name in ("eager", "torch"):
            engine = engine_for(problem, name)
            state, steps = engine.advance(problem.initial_state(), 0, 90)
            dead = engine.evaluate(state.parameters, problem.samples).dead
            found.append((steps.health, np.array(dead)))
        (expected, expected_dead), (health, dead) = found
        assert health.shape == expected.shape == (3, *expected.shape[1:])
        assert health.dtype == np.float64
        error = np.abs(health - expected).max(axis=(0, 1))
        assert dict(
            zip(LayerHealth._fields, error < 1e-9, strict=True)
        ) == dict.fromkeys(LayerHealth._fields, True)
        assert np.array_equal(dead, expected_dead)

    @pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
    def test_a_penalty_and_sample_weights(self, problem_of, run, optimizer):
        problem = problem_of(optimizer=optimizer)
        weights = np.random.default_rng(0).integers(0, 3, len(problem.samples))
        samples = replace(problem.samples, weights=weights.astype(float))
        problem = replace(problem, l2=0.3, samples=samples)
        (state, by_hand), (other, twin) = (
            run(problem, e, [0, 60]) for e in ("eager", "torch")
        )
        assert np.abs(twin[0] - by_hand[0]).max() < 1e-12
        for (_, a), (_, b) in zip(
            named_leaves(on_host(other)[:2]), named_leaves(state[:2]), strict=True
        ):
            assert np.abs(a - b).max(initial=0) < 1e-12

    def test_fit_gives_a_network_by_hand(self, small):
        result = lw.fit(MLP([8], dropout=0.2), small, epochs=3, engine="torch")
        assert result.engine == "torch"
        assert isinstance(result.network, lw.Network)
        assert result.network.architecture == MLP([8], dropout=0.2)
        right = result.network.predict(small.test.inputs) == small.test.targets
        assert result.test.accuracy == pytest.approx(right.mean())
        assert len(result.history.epochs) == 3

    def test_an_interrupted_one_goes_on_in_any_engine(self, small):
        def stop_at_5(progress: Progress):
            if progress.step >= 5:
                raise KeyboardInterrupt

        settings = {"epochs": 4, "seed": 3, "batch_size": 16}
        whole = lw.fit(MLP([5]), small, engine="eager", **settings)
        first = lw.fit(MLP([5]), small, engine="torch", watch=stop_at_5, **settings)
        assert first.status == "interrupted"
        assert first.checkpoint.state.step < 16
        rest = lw.fit(
            MLP([5]), small, engine="compiled", resume=first.checkpoint, **settings
        )
        difference = rest.history.losses - whole.history.losses
        assert np.abs(difference).max() < 1e-5


class Textbook(nn.Module):
    """The textbook's module: one activation for all, here a function."""

    def __init__(self, features=4, classes=3):
        super().__init__()
        self.fc1 = nn.Linear(features, 8)
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, classes)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Shared(Textbook):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.fc3(self.act(self.fc2(self.act(self.fc1(x)))))


class Convolutions(nn.Module):
    """A small residual network with running means, for pictures of 8 × 8."""

    def __init__(self):
        super().__init__()
        # Without a bias, which the mean takes away: its gradient would be rounding.
        self.first = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.out = nn.Linear(6, 10)

    def forward(self, x):
        x = self.act(self.norm(self.first(x[:, None] / 16)))
        x = self.act(x + self.second(x))
        return {"logits": self.out(x.mean(dim=(2, 3)))}


class Tokens(nn.Module):
    """Takes indices; gives a tuple, one of them a sequence; has a frozen table."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 6)
        self.table.weight.requires_grad_(False)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        found, _ = self.lstm(self.table(x))
        return self.out(self.drop(found[:, -1])), found


def seeded(make, seed=0):
    torch.manual_seed(seed)
    return make()


@pytest.fixture(scope="module")
def tokens():
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 20, (120, 7))
    data = lw.Dataset.from_arrays(inputs, (inputs > 9).sum(axis=1) > 3, name="tokens")
    return replace(data, scaling="none")


@pytest.fixture(scope="module")
def cases(small, digits, tokens):
    few = replace(digits, train=digits.train.at(slice(200)))
    return {Textbook: small, Shared: small, Convolutions: few, Tokens: tokens}


KINDS = [Textbook, Shared, Convolutions, Tokens]


@pytest.mark.parametrize("kind", KINDS)
class TestAnyModule:
    def test_like_a_plain_loop(self, kind, cases):
        """The loop that its owner would write, with torch's own loss and optimiser."""
        data, module = cases[kind], seeded(kind).double()
        if kind is Tokens:
            module.drop.p = 0.0
        settings = {"epochs": 3, "batch_size": 16, "optimizer": "adamw", "seed": 2}
        result = lw.fit(
            module, data, schedule="constant", learning_rate=1e-2, **settings
        )
        optimiser = torch.optim.AdamW(
            [p for p in module.parameters() if p.requires_grad], 1e-2, weight_decay=0.01
        )
        order = Order(len(data.train), 16, 2)
        indices, weights = order.batches(0, 3 * order.steps_per_epoch)
        losses = []
        module.train()
        for padded, counted in zip(indices, weights, strict=True):
            rows = padded[counted > 0]
            inputs = torch.tensor(data.train.inputs[rows])
            inputs = inputs if kind is Tokens else inputs.double()
            targets = torch.tensor(data.train.targets[rows]).long()
            out = module(inputs)
            if kind is Tokens:
                loss = nn.functional.binary_cross_entropy_with_logits(
                    out[0][:, 0], targets.double()
                )
            else:
                out = out["logits"] if isinstance(out, dict) else out
                loss = nn.functional.cross_entropy(out, targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert np.abs(result.history.losses - losses).max() < 1e-10
        trained = lw.to_torch(result.network)
        assert not trained.training
        for name, tensor in module.state_dict().items():
            found = trained.state_dict()[name].double()
            assert torch.allclose(found, tensor.double(), rtol=0, atol=1e-9), name

    @pytest.mark.slow("long trainings")
    def test_any_cut_gives_the_same_bytes(self, kind, cases):
        data, module = cases[kind], seeded(kind)
        whole = self.ended(module, data, [0, 30])
        assert self.ended(module, data, [0, 1, 13, 30]) == whole
        assert self.ended(module, data, list(range(31))) == whole
        # A fresh engine, as in another process.
        assert self.ended(module, data, [0, 17, 30], fresh=True) == whole

    def ended(self, module, data, cuts, fresh=False):
        from layerwise.training._loop import problem_of

        recipe = lw.Recipe(epochs=4, batch_size=16, seed=1)
        problem = problem_of(module, data, recipe)
        engine, state = engine_for(problem), problem.initial_state()
        records = []
        for start, stop in pairwise(cuts):
            if fresh:
                engine, state = engine_for(problem), on_host(state)
            state, steps = engine.advance(state, start, stop)
            # What is evaluated in between has no influence.
            engine.evaluate(state.parameters, data.validation)
            records.append([part.tobytes() for part in steps])
        state = on_host(state)
        joined = [b"".join(parts) for parts in zip(*records, strict=True)]
        return joined, [leaf.tobytes() for leaf in leaves(state[:2])]

    @pytest.mark.slow("long trainings")
    def test_checkpoints_on_disk(self, kind, cases, tmp_path):
        data, module = cases[kind], seeded(kind)
        recipe = lw.Recipe(epochs=3, batch_size=16, snapshots=2)
        name = fingerprint(module, data, recipe)
        saved = []

        def save(checkpoint):
            if checkpoint.history.epochs and not saved:
                saved.append(save_checkpoint(checkpoint, tmp_path, name))

        whole = lw.fit(module, data, recipe, save=save)
        (path,) = checkpoints_in(tmp_path)
        # Another draw of the same module: its first parameters come from the file.
        again = seeded(kind, seed=9)
        checkpoint = load_checkpoint(path, again, data, recipe)
        rest = lw.fit(again, data, recipe, resume=checkpoint)
        assert rest.history.losses.tobytes() == whole.history.losses.tobytes()
        assert [s.epoch for s in rest.snapshots] == [0, 1, 3]
        for one, other in zip(rest.snapshots, whole.snapshots, strict=True):
            pairs = zip(
                leaves(one.network.parameters),
                leaves(other.network.parameters),
                strict=True,
            )
            assert all(a.tobytes() == b.tobytes() for a, b in pairs)
        scored = score(again, data, recipe, rest.checkpoint, "finished")
        assert scored.test == whole.test
        other = kind()
        other.more = nn.Linear(2, 2)
        with pytest.raises(InputError, match="not a checkpoint of this training"):
            load_checkpoint(path, other, data, recipe)

    def test_the_module_given_stays_as_it_was(self, kind, cases):
        data, module = cases[kind], seeded(kind)
        module.train()
        before = {name: t.clone() for name, t in module.state_dict().items()}
        noise = torch.random.get_rng_state()
        result = lw.fit(module, data, epochs=1)
        assert module.training
        assert torch.equal(torch.random.get_rng_state(), noise)
        assert all(torch.equal(t, before[n]) for n, t in module.state_dict().items())
        assert not any(part._forward_hooks for part in module.modules())
        trained = lw.to_torch(result.network)
        assert not any(part._forward_hooks for part in trained.modules())

    def test_what_comes_of_it_can_be_used(self, kind, cases):
        data = cases[kind]
        result = lw.fit(seeded(kind), data, epochs=2)
        network = result.network
        assert isinstance(network, TorchNetwork)
        right = network.predict(data.test.inputs) == data.test.targets
        assert result.test.accuracy == pytest.approx(right.mean())
        p = network.predict_proba(data.test.inputs)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        loss = -np.log(p[np.arange(len(p)), data.test.targets].astype(float)).mean()
        assert result.test.loss == pytest.approx(loss, rel=1e-5)
        assert result.history.health.shape[1] == len(network.layer_names)
        assert np.isfinite(result.history.health).all()
        assert result.history.health_csv(network.layer_names)


def test_layers_are_those_with_weights_in_the_order_of_their_calls(cases):
    def names(kind):
        return lw.fit(kind(), cases[kind], epochs=1).network.layer_names

    assert names(Textbook) == names(Shared) == ("fc1", "fc2", "fc3")
    assert names(Convolutions) == ("first", "norm", "second", "out")
    assert names(Tokens) == ("lstm", "out")


@pytest.mark.parametrize("kind", [Textbook, Shared])
def test_health_of_a_module_against_plain_hooks(kind, small):
    module = seeded(kind).double()
    result = lw.fit(module, small, epochs=1, batch_size=16, seed=0)
    health = result.history.records[0]
    rows = Order(len(small.train), 16, 0).batches(0, 1)[0][0]
    x = torch.tensor(small.train.inputs[rows])
    targets = torch.tensor(small.train.targets[rows]).long()
    z1 = module.fc1(x)
    z2 = module.fc2(z1.relu())
    out = module.fc3(z2.relu())
    nn.functional.cross_entropy(out, targets).backward()
    layers = (module.fc1, module.fc2, module.fc3)
    for z, layer, found in zip((z1, z2, out), layers, health.layers, strict=True):
        gradient = torch.cat([p.grad.reshape(-1) for p in layer.parameters()]).norm()
        weights = torch.cat([p.reshape(-1) for p in layer.parameters()]).norm()
        assert found.gradient_norm == pytest.approx(gradient.item(), rel=1e-9)
        assert found.weight_norm == pytest.approx(weights.item(), rel=1e-9)
        # A layer gives on what its activation gave, a module or a function.
        y = (z if z is out else z.relu()).detach()
        assert found.mean == pytest.approx(y.mean().item(), abs=1e-9)
        assert found.spread == pytest.approx(y.std(correction=0).item(), rel=1e-9)
        off = (z.detach() <= 0).double() if z is not out else torch.zeros_like(out)
        assert found.saturated == pytest.approx(off.mean().item())
        silent = (off.min(dim=0).values == 1).double().mean().item()
        assert found.silent == pytest.approx(silent)


def test_a_row_with_a_missing_value_is_named(small):
    network = lw.fit(Textbook(), small, epochs=1).network
    inputs = small.test.inputs.astype(np.float32)
    inputs[1] = np.nan
    with pytest.raises(InputError, match=r"^row 1 \(counted from 0\) has logits"):
        network.predict(inputs)


def test_a_module_is_shown_in_one_line(small):
    network = lw.fit(Textbook(), small, epochs=1).network
    assert repr(network) == (
        f"TorchNetwork(Textbook, shape={small.shape}, classes=3, "
        f"parameters={network.parameter_count})"
    )


class TestWhatCannotBeTrained:
    def test_is_said(self, small):
        frozen = Textbook().requires_grad_(False)
        mixed = Textbook()
        mixed.fc1.double()
        for module, message in (
            (frozen, r"^Textbook: no parameter of it can be trained"),
            (
                Textbook(features=5),
                r"^Textbook does not take the inputs of small, of sh",
            ),
            (
                Textbook(classes=2),
                r"shape \(2, 2\) for 2 samples: let .* \(samples, 3\)",
            ),
            (mixed, r"^fc2.weight has dtype torch.float32: keep all parameters in"),
            (Textbook().bfloat16(), r"^fc1.weight has dtype torch.bfloat16"),
            ("a text", r"^a str cannot be trained: give an MLP or a torch module"),
        ):
            with pytest.raises(InputError, match=message):
                lw.fit(module, small, epochs=1)

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_by_hand(self, small, engine):
        with pytest.raises(
            InputError, match=f"engine '{engine}' cannot train a module"
        ):
            lw.fit(Textbook(), small, epochs=1, engine=engine)

    def test_its_file_is_a_state_dict_and_no_mlp(self, small, tmp_path):
        network, path = lw.fit(Textbook(), small, epochs=1).network, tmp_path / "x"
        lw.save_network(network, path)
        with pytest.raises(InputError, match="whose code no file holds"):
            lw.load_network(path)
        module = Textbook()
        module.load_state_dict(load_file(path))
        for name, tensor in lw.to_torch(network).state_dict().items():
            assert torch.equal(module.state_dict()[name], tensor)

    def test_a_device_that_is_not_there(self, small):
        with pytest.raises(InputError, match=r"device 'tpu' is not on this machine"):
            lw.fit(Textbook(), small, epochs=1, device="tpu")


def test_another_loss(small):
    result = lw.fit(lw.TorchModule(Textbook(), "squared-error"), small, epochs=1)
    y = result.network.logits(small.test.inputs)
    target = np.eye(3)[small.test.targets]
    expected = 0.5 * ((y - target) ** 2).sum(axis=1).mean()
    assert result.test.loss == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="loss 'hinge' is unknown"):
        lw.TorchModule(Textbook(), "hinge")


def test_a_scaling_before_a_module(small):
    x = small.train.inputs
    scaled = lw.scaling_module(small)(torch.tensor(x)).numpy()
    assert np.abs(scaled.mean(axis=0)).max() < 1e-6
    assert np.abs(scaled.std(axis=0) - 1).max() < 1e-6
    module = nn.Sequential(lw.scaling_module(small), Textbook())
    assert lw.fit(module, small, epochs=1).network.layer_names[0] == "1.fc1"


def test_a_diverging_module(small):
    result = lw.fit(
        seeded(Textbook),
        small,
        epochs=5,
        optimizer="sgd",
        learning_rate=1e6,
        schedule="constant",
    )
    assert result.status == "diverged"
    assert all(np.isfinite(leaf).all() for leaf in leaves(result.network.parameters))
    assert lw.diagnose(result).first.kind == "learning rate too high"


@pytest.mark.slow("long trainings")
def test_what_is_wrong_is_mended_as_far_as_a_module_allows(small):
    slow = lw.Recipe(epochs=5, learning_rate=1e-7)
    module = lw.TorchModule(seeded(Textbook))
    before = lw.fit(module, small, slow)
    fixed = fix(Setup(module, small, slow), before)
    assert fixed.rounds[0].cause.kind == "learning rate too low"
    assert fixed.result.validation.loss < before.validation.loss


@pytest.mark.parametrize("kind", [Textbook, Tokens])
@pytest.mark.slow("long trainings")
def test_steps_that_read_their_numbers_from_the_device_are_the_steps(
    kind, cases, monkeypatch
):
    """As on CUDA, but that a graph's replay is a call of what it records."""
    from layerwise.training._loop import problem_of
    from layerwise.training.engines import _graph, _torch

    monkeypatch.setattr(_graph, "Replay", lambda function, _inputs: function)
    # The checks of types in these tests draw from Python's own generator.
    monkeypatch.setattr(_graph.random, "getstate", lambda: None)
    monkeypatch.setattr(_graph, "REPLAYED_STEPS", 5)
    monkeypatch.setattr(_torch, "REPLAYED_STEPS", 5)
    data = cases[kind]
    recipe = lw.Recipe(epochs=12, batch_size=16, seed=1)
    problem = problem_of(seeded(kind), data, recipe)
    found = []
    for replays in (False, True):
        engine = engine_for(problem)
        engine._replays = replays
        state, steps = engine.advance(problem.initial_state(), 0, 43)
        assert (engine._recorded is not None) is replays
        if replays:
            engine._recorded.draws = kind is Tokens
        state, steps = engine.advance(problem.initial_state(), 0, 43)
        found.append([*steps, *leaves(on_host(state)[:2])])
    assert len(found[0][0]) == 43
    assert len(found[0][2]) == 2
    assert all(map(np.array_equal, *found))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestCuda:
    @pytest.fixture(autouse=True)
    def only_modules_draw(self, monkeypatch):
        """The checks of types in these tests draw from Python's own generator."""
        graph = importlib.import_module("layerwise.training.engines._graph")
        monkeypatch.setattr(graph.random, "getstate", lambda: None)

    def test_replayed_steps_are_the_steps(self, small):
        """Steps as a graph, one by one, and on the CPU."""
        module = seeded(Textbook).double()
        settings = {"epochs": 3, "batch_size": 16, "seed": 1}
        on_gpu = lw.fit(module, small, device="gpu", **settings)
        on_cpu = lw.fit(module, small, device="cpu", **settings)
        assert np.abs(on_gpu.history.losses - on_cpu.history.losses).max() < 1e-9

    def test_a_graph_is_recorded_and_the_data_lies_on_the_device(self, small):
        from layerwise.training._loop import problem_of

        recipe = lw.Recipe(epochs=2, batch_size=16)
        problem = problem_of(seeded(Textbook), small, recipe)
        engine = engine_for(problem)
        engine.advance(problem.initial_state(), 0, 8)
        assert engine._recorded is not None
        assert engine._inputs.is_cuda

    def test_health_and_evaluation_are_those_of_the_cpu(self, small):
        module = seeded(Textbook).double()
        settings = {"epochs": 30, "batch_size": 16, "seed": 1}
        found, expected = (
            lw.fit(module, small, device=d, **settings) for d in ("gpu", "cpu")
        )
        assert len(found.history.health) > 2
        assert np.allclose(
            found.history.health, expected.history.health, rtol=1e-7, atol=1e-9
        )
        assert found.validation.loss == pytest.approx(expected.validation.loss, 1e-9)
        assert found.test.dead == expected.test.dead

    def test_noise_follows_from_seed_and_step(self, small):
        module = nn.Sequential(nn.Linear(4, 32), nn.Dropout(0.5), nn.Linear(32, 3))
        settings = {"batch_size": 16, "seed": 1, "schedule": "constant"}
        losses = [
            lw.fit(module, small, epochs=6, device="gpu", **settings).history.losses
            for _ in range(2)
        ]
        still = lw.fit(module.eval(), small, epochs=6, device="gpu", **settings)
        assert np.array_equal(*losses)
        assert not np.array_equal(losses[0][:4], losses[0][4:8])
        assert still.status == "finished"

    def test_a_module_that_chooses_on_the_host_is_not_recorded(self, small):
        class Counting(nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.other = nn.Linear(4, 3), nn.Linear(4, 3)
                self.calls = 0

            def forward(self, x):
                self.calls += 1
                return self.one(x) if self.calls % 2 else self.other(x)

        recipe = lw.Recipe(epochs=2, batch_size=16)
        from layerwise.training._loop import problem_of

        problem = problem_of(seeded(Counting), small, recipe)
        engine = engine_for(problem)
        engine.advance(problem.initial_state(), 0, 8)
        assert engine._recorded is None


class Sometimes(nn.Module):
    """A layer that gives packed rows, and one that not every step calls."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.extra = nn.Linear(8, 8)
        self.last = nn.Linear(8, 3)
        self.calls = 0

    def forward(self, x):
        steps = nn.utils.rnn.pack_padded_sequence(
            x[:, None].float(), torch.ones(len(x)), batch_first=True
        )
        packed, _ = self.lstm(steps)
        rows, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        rows = rows[:, 0]
        self.calls += 1
        left_out = self.training and self.calls % 2 == 0
        return self.last(rows if left_out else self.extra(rows))


def test_of_a_layer_that_was_left_out_nothing_is_known(small):
    torch.manual_seed(0)
    result = lw.fit(Sometimes(), small, epochs=3, batch_size=16)
    assert result.status == "finished"
    lstm, extra, last = result.history.records[0].layers
    assert np.isnan([extra.mean, extra.spread, extra.variation]).all()
    assert np.isfinite([*lstm, *last]).all()
    assert 0 < lstm.spread < 1
