"""One reader of modules: what is trained, scored and inspected is read alike."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import _get_current_function_mode_stack

import layerwise as lw

SETTINGS = {"epochs": 6, "batch_size": 16, "learning_rate": 0.03, "seed": 0}


@dataclass
class Record:
    logits: torch.Tensor


class Pair(NamedTuple):
    first: torch.Tensor
    hidden: torch.Tensor


RETURNED = {
    "out": lambda x, hidden: {"hidden": hidden, "out": x},
    "logits": lambda x, hidden: {"hidden": hidden, "logits": x},
    "record": lambda x, _: Record(x),
    "tuple": lambda x, hidden: (x, hidden),
    "named tuple": Pair,
    "tuple of out": lambda x, hidden: ({"out": x}, hidden),
}


class Returning(nn.Module):
    """Two layers, and what they give in some wrapping."""

    def __init__(self, wrapped):
        super().__init__()
        torch.manual_seed(3)
        self.wrapped = wrapped
        self.hidden, self.last = nn.Linear(4, 12), nn.Linear(12, 3)

    def forward(self, x):
        hidden = torch.relu(self.hidden(x))
        return self.wrapped(self.last(hidden), hidden)


@pytest.fixture(scope="module")
def iris():
    return lw.load("iris")


@pytest.fixture(scope="module")
def plain(iris):
    return lw.fit(Returning(lambda x, _: x), iris, **SETTINGS)


@pytest.mark.parametrize("returned", RETURNED)
def test_whatever_a_module_returns_training_score_and_study_are_the_same(
    returned, plain, iris
):
    result = lw.fit(Returning(RETURNED[returned]), iris, **SETTINGS)
    assert np.array_equal(result.history.losses, plain.history.losses)
    assert np.array_equal(result.history.health, plain.history.health)
    assert result.test == plain.test
    study, expected = (lw.inspect(one.network, iris) for one in (result, plain))
    assert np.array_equal(study.predictions, expected.predictions)
    assert study.accuracy.value == result.test.accuracy
    assert [layer.name for layer in study] == [layer.name for layer in expected]


@pytest.mark.parametrize("returned", RETURNED)
def test_a_recording_scores_it_too(returned, plain, iris):
    with lw.record(Returning(RETURNED[returned]), iris) as recording:
        recording.snapshot(1)
    with lw.record(Returning(lambda x, _: x), iris) as expected:
        expected.snapshot(1)
    assert recording.scores == expected.scores


class Spelt(nn.Module):
    """A network whose ReLU is written in some way; many units never let pass."""

    def __init__(self, spelling):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm = nn.Linear(4, 20), nn.BatchNorm1d(20)
        self.second, self.last = nn.Linear(20, 10), nn.Linear(10, 3)
        with torch.no_grad():
            self.norm.bias[:8] = -50
            self.second.bias[:3] = -500
        self.relu = nn.ReLU()
        self.inplace = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.2, inplace=True)
        self.spelling = spelling

    def forward(self, x):
        act = SPELLINGS[self.spelling]
        x = act(self, self.norm(self.drop(self.first(x))))
        return self.last(act(self, self.second(x)))


SPELLINGS = {
    "nn.ReLU": lambda m, x: m.relu(x),
    "nn.ReLU(inplace=True)": lambda m, x: m.inplace(x),
    "F.relu": lambda _, x: F.relu(x),
    "F.relu(inplace=True)": lambda _, x: F.relu(x, inplace=True),
    "torch.relu": lambda _, x: torch.relu(x),
    "torch.relu_": lambda _, x: torch.relu_(x),
    "x.relu": lambda _, x: x.relu(),
    "x.relu_": lambda _, x: x.relu_(),
    "x.clamp": lambda _, x: x.clamp(min=0),
}


@pytest.fixture(scope="module")
def by_module(iris):
    return lw.fit(Spelt("nn.ReLU"), iris, **SETTINGS)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_however_an_activation_is_written_its_health_is_the_same(
    spelling, by_module, iris
):
    result = lw.fit(Spelt(spelling), iris, **SETTINGS)
    assert np.array_equal(result.history.losses, by_module.history.losses)
    assert np.array_equal(result.history.health, by_module.history.health)
    assert np.isfinite(result.history.health).all()
    dead = [epoch.dead for epoch in result.history.epochs]
    assert dead == [epoch.dead for epoch in by_module.history.epochs]
    # The norm stands between the first layer and its activation, and has its own row.
    silent = tuple(layer.silent for layer in result.history.records[0].layers)
    for first, norm, second, last in (dead[0], silent):
        assert first == norm == pytest.approx(0.4)
        assert second >= 0.3
        assert last == 0


def test_a_study_sees_what_the_training_saw(by_module, iris):
    study = lw.inspect(by_module.network, iris)
    assert [layer.name for layer in study] == ["input", "first", "second", "last"]
    constant = [layer.measures.values["dead_units"] for layer in study.hidden]
    dead = by_module.history.epochs[-1].dead
    assert constant == pytest.approx([20 * dead[0], 10 * dead[2]])


class Breaking(nn.Module):
    """It fails at some call."""

    def __init__(self, at):
        super().__init__()
        self.at, self.calls = at, 0
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        self.calls += 1
        x = torch.relu(self.first(x))
        if self.calls == self.at:
            raise RuntimeError("broken")
        return self.last(x)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_hooks_and_modes_are_gone_after_an_exception(at, iris, monkeypatch):
    """At the trial call, at a step whose health is taken, and at one without."""
    hooked = []

    def noted(method):
        def register(self, *arguments, **named):
            hooked.append(self)
            return method(self, *arguments, **named)

        return register

    for name in ("register_forward_hook", "register_forward_pre_hook"):
        monkeypatch.setattr(nn.Module, name, noted(getattr(nn.Module, name)))
    with pytest.raises((RuntimeError, lw.InputError), match="broken"):
        lw.fit(Breaking(at), iris, **SETTINGS)
    assert {type(one) for one in hooked} == {nn.Linear}
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in hooked)
    assert not _get_current_function_mode_stack()


class Own(nn.Module):
    """A convolution that no type tells, of which two of four channels are dead."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 1, 1, 2))
        self.register_buffer("bias", torch.tensor([0.0, 0, -1e6, -1e6]))

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias)


class Positions(nn.Module):
    """Channels stand first, or have moved to the end before the activation."""

    def __init__(self, own: bool, last: bool) -> None:
        super().__init__()
        self.conv, self.last = Own() if own else nn.Conv2d(1, 4, (1, 2)), last
        self.out = nn.Linear(12, 3)
        if not own:
            with torch.no_grad():
                self.conv.weight.fill_(1)
                self.conv.bias[2:] = -1e6

    def forward(self, x):
        x = self.conv(x[:, None, None])
        x = torch.relu(x.permute(0, 2, 3, 1) if self.last else x)
        return self.out(x.flatten(1))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_health_is_of_units_wherever_their_axis_is(own, last, iris):
    torch.manual_seed(0)
    result = lw.fit(Positions(own, last), iris, epochs=1)
    assert result.network.layer_names == ("conv", "out")
    assert result.history.epochs[0].dead[0] == 0.5
